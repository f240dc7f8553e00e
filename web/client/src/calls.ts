/**
 * Calls: one question to the relay, and why it is not to be had in time where that is so.
 *
 * 1. A call settles within its deadline; it never rejects.
 * 2. At most CALLS_UNDER_WAY_MAX requests wait for the relay, late ones included.
 * 3. While a limit of the relay holds (429, used budget) nothing is sent.
 */

import { aborted, type Call, LATE_ANSWER_MAX_MS } from './call.js';
import { ClientError } from './errors.js';
import { headers } from './request.js';
import { isOutage, readJson, unreachable } from './response.js';
import type { Answer, ClientOptions, Limit, Schedule } from './types.js';
import { isGone, tellWatch, type Watch } from './watch.js';
import { modelOf } from './wire.js';

export const CALLS_UNDER_WAY_MAX = 16;
const LATENCIES_KEPT = 32;

export interface CallsHost {
  relay: string;
  token: ClientOptions['token'];
  deadlineMs: number;
  fetch: typeof fetch;
  now: () => number;
  schedule: Schedule;
  watch: Watch;
  /** Limits, costs, latencies or errors have changed. */
  onChange(): void;
}

/** What the calls so far have shown. */
export interface Tally {
  limit: Limit | null;
  model: string | null;
  costMicroUsd: number;
  latenciesMs: number[];
  lastError: ClientError | null;
}

export interface Calls {
  readonly host: CallsHost;
  readonly tally: Tally;
  /** Each settles its call; those that have passed their deadline are no longer here. */
  readonly waiting: Set<(error: ClientError) => void>;
  /** Each aborts its request. */
  readonly lives: Set<() => void>;
  underWay: number;
}

/** What the relay answered. */
interface RelayAnswer<T> {
  value: T;
  model: string | null;
  costMicroUsd: number;
}

/** A caller who waits, until the deadline at most. */
interface Wait<T> {
  isOpen: boolean;
  settle(result: Answer<T> | ClientError): void;
}

/** How long a request may live. */
interface Life {
  signal: AbortSignal;
  release(): void;
}

export function createCalls(host: CallsHost): Calls {
  const tally = { limit: null, model: null, costMicroUsd: 0, latenciesMs: [], lastError: null };
  return { host, tally, waiting: new Set(), lives: new Set(), underWay: 0 };
}

/** The relay's answer, or why somebody else has to answer. */
export function askRelay<T>(
  calls: Calls,
  call: Call<T>,
  body: unknown,
): Promise<Answer<T> | ClientError> {
  const beforehand = refusedBeforehand(calls);
  if (beforehand) return Promise.resolve(beforehand);
  const begunMs = calls.host.now();
  const life = lifetime(calls, call.signal);
  calls.underWay += 1;
  return new Promise((resolve) => {
    const wait = waitFor<T>(calls, resolve);
    void send(calls.host, call, body, life.signal)
      .then(
        (answer) => answered(calls, call, wait, answer, begunMs),
        (error: ClientError) => failed(calls, wait, error, life.signal.aborted),
      )
      .finally(() => {
        calls.underWay -= 1;
        life.release();
      });
  });
}

/** Keeps an error that no call waits for, e.g. of a pushed frame. */
export function noteError({ tally, host }: Calls, error: ClientError) {
  tally.lastError = error;
  host.onChange();
}

/** Ends the wait of every call: the relay is gone, or the client is. */
export function giveUp({ waiting }: Calls, error: ClientError) {
  for (const settle of [...waiting]) settle(error);
}

export function stopCalls({ lives }: Calls) {
  for (const end of [...lives]) end();
}

function refusedBeforehand({ host, tally, underWay }: Calls): ClientError | null {
  const { connection } = host.watch;
  if (tally.limit !== null && host.now() >= tally.limit.untilMs) tally.limit = null;
  if (tally.limit !== null) return new ClientError(tally.limit.code, tally.limit.message);
  if (isGone(connection)) return connection.lastError;
  if (underWay < CALLS_UNDER_WAY_MAX) return null;
  return new ClientError('relay_timeout', `${underWay} calls still wait for the relay.`);
}

/** Aborts at the end of the late answers' time, on the caller's signal and on stopCalls(). */
function lifetime({ host, lives }: Calls, signal: AbortSignal | undefined): Life {
  const abort = new AbortController();
  const end = () => abort.abort();
  const cancel = host.schedule(end, Math.max(host.deadlineMs, LATE_ANSWER_MAX_MS));
  lives.add(end);
  signal?.addEventListener('abort', end, { once: true });
  return {
    signal: abort.signal,
    release() {
      cancel();
      lives.delete(end);
      signal?.removeEventListener('abort', end);
    },
  };
}

function waitFor<T>(calls: Calls, resolve: (result: Answer<T> | ClientError) => void): Wait<T> {
  const { deadlineMs, schedule } = calls.host;
  const wait: Wait<T> = {
    isOpen: true,
    settle(result) {
      wait.isOpen = false;
      cancelDeadline();
      calls.waiting.delete(wait.settle);
      resolve(result);
    },
  };
  const cancelDeadline = schedule(() => {
    const message = `The relay took over ${deadlineMs / 1000} s. The built-in strategist answered.`;
    const error = new ClientError('relay_timeout', message);
    wait.settle(error);
    noteDeadline(calls, error);
  }, deadlineMs);
  calls.waiting.add(wait.settle);
  return wait;
}

/** Members beside the shape that say who answered and what it cost. */
function origin(answer: unknown): { model: string | null; costMicroUsd: number } {
  const cost = (answer as { cost_microusd?: unknown }).cost_microusd;
  return { model: modelOf(answer), costMicroUsd: typeof cost === 'number' && cost >= 0 ? cost : 0 };
}

/** The relay's answer, late or not. @throws ClientError */
async function send<T>(
  host: CallsHost,
  call: Call<T>,
  body: unknown,
  signal: AbortSignal,
): Promise<RelayAnswer<T>> {
  try {
    const response = await host.fetch(`${host.relay}${call.path}`, {
      method: 'POST',
      headers: await headers(host.token),
      body: JSON.stringify(body),
      signal,
    });
    const answer = await readJson(response);
    return { value: call.read(answer), ...origin(answer) };
  } catch (error) {
    throw error instanceof ClientError ? error : unreachable(host.relay, error);
  }
}

function answered<T>(
  { host, tally }: Calls,
  call: Call<T>,
  wait: Wait<T>,
  { value, model, costMicroUsd }: RelayAnswer<T>,
  begunMs: number,
) {
  const latencyMs = wait.isOpen ? host.now() - begunMs : null;
  if (latencyMs === null) call.late(value, model);
  else wait.settle({ value, source: 'relay', model, latencyMs, costMicroUsd });
  tally.model = model;
  tally.costMicroUsd += costMicroUsd;
  if (latencyMs !== null) {
    tally.latenciesMs = [...tally.latenciesMs, latencyMs].slice(-LATENCIES_KEPT);
  }
  tellWatch(host.watch, { kind: latencyMs === null ? 'alive' : 'prompt' });
  host.onChange();
}

/** `wasStopped`: by the caller or with the client, which says nothing of the relay. */
function failed<T>(calls: Calls, wait: Wait<T>, error: ClientError, wasStopped: boolean) {
  const { host, tally } = calls;
  wait.settle(wasStopped ? aborted() : error);
  if (wasStopped) return;
  const { code, message } = error;
  tally.lastError = error;
  if (code === 'rate_limited' || code === 'budget_exhausted') {
    tally.limit = { code, message, untilMs: host.now() + (error.retryAfterMs ?? 0) };
  }
  tellWatch(host.watch, { kind: isOutage(error) ? 'suspect' : 'alive' });
  host.onChange();
}

function noteDeadline({ host, tally }: Calls, error: ClientError) {
  tally.lastError = error;
  tellWatch(host.watch, { kind: 'slow', error });
  host.onChange();
}
