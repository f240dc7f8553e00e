/**
 * Calls: one question to the relay or, where that is not to be had in time, to the engine.
 *
 * 1. A call settles within its deadline plus what the engine takes; it rejects only with bad_request,
 *    aborted, or what the engine threw.
 * 2. At most CALLS_UNDER_WAY_MAX requests wait for the relay, late ones included.
 * 3. While a limit of the relay holds (429, used budget) nothing is sent.
 */

import { ClientError } from './errors.js';
import { isOutage, readJson, unreachable } from './response.js';
import type {
  Answer,
  ClientOptions,
  DirectAdviser,
  DirectAnswer,
  Limit,
  Reduced,
  Schedule,
} from './types.js';
import { isGone, type Watch } from './watch.js';
import { modelOf } from './wire.js';

/** How long a call that passed its deadline may still bring a late answer; the relay's own limit. */
export const LATE_ANSWER_MAX_MS = 20_000;
export const CALLS_UNDER_WAY_MAX = 16;
const LATENCIES_KEPT = 32;

export interface Call<T> {
  path: string;
  /** Asked for once, before anything is sent. */
  request: () => unknown;
  /** @throws ClientError bad_answer */
  read: (value: unknown) => T;
  engine: (request: never) => unknown;
  /** How the player's own model is asked; null where it cannot be asked this. */
  direct: (adviser: DirectAdviser) => DirectQuestion | null;
  /** What becomes of an answer that came after the deadline. */
  late: (value: T, model: string | null) => void;
  signal: AbortSignal | undefined;
}

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
  readonly tally: Readonly<Tally>;
  /** The relay's answer, or why the engine has to answer. */
  ask<T>(call: Call<T>, body: unknown): Promise<Answer<T> | ClientError>;
  /** Keeps an error that no call waits for, e.g. of a pushed frame. */
  note(error: ClientError): void;
  /** Ends the wait of every call: the relay is gone, or the client is. */
  giveUp(error: ClientError): void;
  stop(): void;
}

export const aborted = (why = 'The call was aborted by its signal.') =>
  new ClientError('aborted', why);

/** Members beside the shape that say who answered and what it cost. */
function origin(answer: unknown): { model: string | null; costMicroUsd: number } {
  const cost = (answer as { cost_microusd?: unknown }).cost_microusd;
  return { model: modelOf(answer), costMicroUsd: typeof cost === 'number' && cost >= 0 ? cost : 0 };
}

/** @throws ClientError unauthorized where the token cannot be had. */
export async function tokenOf(token: ClientOptions['token']): Promise<string | undefined> {
  try {
    return typeof token === 'function' ? await token() : token;
  } catch (cause) {
    throw new ClientError('unauthorized', 'token() failed, so the relay was not asked.', { cause });
  }
}

/** @throws ClientError as tokenOf */
export async function headers(token: ClientOptions['token']): Promise<Record<string, string>> {
  const plain = { 'content-type': 'application/json', accept: 'application/json' };
  const given = await tokenOf(token);
  return given === undefined ? plain : { ...plain, authorization: `Bearer ${given}` };
}

/** The relay's answer, late or not. @throws ClientError */
async function send<T>(host: CallsHost, call: Call<T>, body: unknown, signal: AbortSignal) {
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

export type DirectQuestion = (request: never, signal: AbortSignal) => Promise<DirectAnswer>;

/**
 * Asks the player's own model until the deadline; null where it has no answer by then. An answer
 * that comes later still is told of.
 */
export async function askDirect<T>(
  call: Call<T>,
  body: unknown,
  adviser: DirectAdviser | null,
  host: Pick<CallsHost, 'now' | 'schedule' | 'deadlineMs'>,
  begunMs: number,
  reduced: Reduced | null,
): Promise<Answer<T> | null> {
  const ask = adviser && call.direct(adviser);
  if (!ask) return null;
  const life = new AbortController();
  let late = false;
  const answering = ask(body as never, life.signal).then(
    ({ value, model, costMicroUsd }): Answer<T> | null => {
      const read = call.read(value);
      if (late) call.late(read, model);
      const latencyMs = host.now() - begunMs;
      return {
        value: read,
        source: 'direct',
        model,
        latencyMs,
        costMicroUsd,
        ...(reduced && { reduced }),
      };
    },
    // As good as no answer: whoever gave the adviser knows why.
    () => null,
  );
  const endLife = host.schedule(() => life.abort(), LATE_ANSWER_MAX_MS);
  void answering.finally(endLife).catch(() => undefined);
  const given = new Promise<null>((resolve) => {
    const end = host.schedule(() => {
      late = true;
      resolve(null);
    }, host.deadlineMs);
    void answering.finally(end).catch(() => undefined);
  });
  // What cannot be read as an answer is none, either.
  return Promise.race([answering.catch(() => null), given]);
}

/** Asks the engine, and reads what it says as strictly as the relay's words. */
export async function askEngine<T>(
  call: Call<T>,
  body: unknown,
  now: () => number,
  begunMs: number,
  reduced: Reduced | null,
): Promise<Answer<T>> {
  const value = call.read(await call.engine(body as never));
  const latencyMs = now() - begunMs;
  const answer: Answer<T> = { value, source: 'engine', model: null, latencyMs, costMicroUsd: 0 };
  return reduced ? { ...answer, reduced } : answer;
}

export function createCalls(host: CallsHost): Calls {
  const { now, schedule, watch, deadlineMs } = host;
  const tally: Tally = {
    limit: null,
    model: null,
    costMicroUsd: 0,
    latenciesMs: [],
    lastError: null,
  };
  /** Each settles its call; those that have passed their deadline are no longer here. */
  const waiting = new Set<(error: ClientError) => void>();
  /** Each aborts its request. */
  const lives = new Set<() => void>();
  let underWay = 0;

  function refusedBeforehand(): ClientError | null {
    if (tally.limit !== null && now() >= tally.limit.untilMs) tally.limit = null;
    if (tally.limit !== null) return new ClientError(tally.limit.code, tally.limit.message);
    if (isGone(watch.connection)) return watch.connection.lastError;
    if (underWay < CALLS_UNDER_WAY_MAX) return null;
    return new ClientError('relay_timeout', `${underWay} calls still wait for the relay.`);
  }

  function noteAnswer(model: string | null, costMicroUsd: number, latencyMs: number | null) {
    tally.model = model;
    tally.costMicroUsd += costMicroUsd;
    if (latencyMs !== null)
      tally.latenciesMs = [...tally.latenciesMs, latencyMs].slice(-LATENCIES_KEPT);
    watch.tell({ kind: latencyMs === null ? 'alive' : 'prompt' });
    host.onChange();
  }

  function noteFailure(error: ClientError) {
    const { code, message } = error;
    tally.lastError = error;
    if (code === 'rate_limited' || code === 'budget_exhausted') {
      tally.limit = { code, message, untilMs: now() + (error.retryAfterMs ?? 0) };
    }
    watch.tell({ kind: isOutage(error) ? 'suspect' : 'alive' });
    host.onChange();
  }

  function noteDeadline(error: ClientError) {
    tally.lastError = error;
    watch.tell({ kind: 'slow', error });
    host.onChange();
  }

  /** Aborts at the end of the late answers' time, on the caller's signal and on stop(). */
  function lifetime(signal: AbortSignal | undefined) {
    const abort = new AbortController();
    const end = () => abort.abort();
    const cancel = schedule(end, Math.max(deadlineMs, LATE_ANSWER_MAX_MS));
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

  function ask<T>(call: Call<T>, body: unknown): Promise<Answer<T> | ClientError> {
    const beforehand = refusedBeforehand();
    if (beforehand) return Promise.resolve(beforehand);
    const begunMs = now();
    const life = lifetime(call.signal);
    underWay += 1;
    return new Promise((resolve) => {
      let isOpen = true;
      const settle = (result: Answer<T> | ClientError) => {
        isOpen = false;
        cancelDeadline();
        waiting.delete(settle);
        resolve(result);
      };
      const cancelDeadline = schedule(() => {
        const message = `The relay took over ${deadlineMs / 1000} s. The built-in strategist answered.`;
        const error = new ClientError('relay_timeout', message);
        settle(error);
        noteDeadline(error);
      }, deadlineMs);
      waiting.add(settle);

      const answered = ({ value, model, costMicroUsd }: Awaited<ReturnType<typeof send<T>>>) => {
        const latencyMs = isOpen ? now() - begunMs : null;
        if (latencyMs === null) call.late(value, model);
        else settle({ value, source: 'relay', model, latencyMs, costMicroUsd });
        noteAnswer(model, costMicroUsd, latencyMs);
      };
      const failed = (error: ClientError) => {
        const wasStopped = life.signal.aborted;
        settle(wasStopped ? aborted() : error);
        if (!wasStopped) noteFailure(error);
      };
      void send(host, call, body, life.signal)
        .then(answered, failed)
        .finally(() => {
          underWay -= 1;
          life.release();
        });
    });
  }

  return {
    tally,
    ask,
    note(error) {
      tally.lastError = error;
      host.onChange();
    },
    giveUp(error) {
      for (const settle of [...waiting]) settle(error);
    },
    stop() {
      for (const end of [...lives]) end();
    },
  };
}
