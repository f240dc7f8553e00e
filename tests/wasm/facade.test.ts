// What a game sees of @redoubt/engine, from the built package, in Node.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as inline from '@redoubt/engine/inline';
import {
  agentSpecification,
  convertMap,
  createEngine,
  describeMap,
  openReplay,
  ORDER_KINDS,
  strategy,
  strategyAdaptation,
  TEAM_FIELDS,
  version,
} from '@redoubt/engine';
import type { Engine, EngineOptions, Replay, TeamStrategy } from '@redoubt/engine';

vi.setConfig({ testTimeout: 60_000 });

const open: (Engine | Replay)[] = [];
afterEach(() => {
  for (const engine of open.splice(0)) engine.dispose();
});
async function engineOf(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = await createEngine({ map: { generate: {} }, seed: 7, ...options });
  open.push(engine);
  return engine;
}
const duel = () => engineOf({ players: ['strategist', 'rush'] });

const plan: TeamStrategy = {
  strategy: 'aggressive',
  focus: 'combat',
  priorities: ['attack_enemies', 'collect_energy'],
  description: 'Go for their base now.',
};
const request = {
  team_id: 'red',
  territory_control: { red: 10, blue: 45 },
  resources: { red: { energy: 4, materials: 9, data: 0 } },
  agents: { red: [], blue: [] },
  resource_distribution: { energy: 5, materials: 5, data: 5, total: 15 },
};

describe('a new match', () => {
  it('shows its map, rules and first tick', async () => {
    const engine = await engineOf();
    const { map } = engine;
    expect([map.width, map.height, map.teams, map.orientation]).toEqual([40, 28, 2, 'pointy_top']);
    expect(map.terrain).toHaveLength(1120);
    expect([...map.bases].map((cell) => map.terrain[cell])).toEqual([0, 0]);
    expect(map.sites.length).toBe(16);
    expect(map.hash).toMatch(/^[0-9a-f]{16}$/);
    expect(engine.tick).toBe(0);
    expect(engine.outcome).toBeNull();
    expect(engine.seed).toBe('7');
    expect(engine.rules).toMatchObject({ match: { time_limit_ticks: 6000 } });
    expect(engine.teams.map((team) => [team.living, team.store.energy])).toEqual([
      [3, 40],
      [3, 40],
    ]);
    expect(engine.stock).toHaveLength(16);
    expect(engine.frame.teams).toHaveLength(2 * TEAM_FIELDS);
  });

  it('takes another rules file, in part', async () => {
    const engine = await engineOf({ rules: { start_store: { energy: 99 } } });
    expect(engine.teams[0]!.store).toEqual({ energy: 99, materials: 40, data: 40 });
  });

  it('is the same for the same seed, as number, text or bigint', async () => {
    const hashes = [];
    for (const seed of [9, '9', 9n]) {
      const engine = await engineOf({ seed, players: ['rush', 'random'] });
      engine.play(200);
      hashes.push(engine.hash());
    }
    expect(new Set(hashes).size).toBe(1);
    const other = await engineOf({ seed: 10, players: ['rush', 'random'] });
    other.play(200);
    expect(other.hash()).not.toBe(hashes[0]);
  });
});

describe('orders', () => {
  it('move an agent, and the events say what happened', async () => {
    const engine = await engineOf();
    const { agents, map } = engine;
    const agent = agents.id[0]!;
    const from = agents.cell[0]!;
    const goal = map.sites[0]!.cell;
    engine.step([{ kind: 'move', team: 0, agent, cell: goal }]);
    expect(ORDER_KINDS[engine.agents.order[0]!]).toBe('move');
    expect(engine.agents.orderCell[0]).toBe(goal);
    engine.step([], 40);
    expect(engine.agents.cell[0]).not.toBe(from);
    expect(engine.agents.progress[0]).toBeLessThan(1000);
  });

  it('spawn costs, and is told', async () => {
    const engine = await engineOf();
    const attributes = { speed: 500, health: 500, attack: 200, defense: 200, carryCapacity: 500 };
    const events = engine.step([{ kind: 'spawn', team: 1, role: 'collector', attributes }]);
    expect(events.filter((event) => event.kind === 'spawned')).toMatchObject([
      { team: 1, tick: 0 },
    ]);
    expect(engine.teams[1]!.living).toBe(4);
    expect(engine.teams[1]!.store.energy).toBeLessThan(40);
  });

  it('a refused list leaves the world as it was, also its good orders', async () => {
    const engine = await engineOf();
    const before = engine.hash();
    const good = { kind: 'move', team: 0, agent: 0, cell: engine.map.sites[0]!.cell } as const;
    expect(() => engine.step([good, { kind: 'move', team: 0, agent: 999, cell: 5 }])).toThrow();
    expect(engine.hash()).toBe(before);
    expect(engine.tick).toBe(0);
  });
});

describe('players', () => {
  it('play a whole match to a result', async () => {
    const engine = await duel();
    const kinds = new Set<string>();
    while (!engine.outcome) for (const event of engine.play(50)) kinds.add(event.kind);
    expect(engine.outcome.by).toMatch(/territory|elimination|domination|time_limit/);
    expect(engine.outcome.rank).toHaveLength(2);
    expect([...kinds]).toEqual(expect.arrayContaining(['spawned', 'captured', 'deposited', 'won']));
    expect(() => engine.step()).toThrow(expect.objectContaining({ code: 'match_over' }));
  });

  it('think in slices to the orders of one go', async () => {
    const [whole, sliced] = [await duel(), await duel()];
    const atOnce = whole.think(0, { work: 1_000_000 });
    expect(atOnce.done).toBe(true);
    expect(atOnce.orders.length).toBeGreaterThan(0);
    let turns = 0;
    let thought = sliced.think(0, { work: 120 });
    while (!thought.done && turns++ < 1000) thought = sliced.think(0, { work: 120 });
    expect(thought.orders).toEqual(atOnce.orders);
    whole.step(atOnce.orders);
    sliced.step(thought.orders);
    expect(whole.hash()).toBe(sliced.hash());
  });

  it('explain what they want, with reasons, and follow a strategy from outside', async () => {
    const engine = await duel();
    expect(engine.explain(0)).toBeNull();
    engine.play(40);
    const own = engine.explain(0)!;
    expect(own).toMatchObject({ team: 0, source: 'engine' });
    expect(own.description.length).toBeGreaterThan(5);
    expect(own.confidence).toBeGreaterThanOrEqual(0);
    expect(own.tasks.length).toBeGreaterThan(0);
    engine.direct(0, plan, { source: 'test-model', ticks: 100 });
    engine.play(20);
    expect(engine.explain(0)).toMatchObject({ strategy: 'aggressive', source: 'test-model' });
    engine.play(120);
    expect(engine.explain(0)!.source).toBe('engine');
  });

  it('have heat maps over every cell, also a bot that has none of its own', async () => {
    const engine = await duel();
    engine.play(30);
    for (const team of [0, 1] as const) {
      for (const name of ['threat', 'influence', 'resource_pull'] as const) {
        const field = engine.heatMap(team, name);
        expect(field).toHaveLength(1120);
        if (name !== 'threat') expect(field.some((value) => value !== 0)).toBe(true);
      }
    }
  });

  it('see only what they may: looking from outside changes nothing', async () => {
    const [looked, alone] = [await duel(), await duel()];
    for (let i = 0; i < 30; ++i) {
      looked.play(7);
      alone.play(7);
      looked.sight(0);
      looked.sight(1);
    }
    expect(looked.hash()).toBe(alone.hash());
    const sight = looked.sight(0);
    expect(sight.visible).toHaveLength(1120);
    const seen = sight.visible.reduce((sum, flag) => sum + flag, 0);
    expect(seen).toBeGreaterThan(50);
    expect(seen).toBeLessThan(1120);
    const enemies = [...sight.agents.team.subarray(0, sight.agents.count)].filter((t) => t === 1);
    expect(enemies.length).toBeLessThanOrEqual(looked.teams[1]!.living + 4);
  });
});

describe('snapshots and replays', () => {
  it('a restored match goes on identically, in the same engine and in another', async () => {
    const engine = await duel();
    engine.play(333);
    const snapshot = engine.snapshot();
    engine.play(200);
    const later = engine.hash();
    engine.restore(snapshot);
    expect(engine.tick).toBe(333);
    engine.play(200);
    expect(engine.hash()).toBe(later);
    const other = await engineOf();
    other.restore(snapshot);
    other.play(200);
    expect(other.hash()).toBe(later);
    expect(other.saveReplay()).toEqual(engine.saveReplay());
  });

  it('a snapshot in the middle of a thought goes on identically', async () => {
    const [engine, other] = [await duel(), await engineOf()];
    engine.play(20);
    engine.think(0, { work: 120 });
    other.restore(engine.snapshot());
    const orders = [engine, other].map((one) => {
      let thought = one.think(0, { work: 120 });
      while (!thought.done) thought = one.think(0, { work: 120 });
      one.step(thought.orders);
      return one.hash();
    });
    expect(orders[0]).toBe(orders[1]);
  });

  it('a replay shows every tick again and verifies', async () => {
    const engine = await duel();
    const hashes = [engine.hash()];
    for (let i = 0; i < 300; ++i) {
      engine.play(1);
      hashes.push(engine.hash());
    }
    const replay = await openReplay(engine.saveReplay());
    open.push(replay);
    expect(replay.players).toEqual(['strategist', 'rush']);
    expect(replay.finalTick).toBe(300);
    for (const tick of [300, 0, 257, 256, 255, 1]) {
      replay.seek(tick);
      expect(replay.hash()).toBe(hashes[tick]);
      expect(replay.tick).toBe(tick);
    }
    expect(replay.verify()).toMatchObject({ same: true, tick: 300, computed: hashes[300] });
    replay.assertSame();
    expect(replay.tick).toBe(1);
  });

  it('orders of a host are in the replay too', async () => {
    const engine = await engineOf();
    const goal = engine.map.sites[0]!.cell;
    engine.step([{ kind: 'collect', team: 0, agent: 0, cell: goal }]);
    engine.step([], 199);
    const replay = await openReplay(engine.saveReplay());
    open.push(replay);
    replay.seek(200);
    expect(replay.hash()).toBe(engine.hash());
  });
});

describe('advice for games with a world of their own', () => {
  it('strategy, agent and adaptation answer in the shapes of the relay', async () => {
    const advice = await strategy(request);
    expect(advice).toMatchObject({ strategy: 'aggressive', source: 'engine' });
    expect(advice.priorities.length).toBeGreaterThan(0);
    const agent = await agentSpecification({
      team_id: 'red',
      strategy: { strategy: 'aggressive', focus: 'combat' },
      resources: { energy: 10, materials: 10, data: 10 },
    });
    const sum = Object.values(agent.attributes).reduce((total, value) => total + value, 0);
    expect(sum).toBeLessThanOrEqual(3.0);
    const adapted = await strategyAdaptation({
      ...request,
      current_strategy: plan,
      opponent_history: [{ tick: 10, territory: 30, agents: { attacker: 5 } }],
    });
    expect(adapted.description.length).toBeGreaterThan(5);
  });

  it('maps are read, described and converted without loss', async () => {
    const source = { generate: { width: 30, height: 24, teams: 2, seed: '3' } } as const;
    const map = await describeMap(source);
    const again = await describeMap({ compact: await convertMap(source) });
    expect(again).toEqual(map);
  });
});

describe('the package', () => {
  it('knows its versions', () => {
    const { version: semver } = JSON.parse(readFileSync('wasm/package.json', 'utf8'));
    expect(version).toEqual({
      version: semver,
      rulesVersion: expect.stringMatching(/^\d+\.[0-9a-f]{16}$/),
      strategyVersion: expect.stringMatching(/^\d+$/),
      replayFormat: 1,
    });
  });

  it('inline plays the same match', async () => {
    const [file, inlined] = [
      await duel(),
      await inline.createEngine({
        map: { generate: {} },
        seed: 7,
        players: ['strategist', 'rush'],
      }),
    ];
    file.play(100);
    inlined.play(100);
    expect(inlined.hash()).toBe(file.hash());
    inlined.dispose();
  });

  it('views are fresh after the memory has grown', async () => {
    const engine = await duel();
    const owner = engine.cells.owner.slice();
    const many = [];
    for (let i = 0; i < 20; ++i) many.push(await engineOf({ seed: i }));
    expect(engine.cells.owner).toEqual(owner);
    for (const one of many) one.dispose();
  });

  it('disposes by `using` too, twice without harm', async () => {
    const engine = await engineOf();
    engine[Symbol.dispose]();
    engine.dispose();
    expect(() => engine.tick).toThrow(expect.objectContaining({ code: 'disposed' }));
  });
});
