/** The strokes of the agents' layer, each for itself: what is drawn where is agents.ts's. */

import { traceHex, type Surface } from './canvas';
import type { Cluster } from './contested';
import { DEATH_MS, TRACER_MS, type Death, type Tracer } from './effects';
import type { Layout } from './geometry';
import type { Position } from './interpolate';
import { ACCENT, BAD, HALO, mix, OK, TEAM_COLOURS, TEXT, WARNING, withAlpha } from './palette';
import { spriteOf } from './sprites';
import { progress } from './progress';

type Context = CanvasRenderingContext2D;

export interface Brush {
  readonly surface: Surface;
  /** Radius of an agent, px. */
  glyph: number;
  sprites: readonly HTMLCanvasElement[];
}

function fillCircle(context: Context, { x, y }: Position, radius: number, style: string): void {
  context.fillStyle = style;
  context.beginPath();
  context.arc(x, y, radius, 0, Math.PI * 2);
  context.fill();
}

export function drawRing(
  context: Context,
  { x, y }: Position,
  radius: number,
  style: string,
  width: number,
): void {
  context.beginPath();
  context.arc(x, y, radius, 0, Math.PI * 2);
  context.strokeStyle = style;
  context.lineWidth = width;
  context.stroke();
}

export function drawSprite(
  { surface, sprites }: Brush,
  sprite: number,
  { x, y }: Position,
  scale: number,
  alpha: number,
): void {
  const image = sprites[sprite];
  const size = (image.width / surface.ratio) * scale;
  surface.context.globalAlpha = alpha;
  surface.context.drawImage(image, x - size / 2, y - size / 2, size, size);
  surface.context.globalAlpha = 1;
}

/** What an agent carries, as a share of what it can. */
export function drawLoad(
  { surface: { context }, glyph }: Brush,
  at: Position,
  share: number,
): void {
  const radius = glyph * 0.46;
  fillCircle(context, at, radius, HALO);
  fillCircle(context, at, radius * (0.35 + 0.4 * Math.min(1, share)), TEXT);
}

export function drawFlash(
  { surface: { context }, glyph }: Brush,
  at: Position,
  left: number,
): void {
  fillCircle(context, at, glyph * 1.15, `rgba(255,255,255,${(0.75 * left).toFixed(2)})`);
}

export function drawHealth(
  { surface: { context }, glyph }: Brush,
  { x, y }: Position,
  share: number,
): void {
  const width = glyph * 2.1;
  const height = Math.max(2, glyph * 0.3);
  const top = y + glyph * 1.42;
  context.fillStyle = HALO;
  context.fillRect(x - width / 2 - 1, top - 1, width + 2, height + 2);
  context.fillStyle = share > 0.6 ? OK : share > 0.3 ? WARNING : BAD;
  context.fillRect(x - width / 2, top, width * share, height);
}

export function drawTracer(
  { surface: { context }, glyph }: Brush,
  { start, team, from, to }: Tracer,
  now: number,
): void {
  const head = progress(now, start, TRACER_MS);
  const tail = Math.max(0, head - 0.45);
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  context.lineCap = 'round';
  context.beginPath();
  context.moveTo(from.x + dx * tail, from.y + dy * tail);
  context.lineTo(from.x + dx * head, from.y + dy * head);
  context.strokeStyle = mix(TEAM_COLOURS[team], '#ffffff', 0.55);
  context.lineWidth = Math.max(1.5, glyph * 0.28);
  context.stroke();
}

export function drawDeath(brush: Brush, { start, team, role, at }: Death, now: number): void {
  const left = 1 - progress(now, start, DEATH_MS);
  drawSprite(brush, spriteOf(team, role), at, left, left);
  const colour = withAlpha(ACCENT, left * 0.7);
  drawRing(brush.surface.context, at, brush.glyph * (1 + (1 - left)), colour, 1);
}

/** Rings around where enemies meet, turned by an angle. */
export function drawClusters(context: Context, clusters: readonly Cluster[], turn: number): void {
  context.setLineDash([5, 7]);
  context.lineCap = 'round';
  context.strokeStyle = withAlpha(ACCENT, 0.55);
  context.lineWidth = 1.25;
  for (const { x, y, radius } of clusters) {
    context.beginPath();
    context.arc(x, y, radius, turn, turn + Math.PI * 2);
    context.stroke();
  }
  context.setLineDash([]);
}

/** Cells that light up; `wave` from 0 (faint) to 1. */
export function drawPulse(
  context: Context,
  layout: Layout,
  cells: readonly number[],
  wave: number,
): void {
  context.beginPath();
  for (const cell of cells) traceHex(context, layout, cell, 0.86 + 0.1 * wave);
  context.strokeStyle = withAlpha(TEXT, 0.25 + 0.7 * wave);
  context.lineWidth = 2;
  context.stroke();
  context.fillStyle = withAlpha(ACCENT, 0.05 + 0.2 * wave);
  context.fill();
}

export function drawCursor(context: Context, layout: Layout, cell: number): void {
  context.beginPath();
  traceHex(context, layout, cell, 0.98);
  context.lineWidth = 4;
  context.strokeStyle = HALO;
  context.stroke();
  context.lineWidth = 2;
  context.strokeStyle = '#ffffff';
  context.stroke();
}
