/** The push socket as a part of the client: who opens it, and what becomes of its frames. */

import { noteError } from './calls.js';
import { ClientError } from './errors.js';
import { type Frame, readFrame } from './frames.js';
import { clientId, createPush, type PushSocket, updatePush } from './push.js';
import { type ClientState, publish, throwIfEnded } from './state.js';
import { isThere, tellWatch } from './watch.js';

/** @throws ClientError bad_request, aborted */
export function openPush(state: ClientState): PushSocket {
  throwIfEnded(state);
  const { host, watch } = state;
  if (state.push) return state.push;
  const Socket = state.options.WebSocket ?? globalThis.WebSocket;
  if (watch === null) {
    const message = 'Without a relay there is nothing to connect to.';
    throw new ClientError('bad_request', message, { path: 'relay' });
  }
  if (Socket === undefined) {
    const message =
      'This platform has no WebSocket: pass one to createClient (in Node 20 the package ws).';
    throw new ClientError('bad_request', message, { path: 'WebSocket' });
  }
  const push = createPush({
    ...host,
    url: `${watch.host.relay.replace(/^http/, 'ws')}/ws/${clientId(host.random)}`,
    WebSocket: Socket,
    onMessage: (text) => onFrame(state, text),
    onOpen: () => tellWatch(watch, { kind: 'alive' }),
    onLoss: () => tellWatch(watch, { kind: 'suspect' }),
    onClosed: () => {
      state.push = null;
      publish(state);
    },
  });
  state.push = push;
  updatePush(push, isThere(watch.connection));
  return push;
}

function onFrame({ watch, calls, onDirective, onRecommendation }: ClientState, text: string) {
  if (watch) tellWatch(watch, { kind: 'alive' });
  let frame: Frame;
  try {
    frame = readFrame(text);
  } catch (error) {
    // A frame that cannot be used is as good as none; the status says that it came.
    if (calls) noteError(calls, error as ClientError);
    return;
  }
  if (frame.kind === 'directive') onDirective.tell(frame.directive);
  if (frame.kind === 'recommendation') onRecommendation.tell(frame.recommendation);
}
