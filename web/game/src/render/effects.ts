/**
 * What a match's events start on the board and what is over after a moment: shots, hits, deaths and
 * births. No canvas and no clock here.
 */

import type { AgentsView, Frame, GameEvent, MapInfo } from '@redoubt/engine';
import type { Layout } from './geometry';
import { lastPosition, type Position, type Tween } from './interpolate';
import { progress } from './progress';

export const TRACER_MS = 120;
const FLASH_MS = 200;
export const DEATH_MS = 300;
export const BIRTH_MS = 250;
/** A storm of hits at sixteenfold speed need not be drawn shot by shot. */
const EFFECTS_MAX = 96;

/** A shot on its way. */
export interface Tracer {
  readonly start: number;
  readonly team: number;
  readonly from: Position;
  readonly to: Position;
}

export interface Death {
  readonly start: number;
  readonly team: number;
  readonly role: number;
  readonly at: Position;
}

export interface Effects {
  /** Agents that were hit, and when. */
  readonly flashes: Map<number, number>;
  /** Agents that are new, and since when. */
  readonly births: Map<number, number>;
  tracers: Tracer[];
  deaths: Death[];
}

/** What events are seen against. */
export interface Scene {
  readonly map: MapInfo;
  readonly layout: Layout;
  readonly tween: Tween;
  readonly frame: Frame;
  readonly previous: Frame | null;
}

export function noEffects(): Effects {
  return { flashes: new Map(), births: new Map(), tracers: [], deaths: [] };
}

export function areNone({ flashes, births, tracers, deaths }: Effects): boolean {
  return tracers.length + deaths.length + flashes.size + births.size === 0;
}

export function startEffect(effects: Effects, scene: Scene, event: GameEvent, now: number): void {
  if (event.agent === null) return;
  if (event.kind === 'spawned') effects.births.set(event.agent, now);
  if (event.kind === 'hit' && effects.tracers.length < EFFECTS_MAX) {
    effects.flashes.set(event.agent, now);
    const tracer = tracerOf(scene, event, event.agent, now);
    if (tracer) effects.tracers.push(tracer);
  }
  if (event.kind === 'died' && effects.deaths.length < EFFECTS_MAX) {
    const death = deathOf(scene, event.agent, now);
    if (death) effects.deaths.push(death);
  }
}

/** From the agent that shot, or from the nearest base of another team where none is seen. */
function tracerOf(scene: Scene, event: GameEvent, target: number, start: number): Tracer | null {
  const to = lastPosition(scene.tween, target);
  if (!to) return null;
  const shooter = event.other === null ? null : lastPosition(scene.tween, event.other);
  if (shooter) return { start, team: teamOf(scene, event.other!), from: shooter, to };
  const base = event.cell === null ? null : nearestBase(scene, event.cell, event.team);
  return base && { start, team: base.team, from: base.at, to };
}

function deathOf({ tween, previous }: Scene, agent: number, start: number): Death | null {
  const at = lastPosition(tween, agent);
  const index = previous ? indexOf(previous.agents, agent) : -1;
  if (!at || index < 0) return null;
  const { team, role } = previous!.agents;
  return { start, team: team[index], role: role[index], at };
}

function nearestBase(
  { map, layout }: Scene,
  cell: number,
  team: number | null,
): { team: number; at: Position } | null {
  const { x, y } = layout;
  let best = null;
  let bestDistance = Infinity;
  for (const [other, base] of map.bases.entries()) {
    const distance = Math.hypot(x[base] - x[cell], y[base] - y[cell]);
    if (other === team || distance >= bestDistance) continue;
    bestDistance = distance;
    best = { team: other, at: { x: x[base], y: y[base] } };
  }
  return best;
}

function teamOf({ frame, previous }: Scene, agent: number): number {
  for (const source of [frame, previous]) {
    const index = source ? indexOf(source.agents, agent) : -1;
    if (index >= 0) return source!.agents.team[index];
  }
  return 0;
}

/** Index of a living agent, or -1. */
function indexOf(agents: AgentsView, id: number): number {
  const index = agents.id.indexOf(id);
  return index < agents.count ? index : -1;
}

/** Drops what is over, also of agents that are no longer there. */
export function dropOver(effects: Effects, now: number): void {
  const { flashes, births } = effects;
  effects.tracers = effects.tracers.filter(({ start }) => now - start < TRACER_MS);
  effects.deaths = effects.deaths.filter(({ start }) => now - start < DEATH_MS);
  for (const [agent, hit] of flashes) if (now - hit >= FLASH_MS) flashes.delete(agent);
  for (const [agent, born] of births) if (now - born >= BIRTH_MS) births.delete(agent);
}

/** How much of an agent's birth has passed, 0..1. */
export function grown({ births }: Effects, agent: number, now: number): number {
  const born = births.get(agent);
  return born === undefined ? 1 : progress(now, born, BIRTH_MS);
}

/** How much of a hit's flash is left, 0..1. */
export function flashOf({ flashes }: Effects, agent: number, now: number): number {
  const hit = flashes.get(agent);
  return hit === undefined ? 0 : 1 - progress(now, hit, FLASH_MS);
}
