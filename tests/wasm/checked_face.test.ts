// What goes into a core is looked at before it does; nothing here needs the core itself.
import { describe, expect, it } from 'vitest';
import { checkedFace, jsonText, text_units_max } from '../../wasm/src/arguments.js';
import { EngineError } from '../../wasm/src/errors.js';

const circle: Record<string, unknown> = {};
circle.circle = circle;
const throwing = {
  get x(): string {
    throw new Error('a getter that throws');
  },
};

describe('a face that looks at its arguments', () => {
  const calls: unknown[][] = [];
  const raw = {
    all: (...args: unknown[]) => calls.push(args),
    fails: () => {
      throw new RangeError('a trap');
    },
    hidden: () => 7,
  };
  const face = checkedFace(
    raw as never as Record<string, (...args: unknown[]) => unknown>,
    { all: { i: 'int', n: 'number', t: 'text', b: 'bytes', f: 'flag' }, fails: {} },
    (error) => new EngineError('internal', String(error)),
  );
  const good = [1, 1.5, 't', new Uint8Array(1), true];

  it('lets what fits pass as it is', () => {
    face.all!(...good);
    expect(calls.pop()).toEqual(good);
  });

  const wrong: [number, unknown[]][] = [
    [0, [undefined, null, NaN, 1.5, 2 ** 31, -(2 ** 31) - 1, '1', true, 1n, {}, Infinity]],
    [1, [undefined, null, NaN, Infinity, '1', true, 1n]],
    [2, [undefined, null, 1, {}, new String('t'), 'x'.repeat(text_units_max + 1)]],
    [3, [undefined, null, 't', [1], new Uint16Array(2), new ArrayBuffer(2), { length: 1 }]],
    [4, [undefined, null, 0, 'true']],
  ];
  for (const [at, values] of wrong) {
    it(`refuses what is no ${Object.values({ i: 'int', n: 'number', t: 'text', b: 'bytes', f: 'flag' })[at]}`, () => {
      for (const value of values) {
        const args = [...good];
        args[at] = value as never;
        expect(() => face.all!(...args)).toThrow(
          expect.objectContaining({
            name: 'EngineError',
            code: 'bad_argument',
            path: ['i', 'n', 't', 'b', 'f'][at],
          }),
        );
      }
      expect(calls).toEqual([]);
    });
  }

  it('refuses too few and too many', () => {
    expect(() => face.all!()).toThrow(/5 arguments, got 0/);
    expect(() => face.all!(...good, 1)).toThrow(/5 arguments, got 6/);
  });

  it('translates what the core throws, and hides what has no signature', () => {
    expect(() => face.fails!()).toThrow(expect.objectContaining({ code: 'internal' }));
    expect(face.hidden).toBe(undefined);
  });

  it('takes of a value what JSON can say', () => {
    expect(jsonText('x', { a: [1] }, 'bad_request')).toBe('{"a":[1]}');
    for (const value of [undefined, () => 7, Symbol('s'), 7n, circle, throwing]) {
      expect(() => jsonText('x', value, 'bad_request')).toThrow(
        expect.objectContaining({ code: 'bad_request', path: 'x' }),
      );
    }
  });
});
