/** How a question comes to its answer: from the relay, else the player's own model, else the engine. */

import { aborted, type Call } from './call.js';
import { askRelay } from './calls.js';
import { ClientError } from './errors.js';
import { type ClientState, throwIfEnded } from './state.js';
import type { Answer, Reduced } from './types.js';
import { askDirect, askEngine } from './without_relay.js';

/** @throws ClientError bad_request, aborted, or what the engine threw. */
export function answer<T>(state: ClientState, call: Call<T>): Promise<Answer<T>> {
  return abortable(call.signal, answerOf(state, call));
}

/** The caller's signal ends the wait at once, whatever the engine is doing. */
function abortable<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(aborted());
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

async function answerOf<T>(state: ClientState, call: Call<T>): Promise<Answer<T>> {
  throwIfEnded(state, call.signal);
  const begunMs = state.host.now();
  const body = await call.request();
  throwIfEnded(state, call.signal);
  if (state.calls === null) return withoutRelay(state, call, body, begunMs, null);
  const result = await askRelay(state.calls, call, body);
  throwIfEnded(state, call.signal);
  if (!(result instanceof ClientError)) return result;
  if (result.code === 'bad_request') throw result;
  const { code, message } = result;
  return withoutRelay(state, call, body, begunMs, { code, message });
}

/**
 * The player's own model where there is one and time is left, else the engine. A relay that is only
 * slow is not doubled: its answer is still on the way.
 */
async function withoutRelay<T>(
  state: ClientState,
  call: Call<T>,
  body: unknown,
  begunMs: number,
  reduced: Reduced | null,
): Promise<Answer<T>> {
  const { host, options } = state;
  const { direct } = options;
  const given = typeof direct === 'function' ? direct() : (direct ?? null);
  const adviser = reduced?.code === 'relay_timeout' ? null : given;
  const deadlineMs = Math.max(host.deadlineMs - (host.now() - begunMs), 0);
  const found = await askDirect(call, body, adviser, { ...host, deadlineMs }, begunMs, reduced);
  throwIfEnded(state, call.signal);
  return found ?? askEngine(call, body, host.now, begunMs, reduced);
}
