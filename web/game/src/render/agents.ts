/**
 * The moving layer: agents between two ticks, what they do to each other, the rings around
 * contested clusters, pulsing cells and the grid cursor.
 */

import type { Frame, MapInfo } from '@redoubt/engine';
import {
  drawClusters,
  drawCursor,
  drawDeath,
  drawFlash,
  drawHealth,
  drawLoad,
  drawPulse,
  drawRing,
  drawSprite,
  drawTracer,
  type Brush,
} from './agent_draw';
import { clear, openSurface, resize } from './canvas';
import { contestedClusters, type Cluster } from './contested';
import { areNone, dropOver, flashOf, grown, noEffects, startEffect, type Effects } from './effects';
import type { Layout } from './geometry';
import {
  advance,
  emptyTween,
  placeAgain,
  positionAt,
  type Position,
  type Tween,
} from './interpolate';
import { TEAM_COLOURS, TEXT } from './palette';
import { makeSprites, spriteOf } from './sprites';
import { progress } from './progress';

const AGENTS_MAX = 64;
const RING_PERIOD_MS = 9000;
const PULSE_MS = 1800;

export interface Motion {
  readonly now: number;
  /** Wall time between ticks; 0 when frames do not follow each other. */
  readonly tickMs: number;
  readonly snap: boolean;
}

export interface Marking {
  /** Agents to ring softly: those that carry out a plan just shown. */
  readonly obeying: ReadonlySet<number>;
  readonly followed: number | null;
  readonly cursor: number | null;
  readonly pulse: { readonly cells: readonly number[]; readonly start: number } | null;
  readonly rings: boolean;
  readonly still: boolean;
}

export interface AgentLayer {
  readonly brush: Brush;
  readonly tween: Tween;
  effects: Effects;
  clusters: Cluster[];
  map: MapInfo | null;
  layout: Layout | null;
  frame: Frame | null;
  /** When the last tick came, and how long it takes to the next one. */
  arrived: number;
  tickMs: number;
  marking: Marking;
  /** Something has changed since the last drawing. */
  stale: boolean;
}

export function open(canvas: HTMLCanvasElement): AgentLayer {
  return {
    brush: { surface: openSurface(canvas, false), glyph: 8, sprites: [] },
    tween: emptyTween(AGENTS_MAX),
    effects: noEffects(),
    clusters: [],
    map: null,
    layout: null,
    frame: null,
    arrived: 0,
    tickMs: 0,
    marking: {
      obeying: new Set(),
      followed: null,
      cursor: null,
      pulse: null,
      rings: true,
      still: false,
    },
    stale: true,
  };
}

export function setMap(layer: AgentLayer, map: MapInfo, layout: Layout, ratio: number): void {
  const { brush, tween, effects } = layer;
  if (layer.map !== map) {
    layer.frame = null;
    tween.before.count = tween.after.count = 0;
    effects.tracers = [];
    effects.deaths = [];
    layer.clusters = [];
  }
  layer.map = map;
  layer.layout = layout;
  resize(brush.surface, layout.width, layout.height, ratio);
  brush.glyph = Math.min(15, Math.max(3.8, layout.radius * 0.5));
  brush.sprites = makeSprites(brush.glyph, ratio);
  if (layer.frame) {
    placeAgain(tween, layout, layer.frame.agents);
    layer.clusters = contestedClusters(layout, layer.frame.agents);
  }
  layer.stale = true;
}

export function setFrame(layer: AgentLayer, frame: Frame, { now, tickMs, snap }: Motion): void {
  const { map, layout, tween, frame: previous } = layer;
  if (!map || !layout) return;
  const unmoved = snap || layer.marking.still;
  layer.frame = frame;
  layer.arrived = now;
  layer.tickMs = tickMs;
  layer.clusters = contestedClusters(layout, frame.agents);
  layer.stale = true;
  advance(tween, layout, frame.agents, unmoved);
  if (unmoved) layer.effects = noEffects();
  if (snap) return;
  const scene = { map, layout, tween, frame, previous };
  for (const event of frame.events) startEffect(layer.effects, scene, event, now);
}

export function setMarking(layer: AgentLayer, marking: Marking): void {
  layer.marking = marking;
  layer.stale = true;
}

/** Where an agent is drawn at the moment. */
export function locate(layer: AgentLayer, id: number, now: number): Position | null {
  const { after } = layer.tween;
  const i = after.id.subarray(0, after.count).indexOf(id);
  return i < 0 ? null : positionAt(layer.tween, i, progress(now, layer.arrived, layer.tickMs));
}

export function draw(layer: AgentLayer, now: number): void {
  const { brush, effects, clusters, layout, marking, tween } = layer;
  if (!layout) return;
  const { context } = brush.surface;
  const share = progress(now, layer.arrived, layer.tickMs);
  const ringing = marking.rings && clusters.length > 0 && !marking.still;
  const moving = share < 1 || !areNone(effects) || ringing;
  if (!moving && !layer.stale && !marking.pulse) return;
  layer.stale = share < 1;
  dropOver(effects, now);
  clear(brush.surface);
  if (marking.rings) drawClusters(context, clusters, ringing ? turnAt(now) : 0);
  const wave = marking.pulse && waveAt(Math.max(0, now - marking.pulse.start), marking.still);
  if (wave !== null) drawPulse(context, layout, marking.pulse!.cells, wave);
  for (const death of effects.deaths) drawDeath(brush, death, now);
  if (layer.frame) {
    for (let i = 0; i < tween.after.count; i++) drawAgent(layer, layer.frame, i, share, now);
  }
  for (const tracer of effects.tracers) drawTracer(brush, tracer, now);
  if (marking.cursor !== null) drawCursor(context, layout, marking.cursor);
}

function turnAt(now: number): number {
  return ((now % RING_PERIOD_MS) / RING_PERIOD_MS) * Math.PI * 2;
}

/** How strongly pulsing cells are lit, 0..1; null when the pulse is over. */
export function waveAt(ageMs: number, still: boolean): number | null {
  const age = ageMs / PULSE_MS;
  if (age >= 1) return null;
  return still ? 1 : 0.5 - 0.5 * Math.cos(age * Math.PI * 6);
}

function drawAgent(
  { brush, tween, effects, marking }: AgentLayer,
  { agents }: Frame,
  i: number,
  share: number,
  now: number,
): void {
  const { context } = brush.surface;
  const { glyph } = brush;
  const id = agents.id[i];
  const team = agents.team[i];
  const at = positionAt(tween, i, share);
  const age = grown(effects, id, now);
  if (marking.obeying.has(id)) drawRing(context, at, glyph * 1.75, TEAM_COLOURS[team], 1.5);
  if (marking.followed === id) drawRing(context, at, glyph * 1.9, TEXT, 2);
  drawSprite(brush, spriteOf(team, agents.role[i]), at, marking.still ? 1 : 0.4 + 0.6 * age, 1);
  if (agents.load[i] > 0) drawLoad(brush, at, agents.load[i] / Math.max(1, agents.capacity[i]));
  const flash = flashOf(effects, id, now);
  if (flash > 0) drawFlash(brush, at, flash);
  const health = agents.health[i] / agents.healthMax[i];
  if (health < 0.995) drawHealth(brush, at, health);
}
