import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CELLS_MAX,
  formatShareLink,
  LINK_PLAYERS,
  parseShareLink,
  SIDE_MIN,
  type SharedMatch,
  TICK_MAX,
  WORK_MAX,
} from '../../../web/game/src/link/share-link.js';

const MATCH: SharedMatch = {
  made: '1.2',
  map: 'gen:40x28',
  seed: '18446744073709551615',
  players: ['strategist', 'rush'],
  work: 500,
  tick: 1216,
};
const LINK =
  '#v=1.1.2&map=gen:40x28&seed=18446744073709551615&red=strategist&blue=rush&work=500&t=1216';

const SHIPPED = ['valley', 'crossroads'];

const anyPlayers = fc.array(fc.constantFrom(...LINK_PLAYERS), { minLength: 2, maxLength: 4 });
const anyMap = (teams: number) =>
  fc.oneof(
    fc.constantFrom(...SHIPPED),
    fc
      .tuple(
        fc.integer({ min: SIDE_MIN, max: 64 }),
        fc.integer({ min: SIDE_MIN, max: CELLS_MAX / 64 }),
      )
      .map(([width, height]) => `gen:${width}x${height}${teams > 2 ? `x${teams}` : ''}`),
  );
const anyMatch: fc.Arbitrary<SharedMatch> = anyPlayers.chain((players) =>
  fc.record({
    players: fc.constant(players),
    map: anyMap(players.length),
    made: fc.stringMatching(/^[0-9A-Za-z.-]{1,64}$/),
    seed: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
    work: fc.integer({ min: 1, max: WORK_MAX }),
    tick: fc.integer({ min: 0, max: TICK_MAX }),
  }),
);

describe('share link', () => {
  it('is written as documented', () => {
    expect(formatShareLink(MATCH)).toBe(LINK);
    expect(parseShareLink(LINK)).toEqual({ kind: 'match', match: MATCH });
  });

  it('names two to four teams', () => {
    const four = { ...MATCH, map: 'gen:41x29x4', players: [...LINK_PLAYERS] };
    expect(formatShareLink(four)).toContain('red=strategist&blue=random&gold=agentarena&mint=rush');
  });

  it('reads back whatever it writes', () => {
    fc.assert(
      fc.property(anyMatch, (match) => {
        const link = formatShareLink(match, SHIPPED) ?? '';
        expect(parseShareLink(link, SHIPPED)).toEqual({ kind: 'match', match });
      }),
    );
  });

  it.each(['', '#', '#about', '#map=gen:40x28', '#xv=1'])('leaves %j alone', (hash) => {
    expect(parseShareLink(hash)).toEqual({ kind: 'none' });
  });

  const broken: [string, string, string][] = [
    ['another format', LINK.replace('v=1.1.2', 'v=2.1.2'), 'v'],
    ['no version', LINK.replace('v=1.1.2', 'v=1'), 'v'],
    ['a map that nobody has', LINK.replace('gen:40x28', 'valley'), 'map'],
    ['too many cells', LINK.replace('40x28', '200x200'), 'map'],
    ['a map for four, played by two', LINK.replace('40x28', '40x28x4'), 'map'],
    ['a tiny map', LINK.replace('40x28', '4x28'), 'map'],
    ['a seed over 64 bits', LINK.replace('18446744073709551615', '18446744073709551616'), 'seed'],
    ['a negative seed', LINK.replace('18446744073709551615', '-1'), 'seed'],
    ['a seed with a leading zero', LINK.replace('18446744073709551615', '007'), 'seed'],
    ['an unknown player', LINK.replace('rush', 'deepthought'), 'blue'],
    ['one team', LINK.replace('&blue=rush', ''), 'blue'],
    ['a gap in the teams', `${LINK}&mint=rush`, 'gold'],
    ['no work', LINK.replace('&work=500', ''), 'work'],
    ['work zero', LINK.replace('work=500', 'work=0'), 'work'],
    ['a broken tick', LINK.replace('t=1216', 't=1216.5'), 't'],
    ['a tick beyond every match', LINK.replace('t=1216', 't=100001'), 't'],
    ['an unknown key', `${LINK}&cheat=1`, 'cheat'],
    ['a key twice', `${LINK}&t=5`, 't'],
    ['a novel', `${LINK}&x=${'y'.repeat(600)}`, 'length'],
  ];
  it.each(broken)('refuses %s and names the key', (_what, hash, key) => {
    const parsed = parseShareLink(hash);
    expect(parsed).toMatchObject({ kind: 'error', error: { key } });
    if (parsed.kind === 'error') expect(parsed.error.message).toContain('A new match is shown.');
  });

  it('survives any fragment', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseShareLink(`#v=${text}`)));
  });

  it('does not write what it would not read', () => {
    expect(formatShareLink({ ...MATCH, tick: -1 })).toBeNull();
    expect(formatShareLink({ ...MATCH, players: ['rush'] })).toBeNull();
    expect(formatShareLink({ ...MATCH, map: 'imported' })).toBeNull();
    expect(formatShareLink({ ...MATCH, map: 'valley' })).toBeNull();
    expect(formatShareLink({ ...MATCH, map: 'valley' }, SHIPPED)).toContain('map=valley');
  });
});
