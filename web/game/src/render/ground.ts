/**
 * The ground layer: terrain, territory, sites and bases. Draws only cells whose look changed, and
 * those that are being captured at the moment (they fill from the capturer's side).
 */

import type { Frame, MapInfo } from '@redoubt/engine';
import { clear, openSurface, resize, traceHex, type Surface } from './canvas';
import { emptyLooks, LEVELS, NO_TEAM, updateLooks, type CellLooks } from './dirty';
import { DIRECTIONS, type Layout } from './geometry';
import { BOARD, HALO, OBSTACLE, OPEN_GROUND, ROUGH_DOTS, TEAM_COLOURS, withAlpha } from './palette';
import { markPath, sitePath } from './shapes';

const CELL_SCALE = 0.965;
const CAPTURE_MS = 250;
/** More cells at once (a seek, a new map) change without the animation. */
const CAPTURES_MAX = 48;
/** Hatching starts where colour alone no longer tells the teams apart. */
const HATCHED_FROM_TEAMS = 3;
const SITE_STOCK_MAX = 12;
const SITE_FILL = '#dbe4ee';

interface Capture {
  readonly start: number;
  readonly angle: number;
}

export interface Ground {
  setMap(map: MapInfo, layout: Layout, ratio: number): void;
  setFrame(frame: Frame, now: number, snap: boolean): void;
  setTint(shown: boolean): void;
  /** Returns whether something still moves. */
  draw(now: number): boolean;
}

export function createGround(canvas: HTMLCanvasElement): Ground {
  const surface = openSurface(canvas, true);
  const context = surface.context;
  const dirty = new Set<number>();
  const captures = new Map<number, Capture>();
  const siteOf = new Map<number, number>();
  const baseOf = new Map<number, number>();
  let map: MapInfo | null = null;
  let layout: Layout | null = null;
  let looks: CellLooks = emptyLooks(0);
  let hatches: (CanvasPattern | null)[] = [];
  let tint = true;
  let whole = false;

  function fillHex(cell: number, scale: number, style: string | CanvasPattern): void {
    context.beginPath();
    traceHex(context, layout!, cell, scale);
    context.fillStyle = style;
    context.fill();
  }

  function drawObstacle(cell: number): void {
    const lift = layout!.radius * 0.1;
    fillHex(cell, CELL_SCALE, OBSTACLE.dark);
    context.translate(0, -lift);
    fillHex(cell, 0.86, OBSTACLE.face);
    context.beginPath();
    traceHex(context, layout!, cell, 0.82);
    context.strokeStyle = OBSTACLE.light;
    context.lineWidth = Math.max(0.75, layout!.radius * 0.06);
    context.stroke();
    context.translate(0, lift);
  }

  function drawRough(cell: number): void {
    const { x, y, radius } = layout!;
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

  function fillTerritory(cell: number): void {
    const team = looks.owner[cell];
    if (team === NO_TEAM || !tint) return;
    const control = looks.level[cell] / LEVELS;
    const held = looks.holder[cell] !== NO_TEAM;
    const alpha = held ? 0.1 + 0.3 * control : 0.45 * control;
    context.beginPath();
    traceHex(context, layout!, cell, CELL_SCALE);
    context.fillStyle = withAlpha(TEAM_COLOURS[team], alpha);
    context.fill();
    const hatch = hatches[team];
    if (!hatch || !held) return;
    context.fillStyle = hatch;
    context.fill();
  }

  function drawTerritory(cell: number, now: number): void {
    const capture = captures.get(cell);
    if (!capture) return fillTerritory(cell);
    const progress = Math.min(1, (now - capture.start) / CAPTURE_MS);
    const { radius, x, y } = layout!;
    context.save();
    context.beginPath();
    context.translate(x[cell], y[cell]);
    context.rotate(capture.angle);
    context.rect(-radius, -radius, 2 * radius * progress, 2 * radius);
    context.rotate(-capture.angle);
    context.translate(-x[cell], -y[cell]);
    context.clip();
    fillTerritory(cell);
    context.restore();
  }

  function drawBorders(cell: number): void {
    const holder = looks.holder[cell];
    if (holder === NO_TEAM) return;
    const { edges, neighbours, radius, x, y } = layout!;
    const width = radius < 9 ? 1.5 : 2;
    const inset = CELL_SCALE - width / 2 / (radius * 0.866);
    context.beginPath();
    for (let d = 0; d < DIRECTIONS; d++) {
      const other = neighbours[cell * DIRECTIONS + d];
      if (other < 0 || map!.terrain[other] === 2 || looks.holder[other] === holder) continue;
      const e = d * 4;
      context.moveTo(x[cell] + edges[e] * inset, y[cell] + edges[e + 1] * inset);
      context.lineTo(x[cell] + edges[e + 2] * inset, y[cell] + edges[e + 3] * inset);
    }
    context.strokeStyle = TEAM_COLOURS[holder];
    context.lineWidth = width;
    context.lineCap = 'round';
    context.stroke();
  }

  function drawSite(cell: number, site: number): void {
    const { radius, x, y } = layout!;
    const type = ['energy', 'materials', 'data'].indexOf(map!.sites[site].type);
    const share = Math.min(1, looks.stock[cell] / SITE_STOCK_MAX);
    const path = sitePath(type, radius * (0.3 + 0.24 * Math.sqrt(share)));
    context.translate(x[cell], y[cell]);
    context.lineJoin = 'round';
    context.strokeStyle = HALO;
    context.lineWidth = Math.max(1.5, radius * 0.2);
    context.stroke(path);
    if (share > 0) {
      context.fillStyle = SITE_FILL;
      context.fill(path, 'evenodd');
    } else {
      context.fillStyle = HALO;
      context.fill(path, 'evenodd');
      context.strokeStyle = withAlpha(SITE_FILL, 0.55);
      context.lineWidth = 1;
      context.stroke(path);
    }
    context.translate(-x[cell], -y[cell]);
  }

  function drawBase(cell: number, team: number): void {
    const { radius, x, y } = layout!;
    fillHex(cell, 0.9, HALO);
    context.beginPath();
    traceHex(context, layout!, cell, 0.78);
    context.strokeStyle = TEAM_COLOURS[team];
    context.lineWidth = Math.max(1.5, radius * 0.16);
    context.lineJoin = 'round';
    context.stroke();
    context.translate(x[cell], y[cell]);
    context.fillStyle = TEAM_COLOURS[team];
    context.fill(markPath(team, radius * 0.34));
    context.translate(-x[cell], -y[cell]);
  }

  function drawCell(cell: number, now: number): void {
    fillHex(cell, 1, BOARD);
    if (map!.terrain[cell] === 2) return drawObstacle(cell);
    fillHex(cell, CELL_SCALE, OPEN_GROUND);
    drawTerritory(cell, now);
    if (map!.terrain[cell] === 1) drawRough(cell);
    if (tint) drawBorders(cell);
    const site = siteOf.get(cell);
    if (site !== undefined) drawSite(cell, site);
    const team = baseOf.get(cell);
    if (team !== undefined) drawBase(cell, team);
  }

  function startCaptures(taken: readonly number[], now: number): void {
    for (const cell of taken) {
      if (captures.size >= CAPTURES_MAX) return;
      captures.set(cell, { start: now, angle: captureAngle(layout!, looks, cell) });
    }
  }

  return {
    setMap(nextMap, nextLayout, ratio) {
      const sameMap = map === nextMap;
      map = nextMap;
      layout = nextLayout;
      resize(surface, layout.width, layout.height, ratio);
      hatches = map.teams >= HATCHED_FROM_TEAMS ? makeHatches(surface) : [];
      captures.clear();
      whole = true;
      if (sameMap) return;
      looks = emptyLooks(map.width * map.height);
      siteOf.clear();
      baseOf.clear();
      map.sites.forEach((site, i) => {
        siteOf.set(site.cell, i);
        looks.stock[site.cell] = SITE_STOCK_MAX / 2;
      });
      map.bases.forEach((cell, team) => baseOf.set(cell, team));
    },
    setFrame(frame, now, snap) {
      if (!map || !layout) return;
      const taken: number[] = [];
      updateLooks(looks, frame.cells, layout.neighbours, dirty, taken);
      map.sites.forEach((site, i) => {
        if (looks.stock[site.cell] === frame.stock[i]) return;
        looks.stock[site.cell] = frame.stock[i];
        dirty.add(site.cell);
      });
      if (!snap) startCaptures(taken, now);
    },
    setTint(shown) {
      if (tint === shown) return;
      tint = shown;
      whole = true;
    },
    draw(now) {
      if (!map || !layout) return false;
      if (whole) {
        whole = false;
        clear(surface);
        context.fillStyle = BOARD;
        context.fillRect(0, 0, layout.width, layout.height);
        for (let cell = 0; cell < looks.owner.length; cell++) drawCell(cell, now);
        dirty.clear();
      }
      for (const cell of dirty) drawCell(cell, now);
      dirty.clear();
      for (const [cell, capture] of captures) {
        if (now - capture.start >= CAPTURE_MS) captures.delete(cell);
        dirty.add(cell);
      }
      return dirty.size > 0;
    },
  };
}

/** From where the capturer came: a neighbour that the same team holds, else from the west. */
function captureAngle(layout: Layout, looks: CellLooks, cell: number): number {
  for (let d = 0; d < DIRECTIONS; d++) {
    const other = layout.neighbours[cell * DIRECTIONS + d];
    if (other < 0 || looks.holder[other] !== looks.holder[cell]) continue;
    return Math.atan2(layout.y[cell] - layout.y[other], layout.x[cell] - layout.x[other]);
  }
  return 0;
}

/** A tile a team: strokes in four directions, told apart without colour. */
function makeHatches(surface: Surface): (CanvasPattern | null)[] {
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
