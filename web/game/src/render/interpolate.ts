/**
 * Where agents are drawn between two ticks. The board runs one tick late: it moves from the last
 * but one tick to the last, and never guesses beyond it.
 *
 * Both frames list living agents in ascending order of id, so that one pass pairs them.
 */

import type { AgentsView } from '@redoubt/engine';
import type { Layout } from './geometry';

const NONE = 65535;
/** How far agents that share a cell are pushed out of its centre, in circumradii. */
const FAN_OUT = 0.42;

export interface Placed {
  count: number;
  readonly id: Uint32Array;
  readonly x: Float32Array;
  readonly y: Float32Array;
}

export function emptyPlaced(capacity: number): Placed {
  return {
    count: 0,
    id: new Uint32Array(capacity),
    x: new Float32Array(capacity),
    y: new Float32Array(capacity),
  };
}

/** Positions at one tick; several agents standing in one cell fan out around its centre. */
export function place(layout: Layout, agents: AgentsView, out: Placed): void {
  const standing = new Map<number, number>();
  const total = new Map<number, number>();
  for (let i = 0; i < agents.count; i++) {
    if (agents.next[i] === NONE) total.set(agents.cell[i], (total.get(agents.cell[i]) ?? 0) + 1);
  }
  out.count = agents.count;
  for (let i = 0; i < agents.count; i++) {
    const cell = agents.cell[i];
    const next = agents.next[i];
    out.id[i] = agents.id[i];
    let x = layout.x[cell];
    let y = layout.y[cell];
    if (next !== NONE) {
      const share = agents.progress[i] / 1000;
      x += (layout.x[next] - x) * share;
      y += (layout.y[next] - y) * share;
    } else if (total.get(cell)! > 1) {
      const nth = standing.get(cell) ?? 0;
      standing.set(cell, nth + 1);
      const angle = (nth / total.get(cell)!) * Math.PI * 2 - Math.PI / 2;
      x += Math.cos(angle) * FAN_OUT * layout.radius;
      y += Math.sin(angle) * FAN_OUT * layout.radius;
    }
    out.x[i] = x;
    out.y[i] = y;
  }
}

/** For each agent of `to` its index in `from`, or -1 when it is new. */
export function pair(from: Placed, to: Placed, out: Int32Array): void {
  let j = 0;
  for (let i = 0; i < to.count; i++) {
    while (j < from.count && from.id[j] < to.id[i]) j++;
    out[i] = j < from.count && from.id[j] === to.id[i] ? j : -1;
  }
}

/** Share of the way from the last but one tick to the last, 0..1. */
export function shareAt(now: number, arrived: number, tickMs: number): number {
  if (tickMs <= 0) return 1;
  return Math.min(1, Math.max(0, (now - arrived) / tickMs));
}
