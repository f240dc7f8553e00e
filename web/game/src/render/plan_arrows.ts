/** A plan's arrows as they move and draw themselves. Pure: the clock is an argument. */

import type { PlanArrow } from '@redoubt/engine';
import type { Layout } from './geometry';
import type { Point } from './label_place';
import { progress } from './progress';

const REVEAL_MS = 900;
const GLIDE_MS = 450;
/** An arrow that now points this much elsewhere, in circumradii, is a new one. */
const SAME_GOAL = 12;
const SAMPLES = 40;

interface Ends {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

export interface DrawnArrow {
  readonly team: number;
  readonly arrow: PlanArrow;
  /** When it began to draw itself. */
  readonly start: number;
  /** When its ends last moved, and where they were then. */
  readonly moved: number;
  readonly before: Ends;
}

export const sameArrow = (a: PlanArrow, b: PlanArrow): boolean =>
  a.kind === b.kind && a.from === b.from && a.to === b.to && a.label === b.label;

function endsOf({ x, y }: Layout, arrow: PlanArrow): Ends {
  return { x1: x[arrow.from], y1: y[arrow.from], x2: x[arrow.to], y2: y[arrow.to] };
}

/** An arrow's ends follow its agents smoothly, though plans come once a second. */
function endsAt(layout: Layout, { arrow, moved, before }: DrawnArrow, now: number): Ends {
  const share = progress(now, moved, GLIDE_MS);
  const to = endsOf(layout, arrow);
  const at = (a: number, b: number) => a + (b - a) * share;
  return {
    x1: at(before.x1, to.x1),
    y1: at(before.y1, to.y1),
    x2: at(before.x2, to.x2),
    y2: at(before.y2, to.y2),
  };
}

/** A team's arrow, as the one of the same kind that is `drawn` already or as a new one. */
export function follow(
  layout: Layout,
  drawn: readonly DrawnArrow[],
  team: number,
  arrow: PlanArrow,
  now: number,
  still: boolean,
): DrawnArrow {
  const ends = endsOf(layout, arrow);
  const never = -Infinity;
  if (still) return { team, arrow, start: never, moved: never, before: ends };
  const known = drawn.find((one) => one.team === team && one.arrow.kind === arrow.kind);
  const before = known && endsAt(layout, known, now);
  const near =
    before && Math.hypot(before.x2 - ends.x2, before.y2 - ends.y2) < SAME_GOAL * layout.radius;
  if (!known || !before || !near) return { team, arrow, start: now, moved: never, before: ends };
  if (sameArrow(known.arrow, arrow)) return { ...known, arrow };
  return { team, arrow, start: known.start, moved: now, before };
}

/** How much of an arrow has drawn itself, 0..1. */
export function revealed({ start }: DrawnArrow, now: number): number {
  return progress(now, start, REVEAL_MS);
}

export function isMoving(arrow: DrawnArrow, now: number): boolean {
  return revealed(arrow, now) < 1 || now - arrow.moved < GLIDE_MS;
}

/** A bow that leaves room for the straight way; each team bows to its own side. */
export function curve(layout: Layout, arrow: DrawnArrow, now: number): Point[] {
  const { x1, y1, x2, y2 } = endsAt(layout, arrow, now);
  const bow = arrow.team % 2 === 0 ? 0.16 : -0.16;
  const cx = (x1 + x2) / 2 - (y2 - y1) * bow;
  const cy = (y1 + y2) / 2 + (x2 - x1) * bow;
  return Array.from({ length: SAMPLES + 1 }, (_, i) => {
    const t = i / SAMPLES;
    const u = 1 - t;
    return [u * u * x1 + 2 * u * t * cx + t * t * x2, u * u * y1 + 2 * u * t * cy + t * t * y2];
  });
}

/** The first part of a curve, two points at least. */
export function beginningOf(points: readonly Point[], share: number): readonly Point[] {
  return points.slice(0, Math.max(2, Math.round(share * SAMPLES) + 1));
}
