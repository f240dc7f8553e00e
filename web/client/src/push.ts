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

export interface PushSocket {
  readonly host: PushHost;
  /** What the game holds of it. */
  readonly face: Push;
  socket: WebSocket | null;
  /** Waits to be sent. */
  newest: GameState | null;
  sentAtMs: number;
  cancelSend: (() => void) | null;
  /** Sockets in a row that did not stay open, and when the next one is due. */
  failures: number;
  retryAtMs: number;
  closed: boolean;
}

export function createPush(host: PushHost): PushSocket {
  const push: PushSocket = {
    host,
    face: {
      get open() {
        return isPushOpen(push);
      },
      send: (state) => sendState(push, state),
      close: () => closePush(push),
    },
    socket: null,
    newest: null,
    sentAtMs: -Infinity,
    cancelSend: null,
    failures: 0,
    retryAtMs: host.now(),
    closed: false,
  };
  return push;
}

export const isPushOpen = (push: PushSocket | null) => push?.socket?.readyState === OPEN;

/** Call after every change of the connection: opens the socket when that is due. */
export function updatePush(push: PushSocket, relayIsThere: boolean) {
  if (push.closed || !relayIsThere || push.socket !== null) return;
  if (push.host.now() >= push.retryAtMs) open(push);
}

export function closePush(push: PushSocket) {
  if (push.closed) return;
  push.closed = true;
  push.newest = null;
  push.cancelSend?.();
  const open = push.socket;
  push.socket = null;
  open?.close(1000);
  push.host.onClosed();
}

function sendState(push: PushSocket, state: GameState) {
  if (push.closed) return;
  push.newest = state;
  if (push.cancelSend === null) flush(push);
}

function flush(push: PushSocket) {
  const { host, socket } = push;
  push.cancelSend?.();
  push.cancelSend = null;
  if (push.newest === null || socket === null || !isPushOpen(push)) return;
  const waitMs = push.sentAtMs + SEND_INTERVAL_MS - host.now();
  if (waitMs > 0 || socket.bufferedAmount > BUFFERED_BYTES_MAX) {
    push.cancelSend = host.schedule(() => flush(push), Math.max(waitMs, SEND_INTERVAL_MS / 10));
    return;
  }
  push.sentAtMs = host.now();
  socket.send(JSON.stringify({ type: 'gameState', data: push.newest }));
  push.newest = null;
}

function open(push: PushSocket) {
  const { host } = push;
  const made = new host.WebSocket(host.url);
  let opened = false;
  push.socket = made;
  made.addEventListener('open', () => {
    if (push.socket !== made) return;
    opened = true;
    host.onOpen();
    flush(push);
  });
  made.addEventListener('message', (event: MessageEvent) => {
    if (push.socket === made && typeof event.data === 'string') host.onMessage(event.data);
  });
  made.addEventListener('close', () => lost(push, made, opened));
  // Its close event follows and does the work; without a listener Node's ws would throw.
  made.addEventListener('error', () => undefined);
}

function lost(push: PushSocket, from: WebSocket, wasOpen: boolean) {
  const { host } = push;
  if (push.socket !== from) return;
  push.socket = null;
  push.failures = wasOpen ? 1 : push.failures + 1;
  push.retryAtMs = host.now() + retryAfterMs(push.failures) * (0.5 + 0.5 * host.random());
  // A new socket starts with the state as it is then: the relay answers the first one at once.
  push.sentAtMs = -Infinity;
  host.onLoss();
}

/** After so many sockets in a row that failed; the jitter comes on top. */
export function retryAfterMs(failures: number): number {
  return Math.min(SOCKET_RETRY_CAP_MS, SOCKET_RETRY_FIRST_MS * 2 ** Math.min(failures - 1, 10));
}
