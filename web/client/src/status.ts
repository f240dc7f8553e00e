/** The client's status: one value made of what its parts know. */

import type { Calls } from './calls.js';
import { isPushOpen, type PushSocket } from './push.js';
import type { Status } from './types.js';
import { isGone, isThere, type Watch } from './watch.js';

/** The status of a client without a relay, for good. */
export function aloneSince(nowMs: number): Status {
  return {
    state: 'offline',
    since: nowMs,
    retryAtMs: null,
    outageMs: null,
    seen: false,
    lastError: null,
    limit: null,
    model: null,
    latencyP50Ms: null,
    costMicroUsd: 0,
    push: false,
  };
}

/** Of an even number the upper one; null of none. */
export function median(values: readonly number[]): number | null {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? null;
}

export function statusOf({ connection }: Watch, { tally }: Calls, push: PushSocket | null): Status {
  return {
    state: connection.state,
    since: connection.sinceMs,
    // While it is being asked, that is the retry: when the question times out is nobody's business.
    retryAtMs: isGone(connection) ? (connection.probeSinceMs ?? connection.wakeAtMs) : null,
    outageMs: connection.outageMs,
    seen: connection.seen,
    lastError: isThere(connection) ? tally.lastError : (connection.lastError ?? tally.lastError),
    limit: tally.limit,
    model: tally.model,
    latencyP50Ms: median(tally.latenciesMs),
    costMicroUsd: tally.costMicroUsd,
    push: isPushOpen(push),
  };
}

/** Every member is a value, or an object that is never changed. */
export function sameStatus(a: Status, b: Status): boolean {
  return (Object.keys(a) as (keyof Status)[]).every((key) => a[key] === b[key]);
}
