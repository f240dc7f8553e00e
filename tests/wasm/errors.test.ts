// Every error that a user can provoke: its code, its place, and that it says what to do.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createEngine, describeMap, EngineError, openReplay, strategy } from '@redoubt/engine';
import type { Engine, EngineErrorCode, EngineOptions } from '@redoubt/engine';
import { startEngine } from '@redoubt/engine/worker';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let engine: Engine;
let replay: Uint8Array;
beforeAll(async () => {
  engine = await createEngine({ map: { generate: {} }, players: ['strategist', 'random'] });
  engine.play(130);
  replay = engine.saveReplay();
});

async function errorOf(run: () => unknown): Promise<EngineError> {
  try {
    await run();
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
    return error as EngineError;
  }
  throw new Error('nothing was thrown');
}

const create = (options: object) => () =>
  createEngine({ map: { generate: {} }, ...options } as EngineOptions);
const move = { kind: 'move', team: 0, agent: 0, cell: 100 } as const;
const attributes = { speed: 500, health: 500, attack: 500, defense: 500, carryCapacity: 500 };
const flipped = (bytes: Uint8Array, at: number) =>
  bytes.map((byte, i) => (i === at ? byte ^ 0xff : byte));

type Case = [what: string, run: () => unknown, code: EngineErrorCode, path: RegExp, words: RegExp];
const cases: Case[] = [
  ['no map', create({ map: {} }), 'bad_map', /^map$/, /generate/],
  [
    'a map that is no JSON',
    create({ map: { compact: '{"format":' } }),
    'bad_map',
    /line 1/,
    /JSON/,
  ],
  ['a generator without room', create({ map: { generate: { width: 3 } } }), 'bad_map', /./, /./],
  [
    'an unknown option of the generator',
    create({ map: { generate: { heigth: 9 } } }),
    'bad_map',
    /heigth/,
    /./,
  ],
  [
    'a wesnoth map without keeps',
    create({ map: { wesnoth: 'Gg, Gg\nGg, Gg\n' } }),
    'bad_map',
    /./,
    /./,
  ],
  [
    'rules out of range',
    create({ rules: { match: { time_limit_ticks: -1 } } }),
    'bad_rules',
    /match\.time_limit_ticks/,
    /integer/,
  ],
  ['an unknown rule', create({ rules: { gravity: 1 } }), 'bad_rules', /gravity/, /./],
  ['a seed of 65 bits', create({ seed: 1n << 64n }), 'bad_argument', /^seed$/, /2\^64/],
  ['a seed that was rounded', create({ seed: 2 ** 60 }), 'bad_argument', /^seed$/, /bigint/],
  ['an unknown player', create({ players: ['genius'] }), 'bad_player', /./, /strategist/],
  [
    'more players than teams',
    create({ players: ['rush', 'rush', 'rush'] }),
    'bad_player',
    /players/,
    /2 teams/,
  ],
  ['a foreign agent', () => engine.step([{ ...move, team: 1 }]), 'bad_order', /agent/, /own agent/],
  [
    'an unknown agent',
    () => engine.step([{ ...move, agent: 9999 }]),
    'bad_order',
    /agent/,
    /own agent/,
  ],
  ['a cell off the map', () => engine.step([{ ...move, cell: 1120 }]), 'bad_order', /cell/, /1119/],
  [
    'a cell that is no cell',
    () => engine.step([move, { ...move, cell: 1.5 }]),
    'bad_order',
    /^orders\[1\]\.cell$/,
    /integer/,
  ],
  [
    'an unknown kind',
    () => engine.step([{ ...move, kind: 'dance' as 'move' }]),
    'bad_order',
    /^orders\[0\]\.kind$/,
    /capture/,
  ],
  [
    'too strong an agent',
    () =>
      engine.step([
        {
          kind: 'spawn',
          team: 0,
          role: 'attacker',
          attributes: { ...attributes, attack: 1000, speed: 1000 },
        },
      ]),
    'bad_attributes',
    /attributes/,
    /3000/,
  ],
  [
    'attributes left out',
    () => engine.step([{ kind: 'spawn', team: 0, role: 'attacker' }]),
    'bad_attributes',
    /^orders\[0\]\.attributes$/,
    /object/,
  ],
  ['no ticks', () => engine.step([], 0), 'bad_argument', /^ticks$/, /from 1/],
  ['an unknown team', () => engine.explain(3), 'bad_argument', /^team$/, /0 to 1/],
  [
    'an unknown heat map',
    () => engine.heatMap(0, 'heat' as 'threat'),
    'bad_argument',
    /^name$/,
    /threat/,
  ],
  [
    'a strategy of the wrong shape',
    () => engine.direct(0, { strategy: 'win' } as never),
    'bad_answer',
    /./,
    /./,
  ],
  [
    'a snapshot that is none',
    () => engine.restore(new Uint8Array(40)),
    'bad_snapshot',
    /start/,
    /RDMS/,
  ],
  [
    'a snapshot cut short',
    () => engine.restore(engine.snapshot().slice(0, 900)),
    'bad_snapshot',
    /./,
    /./,
  ],
  [
    'a snapshot of another version',
    () => engine.restore(flipped(engine.snapshot(), 4)),
    'version_mismatch',
    /version/,
    /format/,
  ],
  [
    'a snapshot that is no bytes',
    () => engine.restore('x' as never),
    'bad_snapshot',
    /snapshot/,
    /Uint8Array/,
  ],
  [
    'a replay cut short',
    () => openReplay(replay.slice(0, replay.length - 9)),
    'bad_replay',
    /byte \d+/,
    /./,
  ],
  [
    'a replay of other rules',
    () => openReplay(flipped(replay, 7)),
    'version_mismatch',
    /./,
    /rules/,
  ],
  ['a replay that is none', () => openReplay(new Uint8Array(3)), 'bad_replay', /byte/, /./],
  [
    'a request without its members',
    () => strategy({ team_id: 'red' } as never),
    'bad_request',
    /territory_control/,
    /4|3 more|more/,
  ],
  [
    'a core that is not there',
    create({ wasm: new URL('file:///nowhere/engine-core.wasm') }),
    'wasm_load_failed',
    /nowhere/,
    /engine-core\.wasm/,
  ],
  [
    'a core that is no WebAssembly',
    create({ wasm: new Uint8Array(64) }),
    'wasm_load_failed',
    /bytes/,
    /WebAssembly/,
  ],
  ['a core that is another thing', create({ wasm: 7 }), 'bad_argument', /^wasm$/, /URL/],
  [
    'no workers here',
    () => startEngine({ map: { generate: {} } }),
    'wasm_unsupported',
    /^$/,
    /createEngine/,
  ],
];

describe('errors', () => {
  it.each(cases)('%s', async (_what, run, code, path, words) => {
    const before = engine.hash();
    const error = await errorOf(run);
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(words)]);
    expect(error.path).toMatch(path);
    expect(engine.hash()).toBe(before);
  });

  it('a map whose bases cannot reach each other says where', async () => {
    const rows = Array.from({ length: 9 }, (_, row) => (row === 4 ? '#########' : '.........'));
    const compact = {
      format: 'redoubt-map',
      version: 1,
      name: 'split',
      rows,
      bases: [
        [1, 1],
        [7, 7],
      ],
      sites: [],
    };
    const error = await errorOf(() => describeMap({ compact }));
    expect(error.code).toBe('bad_map');
    expect(error.message).toMatch(/reach/);
  });

  it('a replay whose orders were changed diverges at a named tick', async () => {
    const bytes = engine.saveReplay();
    // The recorded hash after tick 64 lies before the orders; find it by value.
    const one = await openReplay(bytes);
    one.seek(64);
    const hash = one.hash();
    const low = hash
      .match(/../g)!
      .reverse()
      .map((pair) => Number.parseInt(pair, 16));
    const at = bytes.findIndex((_, i) => low.every((byte, k) => bytes[i + k] === byte));
    expect(at).toBeGreaterThan(0);
    const changed = await openReplay(flipped(bytes, at));
    expect(changed.verify()).toMatchObject({ same: false, tick: 64, computed: hash });
    const error = await errorOf(() => changed.assertSame());
    expect([error.code, error.path]).toEqual(['replay_diverged', 'tick 64']);
    one.dispose();
    changed.dispose();
  });

  it('a core of another build is refused, with both versions', async () => {
    const bytes = readFileSync('wasm/dist/engine-core.wasm');
    const at = bytes.indexOf('","strategyVersion":"');
    expect(at).toBeGreaterThan(0);
    const other = Uint8Array.from(bytes);
    other[at + 3] = 'T'.charCodeAt(0);
    const error = await errorOf(create({ wasm: other }));
    expect(error.code).toBe('version_mismatch');
    expect(error.message).toMatch(/reload/);
  });

  it('a failed load is tried anew', async () => {
    const url = new URL(`file:///nowhere/${Math.random()}.wasm`);
    const first = await errorOf(create({ wasm: url }));
    const second = await errorOf(create({ wasm: url }));
    expect(second).not.toBe(first);
  });
});
