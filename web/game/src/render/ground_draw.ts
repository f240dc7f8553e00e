/** The strokes of the ground layer, each for itself: what is drawn where is ground.ts's. */

import type { MapInfo } from '@redoubt/engine';
import { traceHex, type Surface } from './canvas';
import type { Layout } from './geometry';
import { HALO, OBSTACLE, ROUGH_DOTS, TEAM_COLOURS, withAlpha } from './palette';
import { markPath, sitePath } from './shapes';

type Context = CanvasRenderingContext2D;

export const CELL_SCALE = 0.965;
const SITE_FILL = '#dbe4ee';
const SITE_TYPES = ['energy', 'materials', 'data'];

export function fillHex(
  context: Context,
  layout: Layout,
  cell: number,
  scale: number,
  style: string,
): void {
  context.beginPath();
  traceHex(context, layout, cell, scale);
  context.fillStyle = style;
  context.fill();
}

export function drawObstacle(context: Context, layout: Layout, cell: number): void {
  const lift = layout.radius * 0.1;
  fillHex(context, layout, cell, CELL_SCALE, OBSTACLE.dark);
  context.translate(0, -lift);
  fillHex(context, layout, cell, 0.86, OBSTACLE.face);
  context.beginPath();
  traceHex(context, layout, cell, 0.82);
  context.strokeStyle = OBSTACLE.light;
  context.lineWidth = Math.max(0.75, layout.radius * 0.06);
  context.stroke();
  context.translate(0, lift);
}

export function drawRough(context: Context, { x, y, radius }: Layout, cell: number): void {
  const r = Math.max(0.7, radius * 0.075);
  context.fillStyle = ROUGH_DOTS;
  context.beginPath();
  for (const [dx, dy] of [
    [-0.34, 0.3],
    [0, -0.38],
    [0.34, 0.3],
  ]) {
    context.moveTo(x[cell] + dx * radius + r, y[cell] + dy * radius);
    context.arc(x[cell] + dx * radius, y[cell] + dy * radius, r, 0, Math.PI * 2);
  }
  context.fill();
}

/** Fills a cell from the side that its capturer came from, as far as the capture has come. */
export function clipCapture(
  context: Context,
  { x, y, radius }: Layout,
  cell: number,
  angle: number,
  progress: number,
): void {
  context.beginPath();
  context.translate(x[cell], y[cell]);
  context.rotate(angle);
  context.rect(-radius, -radius, 2 * radius * progress, 2 * radius);
  context.rotate(-angle);
  context.translate(-x[cell], -y[cell]);
  context.clip();
}

/** A line along a cell's edges towards some of its neighbours. */
export function drawEdges(
  context: Context,
  { edges, radius, x, y }: Layout,
  cell: number,
  directions: readonly number[],
  style: string,
): void {
  const width = radius < 9 ? 1.5 : 2;
  const inset = CELL_SCALE - width / 2 / (radius * 0.866);
  context.beginPath();
  for (const d of directions) {
    const e = d * 4;
    context.moveTo(x[cell] + edges[e] * inset, y[cell] + edges[e + 1] * inset);
    context.lineTo(x[cell] + edges[e + 2] * inset, y[cell] + edges[e + 3] * inset);
  }
  context.strokeStyle = style;
  context.lineWidth = width;
  context.lineCap = 'round';
  context.stroke();
}

/** A resource site; `share` of what it can hold is there. */
export function drawSite(
  context: Context,
  { x, y, radius }: Layout,
  { cell, type }: MapInfo['sites'][number],
  share: number,
): void {
  const size = radius * (0.3 + 0.24 * Math.sqrt(share));
  const path = sitePath(SITE_TYPES.indexOf(type), size);
  context.translate(x[cell], y[cell]);
  context.lineJoin = 'round';
  context.strokeStyle = HALO;
  context.lineWidth = Math.max(1.5, radius * 0.2);
  context.stroke(path);
  context.fillStyle = share > 0 ? SITE_FILL : HALO;
  context.fill(path, 'evenodd');
  if (share <= 0) {
    context.strokeStyle = withAlpha(SITE_FILL, 0.55);
    context.lineWidth = 1;
    context.stroke(path);
  }
  context.translate(-x[cell], -y[cell]);
}

export function drawBase(context: Context, layout: Layout, cell: number, team: number): void {
  const { radius, x, y } = layout;
  fillHex(context, layout, cell, 0.9, HALO);
  context.beginPath();
  traceHex(context, layout, cell, 0.78);
  context.strokeStyle = TEAM_COLOURS[team];
  context.lineWidth = Math.max(1.5, radius * 0.16);
  context.lineJoin = 'round';
  context.stroke();
  context.translate(x[cell], y[cell]);
  context.fillStyle = TEAM_COLOURS[team];
  context.fill(markPath(team, radius * 0.34));
  context.translate(-x[cell], -y[cell]);
}

/** A tile a team: strokes in four directions, told apart without colour. */
export function makeHatches(surface: Surface): (CanvasPattern | null)[] {
  const size = 8;
  return TEAM_COLOURS.map((colour, team) => {
    const tile = document.createElement('canvas');
    tile.width = tile.height = Math.round(size * surface.ratio);
    const context = tile.getContext('2d')!;
    context.scale(tile.width / size, tile.width / size);
    context.strokeStyle = withAlpha(colour, 0.3);
    context.fillStyle = withAlpha(colour, 0.42);
    context.lineWidth = 1.1;
    context.beginPath();
    if (team < 2) {
      for (const k of [-size, 0, size]) {
        context.moveTo(k - 1, team === 0 ? size + 1 : -1);
        context.lineTo(k + size + 1, team === 0 ? -1 : size + 1);
      }
    } else if (team === 2) {
      context.moveTo(0, size / 2);
      context.lineTo(size, size / 2);
    } else {
      context.arc(size / 4, size / 4, 0.9, 0, Math.PI * 2);
      context.arc((size * 3) / 4, (size * 3) / 4, 0.9, 0, Math.PI * 2);
      context.fill();
      context.beginPath();
    }
    context.stroke();
    const pattern = surface.context.createPattern(tile, 'repeat');
    pattern?.setTransform(new DOMMatrix().scale(size / tile.width));
    return pattern;
  });
}
