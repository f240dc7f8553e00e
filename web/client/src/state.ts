/** What a client holds. */

import { aborted } from './call.js';
import type { Calls } from './calls.js';
import { type Listeners, listeners } from './listeners.js';
import { relayAddress, timers } from './platform.js';
import type { PushSocket } from './push.js';
import { aloneSince, sameStatus, statusOf } from './status.js';
import type { ClientOptions, Directive, Recommendation, Schedule, Status } from './types.js';
import type { Watch } from './watch.js';

export const DEADLINE_DEFAULT_MS = 2500;

/** The options, with what they leave out. */
export interface ClientHost {
  readonly relay: string | null;
  readonly deadlineMs: number;
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly schedule: Schedule;
  readonly random: () => number;
}

export interface ClientState {
  readonly options: ClientOptions;
  readonly host: ClientHost;
  readonly onStatus: Listeners<Status>;
  readonly onDirective: Listeners<Directive>;
  readonly onRecommendation: Listeners<Recommendation>;
  /** As it was published last. */
  status: Status;
  /** Null where there is no relay. */
  watch: Watch | null;
  calls: Calls | null;
  push: PushSocket | null;
  disposed: boolean;
}

/** @throws ClientError bad_request where the relay's address cannot be used. */
export function createState(options: ClientOptions): ClientState {
  const now = options.now ?? (() => performance.now());
  return {
    options,
    host: {
      relay: options.relay === null ? null : relayAddress(options.relay),
      deadlineMs: options.deadlineMs ?? DEADLINE_DEFAULT_MS,
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
      now,
      schedule: options.schedule ?? timers,
      random: options.random ?? Math.random,
    },
    onStatus: listeners(),
    onDirective: listeners(),
    onRecommendation: listeners(),
    status: aloneSince(now()),
    watch: null,
    calls: null,
    push: null,
    disposed: false,
  };
}

/** @throws ClientError aborted */
export function throwIfEnded({ disposed }: ClientState, signal?: AbortSignal) {
  if (disposed) throw aborted('The client was disposed of. Create another one.');
  if (signal?.aborted) throw aborted();
}

/** Tells of the status where it has changed. */
export function publish(state: ClientState) {
  const { watch, calls, push } = state;
  if (watch === null || calls === null || state.disposed) return;
  const next = statusOf(watch, calls, push);
  if (sameStatus(next, state.status)) return;
  state.status = next;
  state.onStatus.tell(next);
}
