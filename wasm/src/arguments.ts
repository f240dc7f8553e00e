/**
 * What goes into a core, looked at before it does. Embind refuses a wrong type with an error of its
 * own in the middle of a call, passes NaN as 0, and does not look whether a text fits into memory:
 * by then nobody knows any more what state the core is in.
 */
import { describeValue, EngineError } from './errors.js';
import type { EngineErrorCode } from './types.js';

/** int: of 32 bits. number: finite. bytes: a Uint8Array. */
export type ArgumentKind = 'int' | 'number' | 'text' | 'bytes' | 'flag';

/** The functions of a face by their names, and each's arguments, in order, by theirs. */
export type Signatures<Face> = {
  readonly [Name in keyof Face]: Readonly<Record<string, ArgumentKind>>;
};

/** Longer ones would not fit beside what they become; UTF-16 units of a text. */
export const text_units_max = 16 * 2 ** 20;
export const bytes_max = 64 * 2 ** 20;

const int_max = 2 ** 31;

const kinds: Record<ArgumentKind, { expected: string; fits(value: unknown): boolean }> = {
  int: {
    expected: `a whole number from ${-int_max} to ${int_max - 1}`,
    fits: (value) =>
      Number.isInteger(value) && (value as number) >= -int_max && (value as number) < int_max,
  },
  number: { expected: 'a finite number', fits: (value) => Number.isFinite(value) },
  text: {
    expected: `a text of at most ${text_units_max} characters`,
    fits: (value) => typeof value === 'string' && value.length <= text_units_max,
  },
  bytes: {
    expected: `a Uint8Array of at most ${bytes_max} bytes`,
    fits: (value) => value instanceof Uint8Array && value.byteLength <= bytes_max,
  },
  flag: { expected: 'true or false', fits: (value) => typeof value === 'boolean' },
};

function badArgument(path: string, expected: string, value: unknown): EngineError {
  const got = describeValue(value);
  return new EngineError('bad_argument', `${path}: expected ${expected}, got ${got}.`, {
    path,
    expected,
    got,
  });
}

type Anything = (...args: unknown[]) => unknown;

/**
 * A face whose functions look at their arguments first: bad_argument, and the core has seen nothing
 * of the call. What the core itself throws goes through `translate`. A function without a signature
 * is not there.
 */
export function checkedFace<Face>(
  raw: Face,
  signatures: Signatures<Face>,
  translate: (error: unknown) => EngineError,
): Face {
  const checked: Record<string, Anything> = {};
  for (const [name, signature] of Object.entries(signatures) as [
    string,
    Record<string, ArgumentKind>,
  ][]) {
    const run = (raw as Record<string, Anything>)[name]!;
    const expected = Object.entries(signature);
    checked[name] = (...args) => {
      if (args.length !== expected.length) {
        throw badArgument(name, `${expected.length} arguments`, args.length);
      }
      expected.forEach(([path, kind], i) => {
        if (!kinds[kind].fits(args[i])) throw badArgument(path, kinds[kind].expected, args[i]);
      });
      try {
        return run(...args);
      } catch (error) {
        throw translate(error);
      }
    };
  }
  return checked as Face;
}

/**
 * A value as JSON. Throws `code` where it is none: undefined, a function, a circle, or an object
 * whose getters or toJSON throw.
 */
export function jsonText(path: string, value: unknown, code: EngineErrorCode): string {
  let cause: unknown;
  try {
    const text = JSON.stringify(value) as string | undefined;
    if (text !== undefined) return text;
  } catch (error) {
    cause = error;
  }
  const got =
    cause === undefined ? describeValue(value) : String((cause as Error)?.message ?? cause);
  throw new EngineError(code, `${path}: expected what JSON can say, got ${got}.`, {
    path,
    expected: 'a JSON value',
    got,
    cause,
  });
}
