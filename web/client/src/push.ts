/**
 * The push socket: gameState out at most once a second, directives in. It opens only while the relay
 * is there, so that a lost relay costs one liveness check at a time and no socket attempts.
 *
 * 1. At most one socket; at most one state waits to be sent, the newest.
 * 2. A socket that will not open although the relay is there (a proxy that knows no WebSocket) is
 *    tried again after 1, 2, 4 ... 30 s.
 */

import type { GameState, Push, Schedule } from './types.js';

export const SEND_INTERVAL_MS = 1000;
export const SOCKET_RETRY_FIRST_MS = 1000;
export const SOCKET_RETRY_CAP_MS = 30_000;
/** A state is not sent while this much still waits in the socket: the next one is newer anyway. */
export const BUFFERED_BYTES_MAX = 262_144;
const OPEN = 1;

export interface PushHost {
  url: string;
  WebSocket: new (url: string) => WebSocket;
  now: () => number;
  schedule: Schedule;
  random: () => number;
  /** A frame's text. */
  onMessage(data: string): void;
  onOpen(): void;
  /** The socket closed although nobody asked for it. */
  onLoss(): void;
  onClosed(): void;
}

/** As the relay's clients name themselves: client_ and seven base-36 characters. */
export function clientId(random: () => number): string {
  let id = 'client_';
  for (let index = 0; index < 7; index++) id += Math.floor(random() * 36).toString(36);
  return id;
}

export interface ManagedPush extends Push {
  /** Call after every change of the connection: opens the socket when that is due. */
  update(relayIsThere: boolean): void;
}

export function createPush(host: PushHost): ManagedPush {
  let socket: WebSocket | null = null;
  let closed = false;
  let failures = 0;
  let retryAtMs = host.now();
  let newest: GameState | null = null;
  let sentAtMs = -Infinity;
  let cancelSend: (() => void) | null = null;

  const isOpen = () => socket?.readyState === OPEN;

  function flush() {
    cancelSend?.();
    cancelSend = null;
    if (newest === null || socket === null || !isOpen()) return;
    const waitMs = sentAtMs + SEND_INTERVAL_MS - host.now();
    if (waitMs > 0 || socket.bufferedAmount > BUFFERED_BYTES_MAX) {
      cancelSend = host.schedule(flush, Math.max(waitMs, SEND_INTERVAL_MS / 10));
      return;
    }
    sentAtMs = host.now();
    socket.send(JSON.stringify({ type: 'gameState', data: newest }));
    newest = null;
  }

  function lost(from: WebSocket, wasOpen: boolean) {
    if (socket !== from) return;
    socket = null;
    failures = wasOpen ? 1 : failures + 1;
    const waitMs = Math.min(
      SOCKET_RETRY_CAP_MS,
      SOCKET_RETRY_FIRST_MS * 2 ** Math.min(failures - 1, 10),
    );
    retryAtMs = host.now() + waitMs * (0.5 + 0.5 * host.random());
    // A new socket starts with the state as it is then: the relay answers the first one at once.
    sentAtMs = -Infinity;
    host.onLoss();
  }

  function open() {
    const made = new host.WebSocket(host.url);
    let opened = false;
    socket = made;
    made.addEventListener('open', () => {
      if (socket !== made) return;
      opened = true;
      host.onOpen();
      flush();
    });
    made.addEventListener('message', (event: MessageEvent) => {
      if (socket === made && typeof event.data === 'string') host.onMessage(event.data);
    });
    made.addEventListener('close', () => lost(made, opened));
    // Its close event follows and does the work; without a listener Node's ws would throw.
    made.addEventListener('error', () => undefined);
  }

  return {
    get open() {
      return isOpen();
    },
    send(state) {
      if (closed) return;
      newest = state;
      if (cancelSend === null) flush();
    },
    close() {
      if (closed) return;
      closed = true;
      newest = null;
      cancelSend?.();
      const open = socket;
      socket = null;
      open?.close(1000);
      host.onClosed();
    },
    update(relayIsThere) {
      if (!closed && relayIsThere && socket === null && host.now() >= retryAtMs) open();
    },
  };
}
