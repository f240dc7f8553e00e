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

import { aborted } from './call.js';
import { ClientError } from './errors.js';
import { tokenOf } from './request.js';
import { unreachable } from './response.js';
import type { ClientOptions, Schedule } from './types.js';
import type { ModelClientFrame } from './wire_schemas.js';

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

/** One answer on its way, over one connection after another. */
interface Stream {
  readonly host: ChatSocketHost;
  readonly request: object;
  readonly inbox: Inbox;
  socket: WebSocket | null;
  /** What another connection goes on with, once the relay has said so, and for how long it can. */
  resume: string | null;
  holdMs: number;
  lostAtMs: number | null;
  /** The last event that has come. */
  after: number;
  ended: boolean;
}

/** Messages in the order in which they come, one reader. */
interface Inbox {
  readonly messages: Message[];
  wake: (() => void) | null;
}

function put(inbox: Inbox, message: Message) {
  inbox.messages.push(message);
  inbox.wake?.();
}

async function take(inbox: Inbox): Promise<Message> {
  for (;;) {
    const message = inbox.messages.shift();
    if (message) return message;
    await new Promise<void>((resolve) => (inbox.wake = resolve));
    inbox.wake = null;
  }
}

const say = ({ socket }: Stream, frame: ModelClientFrame) => socket?.send(JSON.stringify(frame));

/** The data of each event, in order. @throws ClientError */
export async function* eventsOver(
  host: ChatSocketHost,
  request: object,
  onEnd: (model: string | null) => void,
  signal?: AbortSignal,
): AsyncGenerator<object> {
  const stream: Stream = {
    host,
    request,
    inbox: { messages: [], wake: null },
    socket: null,
    resume: null,
    holdMs: 0,
    lostAtMs: null,
    after: 0,
    ended: false,
  };
  const stop = () => put(stream.inbox, { type: 'stop' });
  signal?.addEventListener('abort', stop);
  try {
    await open(stream);
    while (!stream.ended) {
      const message = await take(stream.inbox);
      if (message.type === 'stop') throw aborted();
      if (message.type === 'lost') await comeBack(stream, signal);
      else accept(stream, message);
      if (message.type === 'event') yield Object(message.data) as object;
      if (message.type === 'end') onEnd(typeof message.model === 'string' ? message.model : null);
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    close(stream);
  }
}

async function open(stream: Stream) {
  const { host, inbox } = stream;
  const token = await tokenOf(host.token);
  const protocols = token === undefined ? ['redoubt'] : ['redoubt', `redoubt.token.${token}`];
  const made = new host.WebSocket(`${host.relay.replace(/^http/, 'ws')}/v1/ws`, protocols);
  stream.socket = made;
  made.onopen = () => say(stream, greeting(stream));
  made.onmessage = (event) => {
    if (stream.socket !== made) return;
    try {
      put(inbox, JSON.parse(String(event.data)) as Message);
    } catch {
      put(inbox, { type: 'error', message: 'a frame is no JSON' });
    }
  };
  made.onclose = () => {
    if (stream.socket !== made) return;
    stream.socket = null;
    put(inbox, { type: 'lost' });
  };
}

/** What a new connection begins with. */
function greeting({ request, resume, after }: Stream): ModelClientFrame {
  return resume === null
    ? { type: 'call', id: ID, format: 'openai.chat', request }
    : { type: 'resume', token: resume, after };
}

/** After a loss; the relay forgets the stream in time. */
async function comeBack(stream: Stream, signal: AbortSignal | undefined) {
  const { host } = stream;
  if (stream.resume === null) throw unreachable(host.relay, new Error('the connection ended'));
  stream.lostAtMs ??= host.now();
  if (host.now() - stream.lostAtMs > stream.holdMs) {
    throw broken('the connection did not come back in time');
  }
  await new Promise<void>((resolve) => host.schedule(resolve, RETURN_AFTER_MS));
  if (signal?.aborted) throw aborted();
  await open(stream);
}

/** Notes a frame of the relay and acknowledges it where that is due. @throws ClientError */
function accept(stream: Stream, message: Message) {
  const seq = typeof message.seq === 'number' ? message.seq : 0;
  if (message.type === 'started') {
    stream.resume = String(message.token);
    stream.holdMs = Number(message.hold_ms);
  }
  if (message.type === 'resumed') stream.lostAtMs = null;
  if (seq > 0 && seq !== stream.after + 1) throw broken('a frame of it is missing');
  stream.after = Math.max(stream.after, seq);
  if (message.type === 'error' || message.type === 'end') stream.ended = true;
  if (message.type === 'error')
    throw broken(reason(message.body?.error?.message ?? message.message));
  const due = message.type === 'end' || (message.type === 'event' && seq % EVENTS_PER_ACK === 0);
  if (due) say(stream, { type: 'ack', id: ID, seq });
}

function close(stream: Stream) {
  const { socket, ended, resume } = stream;
  if (!ended && resume !== null && socket?.readyState === 1) {
    say(stream, { type: 'cancel', id: ID });
  }
  stream.socket = null;
  socket?.close();
}
