/** The strokes of the plan layer, each for itself: what is drawn where is plan.ts's. */

import type { Layout } from './geometry';
import type { Box, Point } from './label_place';
import { HALO, TEAM_COLOURS, TEXT } from './palette';

type Context = CanvasRenderingContext2D;

const LABEL_HEIGHT = 18;

function stroke(context: Context, points: readonly Point[], style: string, width: number): void {
  context.beginPath();
  points.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  context.strokeStyle = style;
  context.lineWidth = width;
  context.stroke();
}

function drawHead(
  context: Context,
  { radius }: Layout,
  points: readonly Point[],
  style: string,
): void {
  const [x, y] = points[points.length - 1];
  const [px, py] = points[Math.max(0, points.length - 4)];
  const angle = Math.atan2(y - py, x - px);
  const size = Math.max(7, radius * 0.72);
  context.beginPath();
  context.moveTo(x + Math.cos(angle) * size * 0.6, y + Math.sin(angle) * size * 0.6);
  for (const side of [2.5, -2.5]) {
    context.lineTo(x + Math.cos(angle + side) * size, y + Math.sin(angle + side) * size);
  }
  context.closePath();
  context.lineJoin = 'round';
  context.strokeStyle = HALO;
  context.lineWidth = 3;
  context.stroke();
  context.fillStyle = style;
  context.fill();
}

/** A ring around a cell that is to be held, `share` of it. */
export function drawHold(
  context: Context,
  { x, y, radius }: Layout,
  cell: number,
  team: number,
  share: number,
): void {
  const from = -Math.PI / 2;
  context.beginPath();
  context.arc(x[cell], y[cell], radius * 1.6, from, from + Math.PI * 2 * share);
  context.strokeStyle = HALO;
  context.lineWidth = 5;
  context.stroke();
  context.setLineDash([7, 5]);
  context.strokeStyle = TEAM_COLOURS[team];
  context.lineWidth = 2.25;
  context.stroke();
  context.setLineDash([]);
}

export function drawArrow(
  context: Context,
  layout: Layout,
  points: readonly Point[],
  team: number,
): void {
  context.lineCap = 'round';
  context.setLineDash([]);
  context.globalAlpha = 0.6;
  stroke(context, points, HALO, 5.5);
  context.globalAlpha = 1;
  context.setLineDash([8, 6]);
  stroke(context, points, TEAM_COLOURS[team], 2.25);
  context.setLineDash([]);
  drawHead(context, layout, points, TEAM_COLOURS[team]);
}

export function labelSize(context: Context, label: string): { width: number; height: number } {
  context.font = `600 11px "Inter Variable", sans-serif`;
  return { width: Math.ceil(context.measureText(label).width) + 22, height: LABEL_HEIGHT };
}

export function drawLabel(context: Context, label: string, box: Box, team: number): void {
  context.beginPath();
  context.roundRect(box.x, box.y, box.width, box.height, 9);
  context.fillStyle = 'rgba(11,15,20,0.88)';
  context.fill();
  context.strokeStyle = TEAM_COLOURS[team];
  context.lineWidth = 1;
  context.stroke();
  context.fillStyle = TEAM_COLOURS[team];
  context.beginPath();
  context.arc(box.x + 9.5, box.y + 9, 3, 0, Math.PI * 2);
  context.fill();
  context.fillStyle = TEXT;
  context.textBaseline = 'middle';
  context.fillText(label, box.x + 16, box.y + 9.5);
}
