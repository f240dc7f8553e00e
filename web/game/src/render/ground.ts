/**
 * The ground layer: terrain, territory, sites and bases. Draws only cells whose look changed, and
 * those that are being captured at the moment (they fill from the capturer's side).
 */

import type { Frame, MapInfo } from '@redoubt/engine';
import { clear, openSurface, resize, type Surface } from './canvas';
import { emptyLooks, LEVELS, NO_TEAM, updateLooks, type CellLooks } from './dirty';
import { DIRECTIONS, type Layout } from './geometry';
import {
  CELL_SCALE,
  clipCapture,
  drawBase,
  drawEdges,
  drawObstacle,
  drawRough,
  drawSite,
  fillHex,
  makeHatches,
} from './ground_draw';
import { BOARD, OPEN_GROUND, TEAM_COLOURS, withAlpha } from './palette';
import { progress } from './progress';

const CAPTURE_MS = 250;
/** More cells at once (a seek, a new map) change without the animation. */
const CAPTURES_MAX = 48;
/** Hatching starts where colour alone no longer tells the teams apart. */
const HATCHED_FROM_TEAMS = 3;
const SITE_STOCK_MAX = 12;
const ROUGH = 1;
const BLOCKED = 2;

interface Capture {
  readonly start: number;
  readonly angle: number;
}

/** What lies where: known once a map is set. */
interface Board {
  readonly map: MapInfo;
  readonly layout: Layout;
  /** Numbers of sites and teams of bases, by cell. */
  readonly siteOf: ReadonlyMap<number, number>;
  readonly baseOf: ReadonlyMap<number, number>;
}

export interface GroundLayer {
  readonly surface: Surface;
  /** Cells to draw again. */
  readonly dirty: Set<number>;
  readonly captures: Map<number, Capture>;
  board: Board | null;
  looks: CellLooks;
  hatches: readonly (CanvasPattern | null)[];
  /** Whether territory is shown. */
  tint: boolean;
  /** Everything is to be drawn again. */
  whole: boolean;
}

export function open(canvas: HTMLCanvasElement): GroundLayer {
  return {
    surface: openSurface(canvas, true),
    dirty: new Set(),
    captures: new Map(),
    board: null,
    looks: emptyLooks(0),
    hatches: [],
    tint: true,
    whole: false,
  };
}

export function setMap(layer: GroundLayer, map: MapInfo, layout: Layout, ratio: number): void {
  const sameMap = layer.board?.map === map;
  const siteOf = new Map(map.sites.map(({ cell }, site) => [cell, site]));
  const baseOf = new Map(Array.from(map.bases, (cell, team) => [cell, team]));
  layer.board = { map, layout, siteOf, baseOf };
  resize(layer.surface, layout.width, layout.height, ratio);
  layer.hatches = map.teams >= HATCHED_FROM_TEAMS ? makeHatches(layer.surface) : [];
  layer.captures.clear();
  layer.whole = true;
  if (sameMap) return;
  layer.looks = emptyLooks(map.width * map.height);
  for (const { cell } of map.sites) layer.looks.stock[cell] = SITE_STOCK_MAX / 2;
}

export function setFrame(layer: GroundLayer, frame: Frame, now: number, snap: boolean): void {
  const { board, looks, dirty } = layer;
  if (!board) return;
  const taken: number[] = [];
  updateLooks(looks, frame.cells, board.layout.neighbours, dirty, taken);
  board.map.sites.forEach(({ cell }, site) => {
    if (looks.stock[cell] === frame.stock[site]) return;
    looks.stock[cell] = frame.stock[site];
    dirty.add(cell);
  });
  if (!snap) startCaptures(layer, board, taken, now);
}

export function setTint(layer: GroundLayer, shown: boolean): void {
  if (layer.tint === shown) return;
  layer.tint = shown;
  layer.whole = true;
}

export function draw(layer: GroundLayer, now: number): void {
  const { board, captures, dirty } = layer;
  if (!board) return;
  if (layer.whole) drawWhole(layer, board, now);
  for (const cell of dirty) drawCell(layer, board, cell, now);
  dirty.clear();
  for (const [cell, { start }] of captures) {
    if (now - start >= CAPTURE_MS) captures.delete(cell);
    dirty.add(cell);
  }
}

function startCaptures(
  { captures, looks }: GroundLayer,
  { layout }: Board,
  taken: readonly number[],
  now: number,
): void {
  for (const cell of taken) {
    if (captures.size >= CAPTURES_MAX) return;
    captures.set(cell, { start: now, angle: captureAngle(layout, looks, cell) });
  }
}

/** From where the capturer came: a neighbour that the same team holds, else from the west. */
export function captureAngle(layout: Layout, looks: CellLooks, cell: number): number {
  for (let d = 0; d < DIRECTIONS; d++) {
    const other = layout.neighbours[cell * DIRECTIONS + d];
    if (other < 0 || looks.holder[other] !== looks.holder[cell]) continue;
    return Math.atan2(layout.y[cell] - layout.y[other], layout.x[cell] - layout.x[other]);
  }
  return 0;
}

/** Directions in which a held cell's territory ends; what cannot be entered needs no border. */
export function borderDirections(
  neighbours: ArrayLike<number>,
  terrain: ArrayLike<number>,
  holder: ArrayLike<number>,
  cell: number,
): number[] {
  const directions: number[] = [];
  for (let d = 0; d < DIRECTIONS; d++) {
    const other = neighbours[cell * DIRECTIONS + d];
    if (other < 0 || terrain[other] === BLOCKED || holder[other] === holder[cell]) continue;
    directions.push(d);
  }
  return directions;
}

function drawWhole(layer: GroundLayer, board: Board, now: number): void {
  const { surface, looks, dirty } = layer;
  layer.whole = false;
  clear(surface);
  surface.context.fillStyle = BOARD;
  surface.context.fillRect(0, 0, board.layout.width, board.layout.height);
  for (let cell = 0; cell < looks.owner.length; cell++) drawCell(layer, board, cell, now);
  dirty.clear();
}

function drawCell(layer: GroundLayer, board: Board, cell: number, now: number): void {
  const { context } = layer.surface;
  const { layout, map, siteOf, baseOf } = board;
  fillHex(context, layout, cell, 1, BOARD);
  if (map.terrain[cell] === BLOCKED) return drawObstacle(context, layout, cell);
  fillHex(context, layout, cell, CELL_SCALE, OPEN_GROUND);
  if (layer.tint) drawTerritory(layer, layout, cell, now);
  if (map.terrain[cell] === ROUGH) drawRough(context, layout, cell);
  if (layer.tint) drawBorders(layer, board, cell);
  const site = siteOf.get(cell);
  if (site !== undefined) {
    const share = Math.min(1, layer.looks.stock[cell] / SITE_STOCK_MAX);
    drawSite(context, layout, map.sites[site], share);
  }
  const team = baseOf.get(cell);
  if (team !== undefined) drawBase(context, layout, cell, team);
}

function drawTerritory(layer: GroundLayer, layout: Layout, cell: number, now: number): void {
  const { context } = layer.surface;
  const capture = layer.captures.get(cell);
  if (!capture) return fillTerritory(layer, layout, cell);
  const share = progress(now, capture.start, CAPTURE_MS);
  context.save();
  clipCapture(context, layout, cell, capture.angle, share);
  fillTerritory(layer, layout, cell);
  context.restore();
}

function fillTerritory(layer: GroundLayer, layout: Layout, cell: number): void {
  const { looks, hatches, surface } = layer;
  const team = looks.owner[cell];
  if (team === NO_TEAM) return;
  const control = looks.level[cell] / LEVELS;
  const held = looks.holder[cell] !== NO_TEAM;
  const alpha = held ? 0.1 + 0.3 * control : 0.45 * control;
  fillHex(surface.context, layout, cell, CELL_SCALE, withAlpha(TEAM_COLOURS[team], alpha));
  const hatch = hatches[team];
  if (!hatch || !held) return;
  surface.context.fillStyle = hatch;
  surface.context.fill();
}

function drawBorders({ surface, looks }: GroundLayer, board: Board, cell: number): void {
  const holder = looks.holder[cell];
  if (holder === NO_TEAM) return;
  const { layout, map } = board;
  const directions = borderDirections(layout.neighbours, map.terrain, looks.holder, cell);
  drawEdges(surface.context, layout, cell, directions, TEAM_COLOURS[holder]);
}
