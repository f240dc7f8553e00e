import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ClientError } from '../../../web/client/src/errors.js';
import {
  BACKOFF_CAP_MS,
  BACKOFF_FIRST_MS,
  backoffMs,
  type Connection,
  type ConnectionState,
  HEARTBEAT_MS,
  type Input,
  PROBE_TIMEOUT_MS,
  type Step,
  startConnection,
  stepConnection,
  TRANSITIONS,
} from '../../../web/client/src/connection.js';

const error = new ClientError('relay_unreachable', 'refused');
const timeout = new ClientError('relay_unreachable', 'no answer');
const covered = new Set<string>();

function input(kind: string): Input {
  if (kind === 'slow' || kind === 'silent') return { kind, error };
  if (kind === 'wake') return { kind, timeout };
  return { kind } as Input;
}

function traced(nowMs: number, { connection, commands }: Step): string {
  const told = commands.length > 0 ? ` ${commands.join(' ')}` : '';
  const away = connection.outageMs === null ? '' : `, was away ${connection.outageMs}`;
  return `  ${nowMs} ${connection.state}${told}, wakes ${connection.wakeAtMs}${away}`;
}

function run(script: string): string {
  let connection: Connection | null = null;
  const trace: string[] = [];
  for (const line of script.trim().split('\n')) {
    const [at, kind] = line.trim().split(' ') as [string, string];
    const nowMs = Number(at);
    if (connection !== null) covered.add(`${connection.state} ${kind}`);
    const step: Step =
      connection === null
        ? startConnection(nowMs, true)
        : stepConnection(connection, input(kind), { nowMs, random: 0.5 });
    connection = step.connection;
    trace.push(traced(nowMs, step));
  }
  return trace.join('\n');
}

const scripts = readFileSync(new URL('connection_scripts.txt', import.meta.url), 'utf8');
const cases = [...scripts.matchAll(/^(\S.*)\n((?: {2}\d+ \w+\n)+)----\n((?: {2}\d+ .*\n?)+)/gm)];
const pairs = Object.entries(TRANSITIONS).flatMap(([state, row]) =>
  Object.keys(row).map((kind) => `${state} ${kind}`),
);

describe('connection scripts', () => {
  it.each(cases.map(([, name, script, trace]) => ({ name, script, trace })))(
    '$name',
    ({ script, trace }) => {
      expect(run(script ?? '')).toBe(trace?.trimEnd());
    },
  );

  it('are all read', () => {
    expect(cases).toHaveLength(scripts.split('\n----\n').length - 1);
  });

  it('cover every state with every input', () => {
    expect(pairs.filter((pair) => !covered.has(pair))).toEqual([]);
  });

  afterAll(() => {
    console.log(`note: connection: ${covered.size} of ${pairs.length} transitions covered`);
  });
});

const STATES: ConnectionState[] = ['connecting', 'online', 'slow', 'lost', 'offline'];
const anyInput = fc.constantFrom(
  ...(['alive', 'prompt', 'slow', 'suspect', 'silent', 'network_up', 'network_down'] as const),
  'wake',
);
const anyPast = fc.array(
  fc.record({
    kind: anyInput,
    afterMs: fc.integer({ min: 0, max: 5000 }),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  }),
  { maxLength: 60 },
);

describe('connection laws', () => {
  it('hold after any past: one probe at most, bounded waits, a loss with its beginning', () => {
    fc.assert(
      fc.property(anyPast, fc.boolean(), (past, network) => {
        let nowMs = 0;
        let { connection } = startConnection(nowMs, network);
        for (const { kind, afterMs, random } of past) {
          nowMs += afterMs;
          const before = connection;
          const { connection: after, commands } = stepConnection(before, input(kind), {
            nowMs,
            random,
          });
          expect(STATES).toContain(after.state);
          if (commands.includes('probe')) expect(before.probeSinceMs).toBeNull();
          else expect([null, before.probeSinceMs]).toContain(after.probeSinceMs);
          if (after.wakeAtMs !== before.wakeAtMs) {
            expect(after.wakeAtMs).toBeGreaterThanOrEqual(nowMs);
            expect(after.wakeAtMs - nowMs).toBeLessThanOrEqual(BACKOFF_CAP_MS);
          }
          const gone = after.state === 'lost' || after.state === 'offline';
          expect(after.lostAtMs !== null).toBe(gone);
          expect(after.state === before.state || after.sinceMs === nowMs).toBe(true);
          connection = after;
        }
      }),
    );
  });

  it('keep a retry between half and all of its doubled interval', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, random) => {
          const whole = Math.min(BACKOFF_CAP_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1));
          expect(backoffMs(failures, random)).toBeGreaterThanOrEqual(whole / 2);
          expect(backoffMs(failures, random)).toBeLessThan(whole + 1e-9);
        },
      ),
    );
  });

  it('notice a loss within 2 s and a return within 5 s', () => {
    expect(HEARTBEAT_MS + PROBE_TIMEOUT_MS).toBeLessThan(2000);
    expect(BACKOFF_CAP_MS + PROBE_TIMEOUT_MS).toBeLessThan(5000);
  });
});
