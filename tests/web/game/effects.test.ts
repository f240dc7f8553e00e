import { describe, expect, it } from 'vitest';
import type { GameEvent } from '../../../wasm/src/types';
import {
  areNone,
  BIRTH_MS,
  DEATH_MS,
  dropOver,
  flashOf,
  grown,
  noEffects,
  startEffect,
  TRACER_MS,
  type Scene,
} from '../../../web/game/src/render/effects';
import { layOut } from '../../../web/game/src/render/geometry';
import { advance, emptyTween, lastPosition } from '../../../web/game/src/render/interpolate';
import { madeUpMap, madeUpMatch } from './fixture/frames';

const map = madeUpMap(20, 14, 2, 3);
const layout = layOut(map, { width: 800, height: 600 });

/** Two agents, red's 0 and blue's 1, each at its base. */
function scene(): Scene {
  const step = madeUpMatch(map, 1);
  const previous = step();
  const frame = step();
  const tween = emptyTween(8);
  advance(tween, layout, frame.agents, true);
  return { map, layout, tween, frame, previous };
}

const event = (kind: GameEvent['kind'], more: Partial<GameEvent> = {}): GameEvent => ({
  kind,
  tick: 1,
  team: 1,
  agent: 1,
  other: 0,
  cell: map.bases[1],
  amount: 0,
  ...more,
});

describe('effects', () => {
  it('shoot from the agent that shot, in its colour', () => {
    const effects = noEffects();
    const seen = scene();
    startEffect(effects, seen, event('hit'), 100);
    const [from, to] = [0, 1].map((agent) => lastPosition(seen.tween, agent)!);
    expect(effects.tracers).toEqual([{ start: 100, team: 0, from, to }]);
  });

  it('shoot from the nearest base of another team where no agent shot', () => {
    const effects = noEffects();
    startEffect(effects, scene(), event('hit', { other: null }), 100);
    expect(effects.tracers[0].team).toBe(0);
    expect(effects.tracers[0].from.x).toBe(layout.x[map.bases[0]]);
  });

  it('show a death where the agent was, as what it was', () => {
    const effects = noEffects();
    const seen = scene();
    startEffect(effects, seen, event('died'), 100);
    expect(effects.deaths).toMatchObject([{ start: 100, team: 1, role: 0 }]);
    startEffect(effects, { ...seen, previous: null }, event('died'), 100);
    startEffect(effects, seen, event('died', { agent: 77 }), 100);
    expect(effects.deaths).toHaveLength(1);
  });

  it('are over after their time', () => {
    const effects = noEffects();
    const seen = scene();
    expect(areNone(effects)).toBe(true);
    for (const kind of ['spawned', 'hit', 'died'] as const) {
      startEffect(effects, seen, event(kind), 0);
    }
    expect(grown(effects, 1, 125)).toBe(0.5);
    expect(flashOf(effects, 1, 100)).toBe(0.5);
    expect(grown(effects, 0, 125)).toBe(1);
    expect(flashOf(effects, 0, 100)).toBe(0);
    dropOver(effects, TRACER_MS);
    expect([effects.tracers.length, effects.deaths.length]).toEqual([0, 1]);
    dropOver(effects, DEATH_MS);
    expect(areNone(effects)).toBe(true);
  });

  it('are over after their time, too, for agents that are no longer drawn', () => {
    const effects = noEffects();
    startEffect(effects, scene(), event('spawned'), 0);
    startEffect(effects, scene(), event('hit'), 0);
    dropOver(effects, BIRTH_MS - 1);
    expect(grown(effects, 1, BIRTH_MS - 1)).toBeLessThan(1);
    dropOver(effects, BIRTH_MS);
    expect(areNone(effects)).toBe(true);
  });

  it('of a storm are bounded', () => {
    const effects = noEffects();
    const seen = scene();
    for (let i = 0; i < 1000; i++) startEffect(effects, seen, event('hit'), i);
    expect(effects.tracers).toHaveLength(96);
  });
});
