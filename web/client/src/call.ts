/** One question, whoever is to answer it. */

import { ClientError } from './errors.js';
import type { DirectAdviser, DirectAnswer } from './types.js';

/** How long a call that passed its deadline may still bring a late answer; the relay's own limit. */
export const LATE_ANSWER_MAX_MS = 20_000;

export type DirectQuestion = (request: never, signal: AbortSignal) => Promise<DirectAnswer>;

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

export const aborted = (why = 'The call was aborted by its signal.') =>
  new ClientError('aborted', why);
