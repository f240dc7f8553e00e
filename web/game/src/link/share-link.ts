/**
 * A match between built-in players as a link's fragment:
 *
 *   #v=1.RULES.STRATEGY&map=gen:40x28&seed=7&red=strategist&blue=rush&work=500&t=1216
 *
 * `map` is "gen:WIDTHxHEIGHT", "gen:WIDTHxHEIGHTxTEAMS", or the id of a map that ships with the page.
 *
 * 1. format() and parse() are each other's inverse on every match that a link can hold.
 * 2. parse() is strict: a key that is missing, repeated or unknown, or a value out of its bounds, is
 *    refused by name, so that a link never plays something almost like what was meant.
 * 3. `made` says which rules and strategy the link was made with; other versions may play otherwise,
 *    which the caller has to say.
 */

export const LINK_FORMAT = 1;
export const LINK_CHARACTERS_MAX = 512;
export const CELLS_MAX = 4096;
export const SIDE_MIN = 8;
export const SIDE_MAX = 256;
export const WORK_MAX = 100_000;
export const TICK_MAX = 100_000;
const SEED_MAX = 2n ** 64n - 1n;

/** Teams by their place; a link names two to four of them without a gap. */
export const LINK_TEAMS = ['red', 'blue', 'gold', 'mint'] as const;
export const LINK_PLAYERS = ['strategist', 'random', 'agentarena', 'rush'] as const;
export type LinkPlayer = (typeof LINK_PLAYERS)[number];

export interface SharedMatch {
  /** Rules and strategy version that the match was played with, e.g. "1.2". */
  made: string;
  map: string;
  /** 64-bit, decimal. */
  seed: string;
  /** One a team; as many teams as players. */
  players: LinkPlayer[];
  /** Work units a tick and player. */
  work: number;
  tick: number;
}

export interface LinkError {
  key: string;
  expected: string;
  got: string;
  /** One sentence for people. */
  message: string;
}

export type ParsedLink =
  { kind: 'none' } | { kind: 'match'; match: SharedMatch } | { kind: 'error'; error: LinkError };

class Refused extends Error {
  constructor(readonly fault: LinkError) {
    super(fault.message);
  }
}

function refuse(key: string, expected: string, got: string | null): never {
  const shown = got === null ? 'nothing' : `"${got.slice(0, 40)}"`;
  const message = `The link's ${key} is ${shown}; expected ${expected}. A new match is shown.`;
  throw new Refused({ key, expected, got: got ?? '', message });
}

/** Plain decimal, no sign, no leading zero: one spelling a number. */
const DECIMAL = /^(0|[1-9][0-9]{0,19})$/;

function whole(key: string, text: string | null, low: number, high: number): number {
  const value = text !== null && DECIMAL.test(text) ? Number(text) : NaN;
  if (value >= low && value <= high) return value;
  return refuse(key, `a whole number from ${low} to ${high}`, text);
}

function readMap(text: string | null, shipped: readonly string[], teams: number): string {
  if (text !== null && shipped.includes(text)) return text;
  const parts = /^gen:([1-9][0-9]{0,2})x([1-9][0-9]{0,2})(?:x([2-4]))?$/.exec(text ?? '');
  const [width, height, named] = [Number(parts?.[1]), Number(parts?.[2]), parts?.[3]];
  const fits = [width, height].every((side) => side >= SIDE_MIN && side <= SIDE_MAX);
  const sameTeams = Number(named ?? 2) === teams;
  if (text !== null && fits && sameTeams && width * height <= CELLS_MAX) return text;
  const ids = ['gen:WIDTHxHEIGHT or gen:WIDTHxHEIGHTxTEAMS', ...shipped].join(', ');
  return refuse('map', `${ids}, for as many teams as players, of at most ${CELLS_MAX} cells`, text);
}

function readSeed(text: string | null): string {
  if (text !== null && DECIMAL.test(text) && BigInt(text) <= SEED_MAX) return text;
  return refuse('seed', `a whole number from 0 to ${SEED_MAX}`, text);
}

function readPlayers(given: URLSearchParams): LinkPlayer[] {
  const players: LinkPlayer[] = [];
  for (const [index, team] of LINK_TEAMS.entries()) {
    const name = given.get(team);
    if (name === null && index >= 2) {
      const later = LINK_TEAMS.slice(index + 1).find((other) => given.has(other));
      if (later !== undefined) refuse(team, 'a player, because a later team has one', null);
      break;
    }
    if (!LINK_PLAYERS.includes(name as LinkPlayer)) {
      refuse(team, `one of ${LINK_PLAYERS.join(', ')}`, name);
    }
    players.push(name as LinkPlayer);
  }
  return players;
}

function readVersion(text: string | null): string {
  const parts = /^([1-9][0-9]{0,3})\.([0-9A-Za-z.-]{1,64})$/.exec(text ?? '');
  if (parts && Number(parts[1]) === LINK_FORMAT) return parts[2] ?? '';
  return refuse('v', `${LINK_FORMAT}.RULES.STRATEGY (a link of this version of the game)`, text);
}

const KEYS = ['v', 'map', 'seed', ...LINK_TEAMS, 'work', 't'];

function checkKeys(given: URLSearchParams) {
  const seen = new Set<string>();
  for (const key of given.keys()) {
    if (!KEYS.includes(key)) refuse(key.slice(0, 40), `only ${KEYS.join(', ')}`, given.get(key));
    if (seen.has(key)) refuse(key, 'once', 'it twice');
    seen.add(key);
  }
}

/**
 * Reads `location.hash`. No fragment, or one that is not ours (no v=), is kind "none". `shipped` are
 * the ids of the page's own maps; how many teams such a map has is the caller's to check.
 */
export function parseShareLink(hash: string, shipped: readonly string[] = []): ParsedLink {
  const text = hash.startsWith('#') ? hash.slice(1) : hash;
  if (!/(^|&)v=/.test(text)) return { kind: 'none' };
  try {
    if (text.length > LINK_CHARACTERS_MAX) {
      refuse('length', `at most ${LINK_CHARACTERS_MAX} characters`, String(text.length));
    }
    const given = new URLSearchParams(text);
    checkKeys(given);
    const made = readVersion(given.get('v'));
    const players = readPlayers(given);
    const match: SharedMatch = {
      made,
      map: readMap(given.get('map'), shipped, players.length),
      seed: readSeed(given.get('seed')),
      players,
      work: whole('work', given.get('work'), 1, WORK_MAX),
      tick: whole('t', given.get('t'), 0, TICK_MAX),
    };
    return { kind: 'match', match };
  } catch (error) {
    if (error instanceof Refused) return { kind: 'error', error: error.fault };
    throw error;
  }
}

/** The fragment with its '#', or null for a match that a link cannot hold (an imported map). */
export function formatShareLink(
  match: SharedMatch,
  shipped: readonly string[] = [],
): string | null {
  const teams = match.players.map((player, index) => `${LINK_TEAMS[index]}=${player}`);
  const hash = `#${[
    `v=${LINK_FORMAT}.${match.made}`,
    `map=${match.map}`,
    `seed=${match.seed}`,
    ...teams,
    `work=${match.work}`,
    `t=${match.tick}`,
  ].join('&')}`;
  return parseShareLink(hash, shipped).kind === 'match' ? hash : null;
}
