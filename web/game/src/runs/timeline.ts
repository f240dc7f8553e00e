/** A run as it went: a row for each step that was entered, from its events. Times in ms. */

import type { RunEvent } from '@redoubt/engine/workflows';

export type RowState =
  'done' | 'failed' | 'skipped' | 'cancelled' | 'asking' | 'waiting' | 'running';

export interface Row {
  readonly key: string;
  readonly step: string;
  /** From the run's start. */
  readonly beginMs: number;
  readonly endMs: number;
  readonly state: RowState;
  readonly calls: number;
  readonly retries: number;
  readonly fellBack: boolean;
}

const ENDS: Readonly<Record<string, RowState>> = {
  step_done: 'done',
  step_failed: 'failed',
  step_skipped: 'skipped',
  step_cancelled: 'cancelled',
};
/** Rows that are shown; a longer run shows its last ones. */
export const ROWS_MAX = 200;
/** Steps that the author gave no name are named by their place: they only hold others together. */
const UNNAMED = /^workflow(\.|$)/;

type Growing = { -readonly [K in keyof Row]: Row[K] };

/** `nowMs`: since 1970, up to which steps that have not ended reach. */
export function timeline(events: readonly RunEvent[], nowMs: number): Row[] {
  const rows = new Map<number, Growing>();
  const start = events[0]?.at ?? nowMs;
  for (const { at, kind, step, instance, payload } of events) {
    if (step === undefined || instance === undefined) continue;
    let row = rows.get(instance);
    if (!row) {
      row = {
        key: String(instance),
        step,
        beginMs: at - start,
        endMs: Math.max(nowMs, at) - start,
        state: 'running',
        calls: 0,
        retries: 0,
        fellBack: false,
      };
      rows.set(instance, row);
    }
    if (kind === 'scheduled') row.calls++;
    if (kind === 'retrying') row.retries++;
    if (kind === 'fallback') row.fellBack = true;
    if (kind === 'waiting') {
      const asks = typeof payload === 'object' && payload !== null && 'question' in payload;
      row.state = asks ? 'asking' : 'waiting';
    } else if (row.state === 'waiting' || row.state === 'asking') {
      row.state = 'running';
    }
    const ended = ENDS[kind];
    if (ended) {
      row.state = ended;
      row.endMs = at - start;
    }
  }
  const named = [...rows.values()].filter(
    ({ step, state }) => !UNNAMED.test(step) || state === 'failed' || state === 'asking',
  );
  return named.slice(-ROWS_MAX);
}
