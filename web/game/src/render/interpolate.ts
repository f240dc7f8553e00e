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

/** Agents at the last but one tick and at the last. */
export interface Tween {
  before: Placed;
  after: Placed;
  /** For each agent of `after` its index in `before`, or -1 when it is new. */
  readonly partner: Int32Array;
}

export interface Position {
  readonly x: number;
  readonly y: number;
}

export function emptyTween(capacity: number): Tween {
  return {
    before: emptyPlaced(capacity),
    after: emptyPlaced(capacity),
    partner: new Int32Array(capacity),
  };
}

/** Takes the next tick in. `snap`: agents are where they are now, they did not come from anywhere. */
export function advance(tween: Tween, layout: Layout, agents: AgentsView, snap: boolean): void {
  [tween.before, tween.after] = [tween.after, tween.before];
  place(layout, agents, tween.after);
  if (snap) tween.before.count = 0;
  pair(tween.before, tween.after, tween.partner);
}

/** The same agents in another layout. */
export function placeAgain(tween: Tween, layout: Layout, agents: AgentsView): void {
  place(layout, agents, tween.after);
  place(layout, agents, tween.before);
  pair(tween.before, tween.after, tween.partner);
}

/** Where agent number `i` of the last tick is drawn at a share of the way. */
export function positionAt({ before, after, partner }: Tween, i: number, share: number): Position {
  const from = partner[i];
  if (from < 0) return { x: after.x[i], y: after.y[i] };
  return {
    x: before.x[from] + (after.x[i] - before.x[from]) * share,
    y: before.y[from] + (after.y[i] - before.y[from]) * share,
  };
}

/** Where an agent was placed last; null where neither tick has it. */
export function lastPosition({ before, after }: Tween, id: number): Position | null {
  for (const placed of [after, before]) {
    for (let i = 0; i < placed.count; i++)
      if (placed.id[i] === id) return { x: placed.x[i], y: placed.y[i] };
  }
  return null;
}
