/** One heat map over the ground: a smaller hex a cell, so that borders stay readable around it. */

import type { HeatMapName, MapInfo } from '@redoubt/engine';
import { clear, openSurface, resize, traceHex } from './canvas';
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
  setMap(map: MapInfo, layout: Layout, ratio: number): void;
  setHeat(heat: Heat | null): void;
  draw(): void;
}

/** Colour of a value in -1..1 (influence) or 0..1; null where nothing is to be shown. */
export function heatColour(heat: Heat, value: number, teams: number): string | null {
  const strength = Math.abs(value);
  if (strength < 1 / STEPS) return null;
  if (heat.name !== 'influence') return ramp(RAMPS[heat.name], strength);
  const enemy = teams === 2 ? TEAM_COLOURS[1 - heat.team] : ENEMIES_COLOUR;
  return withAlpha(value > 0 ? TEAM_COLOURS[heat.team] : enemy, 0.15 + 0.75 * strength);
}

export function createHeat(canvas: HTMLCanvasElement): HeatLayer {
  const surface = openSurface(canvas, false);
  const context = surface.context;
  let map: MapInfo | null = null;
  let layout: Layout | null = null;
  let heat: Heat | null = null;
  let drawn: Int8Array = new Int8Array(0);
  let bases = new Set<number>();
  let whole = false;
  let stale = false;

  function drawCell(cell: number, step: number): void {
    context.beginPath();
    traceHex(context, layout!, cell, HEX_SCALE + 0.06);
    context.save();
    context.clip();
    const r = layout!.radius;
    context.clearRect(layout!.x[cell] - r, layout!.y[cell] - r, 2 * r, 2 * r);
    context.restore();
    const colour = heatColour(heat!, step / STEPS, map!.teams);
    if (!colour) return;
    context.beginPath();
    traceHex(context, layout!, cell, HEX_SCALE);
    context.fillStyle = withAlpha(BOARD, 0.55);
    context.fill();
    context.globalAlpha = 0.82;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
  }

  return {
    setMap(nextMap, nextLayout, ratio) {
      if (map !== nextMap) heat = null;
      map = nextMap;
      layout = nextLayout;
      resize(surface, layout.width, layout.height, ratio);
      drawn = new Int8Array(map.width * map.height);
      bases = new Set(map.bases);
      whole = stale = true;
    },
    setHeat(next) {
      if (next?.name !== heat?.name || next?.team !== heat?.team) whole = true;
      if (next?.upper !== heat?.upper) whole = true;
      if (next === heat) return;
      heat = next;
      stale = true;
    },
    draw() {
      if (!stale || !map || !layout) return;
      stale = false;
      if (whole) {
        clear(surface);
        drawn.fill(0);
        whole = false;
      }
      if (!heat) return;
      for (let cell = 0; cell < drawn.length; cell++) {
        const step =
          map.terrain[cell] === 2 || bases.has(cell)
            ? 0
            : Math.max(
                -STEPS,
                Math.min(STEPS, Math.round((heat.values[cell] / heat.upper) * STEPS)),
              );
        if (step === drawn[cell]) continue;
        drawn[cell] = step;
        drawCell(cell, step);
      }
    },
  };
}
