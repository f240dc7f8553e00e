// The worker client against the real worker script and core, on Node's threads.
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEngine, openReplay, strategy } from '@redoubt/engine';
import { startEngine } from '@redoubt/engine/worker';
import type { EngineClient, Frame, StartOptions } from '@redoubt/engine/worker';
import { frames_ahead_max } from '../../wasm/src/protocol.js';
import { NodeWorker, wasm, workers } from './node_worker.js';

beforeAll(() => {
  vi.stubGlobal('Worker', NodeWorker);
});

vi.setConfig({ testTimeout: 60_000 });

const open: EngineClient[] = [];
afterEach(() => {
  for (const client of open.splice(0)) client.dispose();
});

interface Watched {
  client: EngineClient;
  frames: Frame[];
}
async function start(options: Partial<StartOptions> = {}): Promise<Watched> {
  const client = await startEngine({ map: { generate: {} }, seed: 7, wasm: wasm(), ...options });
  open.push(client);
  const frames: Frame[] = [];
  client.onFrame((frame) => frames.push(frame));
  return { client, frames };
}
const until = (check: () => boolean) => vi.waitFor(() => expect(check()).toBe(true), 20_000);

describe('a match in a worker', () => {
  it('starts paused, with its map', async () => {
    const { client } = await start();
    expect(client.map.width).toBe(40);
    expect(client.map.terrain).toBeInstanceOf(Uint8Array);
    expect(client.info).toMatchObject({ mode: 'live', seed: '7', headTick: 0, work: 500 });
    expect(client.info.players).toEqual(['strategist', 'strategist']);
    expect(client.status.state).toBe('paused');
  });

  it('whoever hears of a pause has its frame, however far behind the page shows them', async () => {
    const { client } = await start({ players: ['random', 'random'] });
    const worker = workers.at(-1)!;
    const post = worker.postMessage.bind(worker);
    // A page that does not come to show its frames: ticks are folded into one that is owed.
    worker.postMessage = (message) => {
      if ((message as { type: string }).type !== 'ack') post(message);
    };
    let shown = 0;
    client.onFrame((frame) => (shown = frame.tick));
    const seen: [string, number, number][] = [];
    client.onStatus((status) => seen.push([status.state, status.tick, shown]));
    await client.play(16);
    await until(() => client.status.tick >= 30);
    await client.pause();
    const [state, tick, frame] = seen.at(-1)!;
    expect(state).toBe('paused');
    expect(frame).toBe(tick);
  });

  it('plays to what the engine plays by itself, frames in order', async () => {
    const { client, frames } = await start({ players: ['strategist', 'rush'] });
    await client.play(16);
    await until(() => client.status.headTick > 40);
    await client.pause();
    const ticks = frames.map((frame) => frame.tick);
    expect(ticks).toEqual(ticks.toSorted((a, b) => a - b));
    expect(new Set(ticks).size).toBe(ticks.length);
    const alone = await createEngine({
      map: { generate: {} },
      seed: 7,
      players: ['strategist', 'rush'],
    });
    await client.seek(20);
    alone.play(20);
    expect(await client.hash()).toBe(alone.hash());
    alone.dispose();
  });

  it('gives a frame for each single step', async () => {
    const { client, frames } = await start({ players: ['rush', 'random'] });
    frames.length = 0;
    for (let i = 0; i < 12; ++i) {
      await client.step();
      await until(() => frames.length === i + 1);
    }
    expect(frames.map((frame) => frame.tick)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(client.status.exact).toBe(true);
  });

  it('hands out frames with everything in them', async () => {
    const { client, frames } = await start();
    await client.step(64);
    await until(() => frames.at(-1)?.tick === 64);
    const frame = frames.at(-1)!;
    expect(frame.hash).toMatch(/^[0-9a-f]{16}$/);
    expect(frame.cells.owner).toHaveLength(1120);
    expect(frame.agents.id).toHaveLength(frame.agents.count);
    expect(frame.agents.count).toBeGreaterThan(5);
    expect(frame.stock).toHaveLength(16);
    expect(frame.teams).toHaveLength(16);
    expect(frame.events.length).toBeGreaterThan(0);
    expect(frame.cells.owner.buffer).toBe(frame.agents.id.buffer);
  });

  it('ends, says so, and can be looked back at', async () => {
    const { client, frames } = await start({ players: ['rush', 'random'] });
    await client.step(6000);
    await until(() => frames.at(-1)?.outcome !== null && client.status.state === 'ended');
    const end = frames.at(-1)!;
    expect(end.outcome!.rank).toHaveLength(2);
    await client.seek(10);
    expect(client.status).toMatchObject({ state: 'paused', tick: 10, headTick: end.tick });
  });
});

describe('the past', () => {
  it('is shown as it was, from any tick', async () => {
    const { client } = await start({ players: ['strategist', 'rush'] });
    const hashes = new Map<number, string>();
    for (const tick of [100, 300, 301, 600]) {
      await client.step(tick - client.status.headTick);
      hashes.set(tick, await client.hash());
      await until(() => client.status.headTick === tick);
    }
    for (const tick of [301, 100, 600, 300]) {
      await client.seek(tick);
      expect(await client.hash()).toBe(hashes.get(tick));
    }
    await client.seek(1e9);
    await until(() => client.status.tick === 600);
  });

  it('does not change the match: it goes on as if nobody had looked', async () => {
    const [one, other] = [await start({ seed: 3 }), await start({ seed: 3 })];
    await one.client.step(205);
    await one.client.seek(17);
    await one.client.step(3);
    await one.client.seek(205);
    await one.client.step(100);
    await other.client.step(305);
    expect(await one.client.hash()).toBe(await other.client.hash());
  });

  it('branches only on request; untouched, the branch goes the same way', async () => {
    const { client } = await start({ players: ['strategist', 'rush'] });
    await client.step(700);
    const end = await client.hash();
    await client.seek(333);
    const info = await client.branch();
    expect(info).toMatchObject({ mode: 'live', headTick: 333 });
    await client.step(367);
    expect(await client.hash()).toBe(end);
    await client.seek(333);
    await client.branch(['rush', 'rush']);
    await client.step(367);
    expect(await client.hash()).not.toBe(end);
    const replay = await openReplay(await client.saveReplay());
    expect(replay.verify().same).toBe(true);
    replay.dispose();
  });

  it('shows what the players wanted then', async () => {
    const { client } = await start();
    await client.step(400);
    const late = await client.explain(0);
    await client.seek(60);
    const early = await client.explain(0);
    expect(early!.tick).toBeLessThanOrEqual(60);
    expect(late!.tick).toBeGreaterThan(380);
    await client.seek(3);
    expect((await client.explain(0))!.tick).toBe(0);
  });

  it('has a course for the charts', async () => {
    const { client } = await start();
    await client.step(205);
    const history = await client.history(20);
    expect(history.rows).toHaveLength(11 * 2 * 8);
    expect([...history.rows.subarray(0, 3)]).toEqual([40, 40, 40]);
  });
});

describe('leading and advising', () => {
  it('orders from outside act in the next tick; bad ones are refused and none of them acts', async () => {
    const { client, frames } = await start({ players: ['external', 'rush'] });
    const cell = client.map.sites[0]!.cell;
    await client.order([{ kind: 'move', team: 0, agent: 0, cell }]);
    await client.step(1);
    await until(() => frames.at(-1)?.agents.orderCell[0] === cell);
    await expect(client.order([{ kind: 'move', team: 0, agent: 999, cell }])).rejects.toMatchObject(
      {
        code: 'bad_order',
      },
    );
    await client.seek(0);
    await expect(client.order([{ kind: 'idle', team: 0, agent: 0 }])).rejects.toMatchObject({
      code: 'bad_argument',
    });
  });

  it('a directive shows its source and survives a branch behind it', async () => {
    const { client } = await start();
    await client.step(20);
    await client.direct(
      0,
      {
        strategy: 'defensive',
        focus: 'territory',
        priorities: ['defend_base'],
        description: 'Stay home.',
      },
      'relay',
      2000,
    );
    await client.step(600);
    expect(await client.explain(0)).toMatchObject({ strategy: 'defensive', source: 'relay' });
    const end = await client.hash();
    await client.seek(300);
    await client.branch();
    await client.step(320);
    expect(await client.hash()).toBe(end);
    expect(client.status.exact).toBe(false);
  });

  it('the situation is a request that the strategist takes', async () => {
    const { client } = await start({ players: ['strategist', 'rush'] });
    await client.step(300);
    const request = await client.situation(1);
    expect(request.team_id).toBe('blue');
    expect(Object.keys(request.territory_control)).toEqual(['red', 'blue']);
    expect(request.agents.blue!.length).toBeGreaterThan(0);
    const answer = await strategy(request);
    expect(answer.source).toBe('engine');
  });

  it('heat maps and sights come for any team', async () => {
    const { client } = await start({ players: ['strategist', 'rush'] });
    await client.step(50);
    expect(await client.heatMap(1, 'influence')).toHaveLength(1120);
    expect((await client.sight(0)).visible).toHaveLength(1120);
  });
});

describe('files and states', () => {
  it('a replay plays up to its end and goes on from a branch', async () => {
    const { client, frames } = await start({ players: ['strategist', 'rush'] });
    await client.step(150);
    const hash = await client.hash();
    const bytes = await client.saveReplay();
    const info = await client.openReplay(bytes);
    expect(info).toMatchObject({ mode: 'replay', headTick: 150, players: ['strategist', 'rush'] });
    await client.seek(140);
    await client.play(16);
    await until(() => client.status.state === 'ended');
    expect(frames.at(-1)!.tick).toBe(150);
    expect(await client.hash()).toBe(hash);
    expect((await client.explain(0))!.tasks.length).toBeGreaterThan(0);
    await client.seek(100);
    expect(await client.branch()).toMatchObject({ mode: 'live', headTick: 100 });
    await client.step(10);
    expect(client.status.headTick).toBe(110);
  });

  it('a damaged replay is refused and the match goes on; a differing one plays up to there', async () => {
    const { client } = await start({ players: ['rush', 'random'] });
    await client.step(200);
    const bytes = await client.saveReplay();
    await expect(client.openReplay(bytes.slice(0, 500))).rejects.toMatchObject({
      code: 'bad_replay',
    });
    expect(client.status.headTick).toBe(200);
    await client.seek(128);
    const low = (await client.hash())
      .match(/../g)!
      .reverse()
      .map((pair) => Number.parseInt(pair, 16));
    const at = bytes.findIndex((_, i) => low.every((byte, k) => bytes[i + k] === byte));
    bytes[at]! ^= 1;
    const info = await client.openReplay(bytes);
    expect(info.headTick).toBe(127);
    expect(client.status.divergence).toMatchObject({ tick: 128 });
  });

  it('a saved state goes on identically, also at a past tick', async () => {
    const { client } = await start({ seed: 5, players: ['strategist', 'rush'] });
    await client.step(123);
    const state = await client.saveState();
    await client.step(77);
    const end = await client.hash();
    const { client: other } = await start();
    const info = await other.loadState(state);
    expect(info).toMatchObject({ headTick: 123, seed: '5', players: ['strategist', 'rush'] });
    await other.step(77);
    expect(await other.hash()).toBe(end);
    await expect(other.loadState(new Uint8Array(9))).rejects.toMatchObject({
      code: 'bad_snapshot',
    });
    expect(other.info.seed).toBe('5');
  });

  it('another map in the same worker; a bad one leaves the match running', async () => {
    const { client } = await start();
    await client.step(5);
    await expect(client.newMatch({ map: { compact: '{}' } })).rejects.toMatchObject({
      code: 'bad_map',
    });
    expect(await client.hash()).toMatch(/./);
    const info = await client.newMatch({ map: { generate: { width: 30, height: 24 } }, seed: 2 });
    expect(info.map.width).toBe(30);
    expect(client.status.tick).toBe(0);
  });
});

describe('faults', () => {
  it('a slow page gets few frames ahead, and no event is lost', async () => {
    const { client } = await start({ players: ['rush', 'rush'] });
    const worker = workers.at(-1)!;
    const post = worker.postMessage.bind(worker);
    const kept: unknown[] = [];
    let busy = true;
    worker.postMessage = (message: { type: string }) => {
      if (busy && message.type === 'ack') kept.push(message);
      else post(message);
    };
    const seen: Frame[] = [];
    client.onFrame((frame) => seen.push(frame));
    await client.play(16);
    await until(() => client.status.headTick >= 100);
    await client.pause();
    // The last one is the tick at which it stands.
    expect(seen.length).toBeLessThanOrEqual(frames_ahead_max + 1);
    busy = false;
    for (const message of kept) post(message);
    await until(() => seen.at(-1)!.tick === client.status.headTick);
    const events = seen.flatMap((frame) => frame.events);
    const engine = await createEngine({
      map: { generate: {} },
      seed: 7,
      players: ['rush', 'rush'],
    });
    expect(events).toEqual(engine.play(client.status.headTick));
    engine.dispose();
  });

  it('a dead worker is reported, and restarts from the last saved state', async () => {
    const { client, frames } = await start();
    const lost: string[] = [];
    client.onStatus((status) => status.state === 'lost' && lost.push(status.error!.code));
    await client.step(120);
    await until(() => client.lastState !== null);
    await workers.at(-1)!.thread.terminate();
    workers.at(-1)!.onerror!({ message: 'killed', preventDefault() {} });
    expect(lost).toEqual(['worker_lost']);
    await expect(client.step(1)).rejects.toMatchObject({ code: 'worker_lost' });
    const info = await client.restart();
    expect(info.headTick).toBe(120);
    await client.step(5);
    await until(() => frames.at(-1)!.tick === 125);
  });

  it('a restart goes on with the match that is shown, not with the one saved before it', async () => {
    const { client } = await start();
    await client.step(120);
    await until(() => client.lastState !== null);
    await client.newMatch({ map: { generate: { width: 30, height: 24 } }, seed: 2 });
    expect(client.lastState).toBeNull();
    const again = await client.restart();
    expect([again.map.width, again.seed, again.headTick]).toEqual([30, '2', 0]);
    await client.step(120);
    await until(() => client.lastState !== null);
    await client.openReplay(await client.saveReplay());
    expect(client.lastState).toBeNull();
    expect(await client.restart()).toMatchObject({ mode: 'replay', headTick: 120 });
  });

  it('a branch is what a restart goes on from, not the future that it dropped', async () => {
    const { client } = await start();
    await client.step(120);
    await until(() => client.lastState !== null);
    await client.seek(60);
    await client.branch();
    expect(await client.restart()).toMatchObject({ mode: 'live', headTick: 60 });
    await client.step(30);
    await client.openReplay(await client.saveReplay());
    await client.seek(40);
    await client.branch();
    expect(await client.restart()).toMatchObject({ mode: 'live', headTick: 40 });
  });

  it('a core that does not load rejects the start', async () => {
    await expect(start({ wasm: new Uint8Array(8) })).rejects.toMatchObject({
      code: 'wasm_load_failed',
    });
  });

  it('bad commands are refused with the place', async () => {
    const { client } = await start();
    await expect(client.play(99)).rejects.toMatchObject({ code: 'bad_argument', path: 'speed' });
    await expect(client.step(0)).rejects.toMatchObject({ code: 'bad_argument', path: 'ticks' });
    await expect(client.explain(7 as never)).rejects.toMatchObject({ path: 'team' });
    client.dispose();
    await expect(client.play()).rejects.toMatchObject({ code: 'disposed' });
    expect(client.status.state).toBe('disposed');
  });
});
