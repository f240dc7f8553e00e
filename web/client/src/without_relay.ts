/** Answers where the relay gives none: the player's own model, else the engine. */

import { type Call, LATE_ANSWER_MAX_MS } from './call.js';
import type { Answer, DirectAdviser, Reduced, Schedule } from './types.js';

export interface DirectHost {
  now: () => number;
  schedule: Schedule;
  deadlineMs: number;
}

/**
 * Asks the player's own model until the deadline; null where it has no answer by then. An answer
 * that comes later still is told of.
 */
export async function askDirect<T>(
  call: Call<T>,
  body: unknown,
  adviser: DirectAdviser | null,
  host: DirectHost,
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
