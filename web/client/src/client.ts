/**
 * createClient(): puts the parts together. Whether the relay is there is watch.ts's, what a question is
 * questions.ts's, how it is answered answers.ts's, what is pushed push.ts's; state.ts holds them all.
 */

import { answer } from './answers.js';
import { aborted } from './call.js';
import { createCalls, giveUp, stopCalls } from './calls.js';
import { openPush } from './connect.js';
import { ClientError } from './errors.js';
import { browserNetwork } from './platform.js';
import { closePush, updatePush } from './push.js';
import { adaptationCall, agentSpecificationCall, strategyCall } from './questions.js';
import { type ClientState, createState, publish, throwIfEnded } from './state.js';
import type { CallOptions, ChatPiece, ChatRequest, Client, ClientOptions } from './types.js';
import { isGone, isThere, startWatch, stopWatch } from './watch.js';

export { DEADLINE_DEFAULT_MS } from './state.js';

/** @throws ClientError bad_request where the relay's address cannot be used. */
export function createClient(options: ClientOptions): Client {
  const state = createState(options);
  if (state.host.relay !== null) startRelay(state, state.host.relay);
  const client: Omit<Client, typeof Symbol.dispose> = {
    strategy: async (team, given, how) => answer(state, strategyCall(state, team, given, how)),
    agentSpecification: async (team, given, how) =>
      answer(state, agentSpecificationCall(state, team, given, how)),
    adaptation: async (team, given, how) => answer(state, adaptationCall(state, team, given, how)),
    chat: (request, how) => chat(state, request, how),
    connect: () => openPush(state).face,
    get status() {
      return state.status;
    },
    onStatus: state.onStatus.add,
    onDirective: state.onDirective.add,
    onRecommendation: state.onRecommendation.add,
    now: state.host.now,
    dispose: () => dispose(state),
  };
  // Browsers before 2025 have no Symbol.dispose.
  if (Symbol.dispose) Object.defineProperty(client, Symbol.dispose, { value: client.dispose });
  return client as Client;
}

function startRelay(state: ClientState, relay: string) {
  const { host, options } = state;
  state.watch = startWatch({
    ...host,
    relay,
    network: options.network ?? browserNetwork,
    onStep(connection) {
      const { calls, push } = state;
      if (calls && isGone(connection) && connection.lastError) giveUp(calls, connection.lastError);
      if (push) updatePush(push, isThere(connection));
      publish(state);
    },
  });
  state.calls = createCalls({
    ...host,
    relay,
    token: options.token,
    watch: state.watch,
    onChange: () => publish(state),
  });
  publish(state);
}

async function* chat(
  state: ClientState,
  request: ChatRequest,
  how: CallOptions | undefined,
): AsyncIterable<ChatPiece> {
  throwIfEnded(state, how?.signal);
  const { host, options } = state;
  if (host.relay === null) {
    throw new ClientError('bad_request', 'Without a relay there is no model to chat with.', {
      path: 'relay',
    });
  }
  // Games that never chat do not load it.
  const { chat: ask } = await import('./chat.js');
  const WebSocket = options.WebSocket ?? globalThis.WebSocket;
  yield* ask({ ...host, relay: host.relay, token: options.token, WebSocket }, request, how);
}

function dispose(state: ClientState) {
  const { watch, calls, push } = state;
  if (state.disposed) return;
  if (push) closePush(push);
  state.disposed = true;
  if (watch) stopWatch(watch);
  if (!calls) return;
  stopCalls(calls);
  giveUp(calls, aborted('The client was disposed of.'));
}
