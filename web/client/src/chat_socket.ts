/**
 * A model's answer over the relay's socket /v1/ws: where the connection breaks, another one goes on
 * with the stream, without gap or repeat, for as long as the relay holds it.
 *
 *   call -> started {token} -> event* -> end
 *   the connection breaks: resume {token, after} -> resumed -> event* -> end
 *
 * 1. What broke before `started` came is not asked again: the relay may have taken it.
 * 2. Whoever stops listening cancels the stream, and with it the model's call.
 */

import { aborted, tokenOf } from './calls.js';
import { ClientError } from './errors.js';
import { unreachable } from './response.js';
import type { ClientOptions, Schedule } from './types.js';

export interface ChatSocketHost {
  relay: string;
  token: ClientOptions['token'];
  WebSocket: NonNullable<ClientOptions['WebSocket']>;
  now: () => number;
  schedule: Schedule;
}

/** Between the loss of a connection and the next try. */
const RETURN_AFTER_MS = 300;
/** What has arrived is acknowledged so often, so that the relay need not keep it. */
const EVENTS_PER_ACK = 64;
const ID = 'chat';

/** A frame of the relay, an end of the connection, or the caller's wish to stop. */
interface Message {
  type?: unknown;
  seq?: unknown;
  token?: unknown;
  hold_ms?: unknown;
  data?: unknown;
  body?: { error?: { message?: unknown } };
  message?: unknown;
  model?: unknown;
}

export const broken = (why: string) =>
  new ClientError('model_failed', `The model's answer broke off: ${why}.`, {});

const reason = (said: unknown) => (typeof said === 'string' ? said : 'the relay says no more');

/** Messages in the order in which they come, one reader. */
function inbox() {
  const messages: Message[] = [];
  let wake: (() => void) | null = null;
  return {
    put(message: Message) {
      messages.push(message);
      wake?.();
    },
    async take(): Promise<Message> {
      for (;;) {
        const message = messages.shift();
        if (message) return message;
        await new Promise<void>((resolve) => (wake = resolve));
        wake = null;
      }
    },
  };
}

/** The data of each event, in order. @throws ClientError */
export async function* eventsOver(
  host: ChatSocketHost,
  request: object,
  onEnd: (model: string | null) => void,
  signal?: AbortSignal,
): AsyncGenerator<object> {
  const messages = inbox();
  const url = `${host.relay.replace(/^http/, 'ws')}/v1/ws`;
  let socket: WebSocket | null = null;
  let resume: string | null = null;
  let holdMs = 0;
  let lostAtMs: number | null = null;
  let after = 0;
  let ended = false;
  const say = (frame: object) => socket?.send(JSON.stringify(frame));

  async function open() {
    const token = await tokenOf(host.token);
    const protocols = token === undefined ? ['redoubt'] : ['redoubt', `redoubt.token.${token}`];
    const made = new host.WebSocket(url, protocols);
    socket = made;
    made.onopen = () =>
      say(
        resume === null
          ? { type: 'call', id: ID, format: 'openai.chat', request }
          : { type: 'resume', token: resume, after },
      );
    made.onmessage = (event) => {
      if (socket !== made) return;
      try {
        messages.put(JSON.parse(String(event.data)) as Message);
      } catch {
        messages.put({ type: 'error', message: 'a frame is no JSON' });
      }
    };
    made.onclose = () => {
      if (socket !== made) return;
      socket = null;
      messages.put({ type: 'lost' });
    };
  }

  /** After a loss; the relay forgets the stream in time. */
  async function comeBack() {
    if (resume === null) throw unreachable(host.relay, new Error('the connection ended'));
    lostAtMs ??= host.now();
    if (host.now() - lostAtMs > holdMs) throw broken('the connection did not come back in time');
    await new Promise<void>((resolve) => host.schedule(resolve, RETURN_AFTER_MS));
    if (signal?.aborted) throw aborted();
    await open();
  }

  const stop = () => messages.put({ type: 'stop' });
  signal?.addEventListener('abort', stop);
  try {
    await open();
    for (;;) {
      const message = await messages.take();
      const seq = typeof message.seq === 'number' ? message.seq : 0;
      if (message.type === 'stop') throw aborted();
      if (message.type === 'lost') {
        await comeBack();
        continue;
      }
      if (message.type === 'started') {
        resume = String(message.token);
        holdMs = Number(message.hold_ms);
      }
      if (message.type === 'resumed') lostAtMs = null;
      if (seq > 0 && seq !== after + 1) throw broken('a frame of it is missing');
      after = Math.max(after, seq);
      if (message.type === 'error') {
        ended = true;
        throw broken(reason(message.body?.error?.message ?? message.message));
      }
      if (message.type === 'event') {
        if (seq % EVENTS_PER_ACK === 0) say({ type: 'ack', id: ID, seq });
        yield Object(message.data) as object;
      }
      if (message.type === 'end') {
        ended = true;
        say({ type: 'ack', id: ID, seq });
        onEnd(typeof message.model === 'string' ? message.model : null);
        return;
      }
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    const last = socket as WebSocket | null;
    if (last && !ended && resume !== null && last.readyState === 1) {
      say({ type: 'cancel', id: ID });
    }
    socket = null;
    last?.close();
  }
}
