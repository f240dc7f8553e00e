/** The plan layer: each team's arrows, dashed and labelled, drawing themselves when new. */

import type { PlanArrow } from '@redoubt/engine';
import { arrowLabel } from '../text/format';
import { clear, openSurface, resize, type Surface } from './canvas';
import type { Layout } from './geometry';
import { placeLabel, type Box, type Point } from './label_place';
import {
  beginningOf,
  curve,
  follow,
  isMoving,
  revealed,
  sameArrow,
  type DrawnArrow,
} from './plan_arrows';
import { drawArrow, drawHold, drawLabel, labelSize } from './plan_draw';

const ARROWS_PER_TEAM_MAX = 3;
/** On smaller hexes labels would hide more than they tell; the cards name the plans. */
const LABELLED_RADIUS_MIN = 6.5;
/** An arrow's label comes when so much of it is drawn. */
const LABELLED_FROM = 0.6;

export interface TeamPlan {
  readonly team: number;
  readonly arrows: readonly PlanArrow[];
}

export interface PlanLayer {
  readonly surface: Surface;
  layout: Layout | null;
  drawn: readonly DrawnArrow[];
  /** Where agents were when the plans came: labels make room for them. */
  crowd: readonly Point[];
  stale: boolean;
}

export function open(canvas: HTMLCanvasElement): PlanLayer {
  return { surface: openSurface(canvas, false), layout: null, drawn: [], crowd: [], stale: false };
}

export function setMap(layer: PlanLayer, layout: Layout, ratio: number): void {
  layer.drawn = layer.drawn
    .filter(({ arrow }) => arrow.to < layout.x.length)
    .map((arrow) => ({ ...arrow, moved: -Infinity }));
  layer.layout = layout;
  resize(layer.surface, layout.width, layout.height, ratio);
  layer.stale = true;
}

/** `still` shows new arrows at once; `cells` are those where agents stand. */
export function setPlans(
  layer: PlanLayer,
  plans: readonly TeamPlan[],
  cells: ArrayLike<number>,
  now: number,
  still: boolean,
): void {
  const { layout, drawn } = layer;
  if (!layout) return;
  const next = plans.flatMap(({ team, arrows }) =>
    arrows
      .slice(0, ARROWS_PER_TEAM_MAX)
      .map((arrow) => follow(layout, drawn, team, arrow, now, still)),
  );
  const same =
    next.length === drawn.length && next.every(({ arrow }, i) => sameArrow(arrow, drawn[i].arrow));
  if (same) return;
  layer.drawn = next;
  layer.crowd = Array.from(cells, (cell) => [layout.x[cell], layout.y[cell]] as const);
  layer.stale = true;
}

export function draw(layer: PlanLayer, now: number): void {
  const { surface, layout, drawn } = layer;
  if (!layer.stale || !layout) return;
  clear(surface);
  const curves = drawn.map((item) => curve(layout, item, now));
  drawn.forEach((item, i) => drawPath(surface.context, layout, item, curves[i], now));
  if (layout.radius >= LABELLED_RADIUS_MIN) drawLabels(layer, layout, curves, now);
  layer.stale = drawn.some((item) => isMoving(item, now));
}

function drawPath(
  context: CanvasRenderingContext2D,
  layout: Layout,
  item: DrawnArrow,
  points: readonly Point[],
  now: number,
): void {
  const { arrow, team } = item;
  const eased = 1 - (1 - revealed(item, now)) ** 3;
  const goes = arrow.from !== arrow.to;
  if (!goes || arrow.kind === 'hold') drawHold(context, layout, arrow.to, team, eased);
  if (goes) drawArrow(context, layout, beginningOf(points, eased), team);
}

/** Over all arrows, and each in a place of its own. */
function drawLabels(
  { surface: { context }, drawn, crowd }: PlanLayer,
  layout: Layout,
  curves: readonly (readonly Point[])[],
  now: number,
): void {
  const taken: Box[] = [];
  drawn.forEach((item, i) => {
    if (revealed(item, now) <= LABELLED_FROM) return;
    const label = arrowLabel(item.arrow);
    const around = { board: layout, taken, crowd, radius: layout.radius * 0.6 };
    const box = placeLabel(curves[i], labelSize(context, label), around);
    taken.push(box);
    drawLabel(context, label, box, item.team);
  });
}
