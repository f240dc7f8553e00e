// Whatever is given to the package from outside, at worst the call fails with an EngineError: the
// matches that run beside it go on.
import { beforeAll, describe, expect, it, vi } from 'vitest';
import * as engine from '@redoubt/engine';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const throwing = {
  get team_id(): string {
    throw new Error('a getter that throws');
  },
  get generate(): object {
    throw new Error('a getter that throws');
  },
};
const circle: Record<string, unknown> = {};
circle.circle = circle;
const bad: [what: string, value: unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a number', 7],
  ['NaN', NaN],
  ['a number over 32 bits', 1e12],
  ['a negative number', -1],
  ['a bigint', 7n],
  ['a symbol', Symbol('s')],
  ['a function', () => 7],
  ['true', true],
  ['a text', 'x'],
  ['a text of 1 MB', 'x'.repeat(1 << 20)],
  ['an empty list', []],
  ['an empty object', {}],
  ['an object whose getters throw', throwing],
  [
    'an object whose toJSON throws',
    {
      toJSON: () => {
        throw new Error('no');
      },
    },
  ],
  ['an object in a circle', circle],
  ['an object without a prototype', Object.create(null)],
  ['a typed array that is too short', new Uint8Array(3)],
  ['a typed array of another type', new Float64Array(5)],
];

interface Disposable {
  dispose?: () => void;
}

/** Null where nothing was thrown, which is no fault either. */
async function thrown(run: () => unknown): Promise<unknown> {
  try {
    const made = (await run()) as Disposable | null | undefined;
    if (typeof made?.dispose === 'function') made.dispose();
    return null;
  } catch (error) {
    return error;
  }
}

let match: engine.Engine;
let before: string;
async function survives(what: string, run: () => unknown): Promise<void> {
  const error = await thrown(run);
  if (error instanceof engine.EngineError) expect(error.code, what).not.toBe('internal');
  expect(match.hash(), what).toBe(before);
}

beforeAll(async () => {
  match = await engine.createEngine({ map: { generate: {} }, players: ['strategist', 'random'] });
  match.play(30);
  before = match.hash();
});

describe('one bad call', () => {
  it('strategy(undefined) is refused, and every match lives', async () => {
    const error = await thrown(() => engine.strategy(undefined as never));
    expect(error).toBeInstanceOf(engine.EngineError);
    expect((error as engine.EngineError).code).toBe('bad_request');
    expect(match.hash()).toBe(before);
    match.play(1);
    before = match.hash();
  });

  const functions = Object.entries(engine).filter(
    ([, value]) => typeof value === 'function' && !/^class /.test(String(value)),
  ) as unknown as [string, (...args: unknown[]) => unknown][];
  it('looks at every exported function', () => {
    expect(functions.map(([name]) => name)).toEqual(
      expect.arrayContaining([
        'strategy',
        'agentSpecification',
        'strategyAdaptation',
        'describeMap',
      ]),
    );
  });
  for (const [name, run] of functions) {
    it(`of ${name}`, async () => {
      for (const [what, value] of bad) {
        await survives(`${name}(${what})`, () => run(value));
        await survives(`${name}({}, ${what})`, () => run({}, value));
        await survives(`${name}({ map: ${what} })`, () => run({ map: value }));
        await survives(`${name}({ map: { generate: ${what} } })`, () =>
          run({ map: { generate: value } }),
        );
      }
    });
  }

  it('of any method of a match', async () => {
    const other = await engine.createEngine({ map: { generate: {} } });
    for (
      let prototype = Object.getPrototypeOf(other) as object;
      prototype !== Object.prototype;
      prototype = Object.getPrototypeOf(prototype) as object
    ) {
      for (const name of Object.getOwnPropertyNames(prototype)) {
        const method: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
        if (typeof method !== 'function' || name === 'constructor' || name === 'dispose') continue;
        for (const [what, value] of bad) {
          for (const args of [[value], [0, value], [0, 0, value], [0, {}, value], [[value]]]) {
            await survives(`${name}(${what})`, () => Reflect.apply(method, other, args));
          }
        }
      }
    }
    other.dispose();
  });
});
