/** One heat map over the ground: a smaller hex a cell, so that borders stay readable around it. */

import type { HeatMapName, MapInfo } from '@redoubt/engine';
import { clear, openSurface, resize, traceHex, type Surface } from './canvas';
import type { Layout } from './geometry';
import { BOARD, ramp, RAMPS, TEAM_COLOURS, withAlpha } from './palette';

const STEPS = 16;
const HEX_SCALE = 0.8;
const ENEMIES_COLOUR = '#9aa7b5';

export interface Heat {
  readonly name: HeatMapName;
  readonly team: number;
  /** One a cell, in thousandths of the unit; influence is signed. */
  readonly values: Int16Array;
  /** The value at the ramp's end. */
  readonly upper: number;
}

export interface HeatLayer {
  readonly surface: Surface;
  board: { readonly map: MapInfo; readonly layout: Layout } | null;
  heat: Heat | null;
  /** The step that each cell shows. */
  drawn: Int8Array;
  /** Everything, or something, is to be drawn again. */
  whole: boolean;
  stale: boolean;
}

/** Colour of a value in -1..1 (influence) or 0..1; null where nothing is to be shown. */
export function heatColour(heat: Heat, value: number, teams: number): string | null {
  const strength = Math.abs(value);
  if (strength < 1 / STEPS) return null;
  if (heat.name !== 'influence') return ramp(RAMPS[heat.name], strength);
  const enemy = teams === 2 ? TEAM_COLOURS[1 - heat.team] : ENEMIES_COLOUR;
  return withAlpha(value > 0 ? TEAM_COLOURS[heat.team] : enemy, 0.15 + 0.75 * strength);
}

/** A cell's value in steps of the ramp, -STEPS..STEPS. */
export function heatStep({ values, upper }: Heat, cell: number): number {
  return Math.max(-STEPS, Math.min(STEPS, Math.round((values[cell] / upper) * STEPS)));
}

export function open(canvas: HTMLCanvasElement): HeatLayer {
  return {
    surface: openSurface(canvas, false),
    board: null,
    heat: null,
    drawn: new Int8Array(0),
    whole: false,
    stale: false,
  };
}

export function setMap(layer: HeatLayer, map: MapInfo, layout: Layout, ratio: number): void {
  if (layer.board?.map !== map) layer.heat = null;
  layer.board = { map, layout };
  resize(layer.surface, layout.width, layout.height, ratio);
  layer.drawn = new Int8Array(map.width * map.height);
  layer.whole = layer.stale = true;
}

export function setHeat(layer: HeatLayer, next: Heat | null): void {
  const { heat } = layer;
  if (next === heat) return;
  if (next?.name !== heat?.name || next?.team !== heat?.team || next?.upper !== heat?.upper) {
    layer.whole = true;
  }
  layer.heat = next;
  layer.stale = true;
}

export function draw(layer: HeatLayer): void {
  const { surface, board, heat, drawn } = layer;
  if (!layer.stale || !board) return;
  layer.stale = false;
  if (layer.whole) {
    clear(surface);
    drawn.fill(0);
    layer.whole = false;
  }
  if (!heat) return;
  const { map, layout } = board;
  const bases = new Set(map.bases);
  for (let cell = 0; cell < drawn.length; cell++) {
    const step = map.terrain[cell] === 2 || bases.has(cell) ? 0 : heatStep(heat, cell);
    if (step === drawn[cell]) continue;
    drawn[cell] = step;
    drawCell(surface.context, layout, cell, heatColour(heat, step / STEPS, map.teams));
  }
}

/** Takes the cell's former colour away and gives it another one; null for none. */
function drawCell(
  context: CanvasRenderingContext2D,
  layout: Layout,
  cell: number,
  colour: string | null,
): void {
  const { x, y, radius } = layout;
  context.beginPath();
  traceHex(context, layout, cell, HEX_SCALE + 0.06);
  context.save();
  context.clip();
  context.clearRect(x[cell] - radius, y[cell] - radius, 2 * radius, 2 * radius);
  context.restore();
  if (!colour) return;
  context.beginPath();
  traceHex(context, layout, cell, HEX_SCALE);
  context.fillStyle = withAlpha(BOARD, 0.55);
  context.fill();
  context.globalAlpha = 0.82;
  context.fillStyle = colour;
  context.fill();
  context.globalAlpha = 1;
}
