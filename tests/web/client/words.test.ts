import { describe, expect, it } from 'vitest';
import { relayWords, type Status, words } from '../../../web/client/src/index.js';

/** The sentences as they were agreed on; a change here is a change of what players read. */
describe('words', () => {
  it.each([
    [words.loading(), 'Loading engine...'],
    [
      words.lost(2, 3200),
      'Relay lost. Built-in strategist plays both teams. Match continues; retry in 4 s.',
    ],
    [words.back(14_000), 'Relay back after 14 s.'],
    [words.slow(2500), 'Model took over 2.5 s. Built-in strategist answered.'],
    [
      words.budget(500_000, new Date('2026-11-21T00:00:00Z')),
      'Model budget used ($0.50 today). Built-in strategist until 00:00 UTC.',
    ],
    [words.offline(), 'Offline. Everything works except models.'],
    [
      words.engineFailed('404 engine-core.wasm'),
      'The engine did not load (404 engine-core.wasm). Reload.',
    ],
    [
      words.mapRefused('valley.json', 'base 2 cannot be reached from base 1', 'row 12, column 4'),
      'valley.json: base 2 cannot be reached from base 1 (row 12, column 4). Current map kept.',
    ],
    [
      words.replayDiffers(1216, '9f3a00112233', '41c0aabbccdd'),
      'Replay differs at tick 1,216 (recorded 9f3a, computed 41c0). Shown to 1,215.',
    ],
    [words.nothingSeen('Blue'), 'Nothing seen of Blue yet.'],
    [words.none(2), 'No relay. Built-in strategist plays both teams.'],
    [
      words.lost(4, 10),
      'Relay lost. Built-in strategist plays all four teams. Match continues; retry in 1 s.',
    ],
    [words.mapRefused('a.map', 'not a map', null), 'a.map: not a map. Current map kept.'],
  ])('%s', (said, agreed) => {
    expect(said).toBe(agreed);
  });
});

const STATUS: Status = {
  state: 'online',
  since: 1000,
  retryAtMs: null,
  outageMs: null,
  seen: true,
  lastError: null,
  limit: null,
  model: null,
  latencyP50Ms: null,
  costMicroUsd: 0,
  push: false,
};
const said = (status: Partial<Status>, nowMs = 2000) =>
  relayWords(
    { ...STATUS, ...status },
    { nowMs, date: new Date('2026-11-20T22:00:00Z'), teams: 2, deadlineMs: 2500 },
  );

describe('the line about the relay', () => {
  it('says what is worth saying, for as long as it is', () => {
    expect(said({})).toBeNull();
    expect(said({ state: 'connecting' })).toBeNull();
    expect(said({ state: 'lost', retryAtMs: 5900 })).toBe(words.lost(2, 3900));
    expect(said({ state: 'lost' })).toContain('retry in 1 s');
    expect(said({ state: 'lost', seen: false, retryAtMs: 5900 })).toBe(words.none(2));
    expect(said({ state: 'offline' })).toBe(words.offline());
    expect(said({ state: 'slow' })).toBe(words.slow(2500));
    expect(said({ outageMs: 14_000 })).toBe(words.back(14_000));
    expect(said({ outageMs: 14_000 }, 60_000)).toBeNull();
  });

  it('says a limit with its end', () => {
    const limit = { message: '', untilMs: 2000 + 2 * 3_600_000 };
    expect(said({ limit: { code: 'budget_exhausted', ...limit } })).toBe(
      'Model budget used. Built-in strategist until 00:00 UTC.',
    );
    expect(said({ limit: { code: 'rate_limited', ...limit, untilMs: 9000 } })).toBe(
      'Too many requests. Built-in strategist answers for 7 s.',
    );
  });
});
