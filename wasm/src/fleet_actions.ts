/** What a fleet of runs wants done, as work() says it (fleet_actions.cpp). */
import type { EngineErrorCode } from './types.js';
import type { Effect, Question, RunStatus } from './run_types.js';

/** A run, and which of those that had this id. */
export interface RunRef {
  id: string;
  serial: number;
}

/** What the fleet shows of a run. */
export interface FleetView {
  id: string;
  workflow: string;
  sha256: string;
  status: RunStatus;
  started_ms: number;
  ended_ms: number;
  events: number;
  outcome: unknown;
  questions: Question[];
  state_hash: string;
}

export interface FleetError {
  code: EngineErrorCode | 'unknown_run' | 'removed' | 'too_many_runs' | 'too_many_inputs';
  message: string;
  path: string;
  expected: string;
  got: string;
}

/** Keep this, and say stored(). `bytes`: how many of bytes() are to be appended to the history. */
export interface Store extends RunRef {
  do: 'store';
  bytes: number;
  endedAt: number;
  /** Nothing is left of what came in: what was marked as being taken up did no harm. */
  rests: boolean;
  /** Of one that the journal does not have, or has another one of. */
  replaces?: boolean;
  workflow?: string;
  sha256?: string;
  definition?: string;
  startedAt?: number;
}
export interface Begin extends RunRef {
  do: 'begin';
  effect: Effect;
}
/** The answer to a command: a view, bytes, or why there is none. */
export interface Tell {
  do: 'tell';
  call: number;
  view?: FleetView;
  bytes?: number;
  error?: FleetError;
}

export type FleetAction =
  | Store
  | Begin
  | Tell
  | ({ do: 'load' | 'release' | 'erase' | 'readHistory' | 'readEpochs' } & RunRef)
  | ({ do: 'withdraw'; effect: string } & RunRef)
  | ({ do: 'changed'; view: FleetView } & RunRef)
  /** It is in memory no more; `wakeAt`: when it wants to be there again, or 0. */
  | ({ do: 'left'; wakeAt: number } & RunRef)
  /** Say tick() once then, in place of the time that was named before; 0: not at all. */
  | { do: 'wake'; at: number };
