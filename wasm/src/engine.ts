import { jsonText } from './arguments.js';
import { call, loadCore } from './core.js';
import type { Core, Face } from './core.js';
import { describeValue, EngineError } from './errors.js';
import { decodeEventList, decodeFrame, decodeSight, storeOf } from './frame.js';
import { decodeOrders, encodeOrders } from './orders.js';
import { mapInfo, mapText, rulesText, seedText } from './source.js';
import { HEAT_MAPS, TEAM_FIELDS } from './types.js';
import type {
  AgentsView,
  CellsView,
  EngineOptions,
  Explanation,
  Frame,
  GameEvent,
  HeatMapName,
  MapInfo,
  Order,
  Outcome,
  PlayerName,
  TeamId,
  TeamSight,
  TeamStrategy,
  TeamView,
  ThinkResult,
} from './types.js';

/** One call plays at most this many ticks, so that a mistyped number cannot hang the page. */
export const ticks_max = 100_000;
/** One think call works at most this much. */
export const work_max = 100_000_000;
/** How long a directive holds when nothing else is said: 30 s of game time. */
export const direct_ticks_default = 300;

export const symbolDispose: typeof Symbol.dispose =
  Symbol.dispose ?? (Symbol.for('Symbol.dispose') as typeof Symbol.dispose);

/** What the core holds for one engine or replay, freed once: by dispose() or when it is collected. */
export class Held {
  private handle: number;
  constructor(
    readonly core: Core,
    handle: number,
    private readonly what: string,
  ) {
    this.handle = handle;
    forgotten?.register(this, { core, handle }, this);
  }

  call<T>(run: (face: Face, handle: number) => T): T {
    if (this.handle === 0) {
      throw new EngineError('disposed', `This ${this.what} was disposed of: create a new one.`);
    }
    return call(this.core, (face) => run(face, this.handle));
  }

  dispose(): void {
    if (this.handle === 0) return;
    forgotten?.unregister(this);
    if (!this.core.dead) this.core.face.close(this.handle);
    this.handle = 0;
  }
}

// Only a safety net: dispose() frees at once, a collector when it likes.
const forgotten =
  typeof FinalizationRegistry === 'undefined'
    ? undefined
    : /* @__PURE__ */ new FinalizationRegistry<{ core: Core; handle: number }>(
        ({ core, handle }) => {
          if (!core.dead) core.face.close(handle);
        },
      );

export function wholeNumber(path: string, value: unknown, low: number, high: number): number {
  if (Number.isInteger(value) && (value as number) >= low && (value as number) <= high) {
    return value as number;
  }
  throw new EngineError(
    'bad_argument',
    `${path}: expected a whole number from ${low} to ${high}, got ${describeValue(value)}.`,
    { path, expected: `${low}..${high}`, got: describeValue(value) },
  );
}

export function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

export interface Info {
  map: MapInfo;
  rules: Record<string, unknown>;
  seed: string;
}

export function infoOf(json: string): Info {
  const { map, rules, seed } = JSON.parse(json) as { map: object; rules: object; seed: string };
  return {
    map: mapInfo(JSON.stringify(map)),
    rules: rules as Record<string, unknown>,
    seed,
  };
}

/** What an Engine and a Replay show of their world. Arrays are views of the core's memory. */
export abstract class Shown {
  protected abstract readonly held: Held;
  abstract readonly map: MapInfo;

  /** Every array of the present tick at once; valid until the next call into this package. */
  get frame(): Frame {
    return this.held.call((face, handle) => decodeFrame(face.frame(handle, false)));
  }
  get tick(): number {
    return this.held.call((face, handle) => face.tick(handle));
  }
  /** Null until the match is over. */
  get outcome(): Outcome | null {
    return this.frame.outcome;
  }
  get cells(): CellsView {
    return this.frame.cells;
  }
  get agents(): AgentsView {
    return this.frame.agents;
  }
  /** Stock of each site, in the order of map.sites. */
  get stock(): Uint8Array {
    return this.frame.stock;
  }
  get teams(): TeamView[] {
    const rows = this.frame.teams;
    return Array.from({ length: this.map.teams }, (_, team) => {
      const row = rows.subarray(team * TEAM_FIELDS, (team + 1) * TEAM_FIELDS);
      return { store: storeOf(row), deposits: row[3]!, held: row[4]!, living: row[5]! };
    });
  }
  /** The state hash, 16 hexadecimal digits: equal states have equal hashes on every platform. */
  hash(): string {
    return this.held.call((face, handle) => face.hash(handle));
  }

  protected team(team: number): TeamId {
    return wholeNumber('team', team, 0, this.map.teams - 1) as TeamId;
  }
}

/**
 * A match: the world, its rules and whoever plays in it. One thread; not for sharing.
 *
 * @example
 * const engine = await createEngine({ map: { generate: {} }, players: ['strategist', 'rush'] });
 * while (!engine.outcome) engine.play(10);
 */
export class Engine extends Shown {
  protected readonly held: Held;
  readonly map: MapInfo;
  /** Every row of the rules table that is played by. */
  readonly rules: Readonly<Record<string, unknown>>;
  readonly seed: string;

  /** @internal */
  constructor(held: Held) {
    super();
    this.held = held;
    const info = infoOf(held.call((face, handle) => face.info(handle)));
    this.map = info.map;
    this.rules = info.rules;
    this.seed = info.seed;
  }

  /**
   * Plays `ticks` ticks; `orders` act in the first. Returns what happened, the latest 65,536 events.
   * Ends early when the match does. Throws bad_order, bad_attributes or match_over with the world
   * unchanged.
   */
  step(orders?: readonly Order[], ticks = 1): GameEvent[] {
    const bytes = encodeOrders(orders);
    const count = wholeNumber('ticks', ticks, 1, ticks_max);
    return this.held.call((face, handle) => decodeEventList(face.step(handle, bytes, count)));
  }

  /**
   * Plays `ticks` ticks with the attached players, each with `work` units a tick: they think every
   * 10 ticks and their orders act 5 ticks later, so the match is the same wherever it is played.
   * Throws bad_player when a team has no player.
   */
  play(ticks = 1, { work = 100 }: { work?: number } = {}): GameEvent[] {
    const count = wholeNumber('ticks', ticks, 1, ticks_max);
    const units = wholeNumber('work', work, 1, work_max);
    return this.held.call((face, handle) => decodeEventList(face.play(handle, count, units)));
  }

  /** Lets a built-in player lead a team, from now on. Throws bad_player for an unknown name. */
  addPlayer(team: TeamId, player: PlayerName): void {
    const index = this.team(team);
    this.held.call((face, handle) => face.setPlayer(handle, index, String(player)));
  }
  /** Takes the built-in player away: orders for the team come from you. */
  removePlayer(team: TeamId): void {
    const index = this.team(team);
    this.held.call((face, handle) => face.setPlayer(handle, index, ''));
  }

  /**
   * Lets a team's player (the strategist where none was added) think about the present tick for at
   * most `work` units. Call again with the world unchanged until `done`, then give `orders` to step().
   */
  think(
    team: TeamId,
    { work = 1000, player }: { work?: number; player?: PlayerName } = {},
  ): ThinkResult {
    const index = this.team(team);
    const units = wholeNumber('work', work, 1, work_max);
    if (player !== undefined) this.addPlayer(team, player);
    return this.held.call((face, handle) => {
      const bytes = face.think(handle, index, units);
      const [done, workUsed] = new Int32Array(bytes.buffer, bytes.byteOffset, 2);
      return { done: done === 1, workUsed: workUsed!, orders: decodeOrders(bytes.subarray(8)) };
    });
  }

  /**
   * Gives a team's player a strategy from outside, e.g. from a model: it weighs what the agents do
   * for `ticks`. `source` is shown by explain(). Throws bad_answer where the shape is wrong.
   */
  direct(
    team: TeamId,
    strategy: TeamStrategy,
    { ticks = direct_ticks_default, source = 'outside' }: { ticks?: number; source?: string } = {},
  ): void {
    const index = this.team(team);
    const count = wholeNumber('ticks', ticks, 1, ticks_max);
    // Read once: what it is then is what is checked.
    const read = JSON.parse(jsonText('strategy', strategy, 'bad_answer')) as object;
    const text = jsonText('strategy', { ...read, source: String(source) }, 'bad_answer');
    this.held.call((face, handle) => face.direct(handle, index, text, count));
  }

  /** What a team's player wants and why, as of its last think; null before the first. */
  explain(team: TeamId): Explanation | null {
    const index = this.team(team);
    return JSON.parse(
      this.held.call((face, handle) => face.explain(handle, index)),
    ) as Explanation | null;
  }

  /** A field over all cells as the team's player sees it (a copy); permille of its unit. */
  heatMap(team: TeamId, name: HeatMapName): Int16Array {
    const index = this.team(team);
    const which = HEAT_MAPS.indexOf(name);
    if (which < 0) {
      throw new EngineError(
        'bad_argument',
        `name: expected one of ${HEAT_MAPS.join(', ')}, got ${describeValue(name)}.`,
        { path: 'name', expected: HEAT_MAPS.join(', '), got: describeValue(name) },
      );
    }
    return this.held.call((face, handle) => {
      const bytes = copyOf(face.heatMap(handle, index, which));
      return new Int16Array(bytes.buffer);
    });
  }

  /** What one team may know now: the only thing that a fair bot looks at (a copy). */
  sight(team: TeamId): TeamSight {
    const index = this.team(team);
    return this.held.call((face, handle) => decodeSight(copyOf(face.sight(handle, index))));
  }

  /** The whole match (world, what the teams remember, players, orders so far) as bytes. */
  snapshot(): Uint8Array<ArrayBuffer> {
    return this.held.call((face, handle) => copyOf(face.save(handle)));
  }
  /**
   * Goes on from a snapshot of a match on the same map and rules. Throws bad_snapshot or
   * version_mismatch with the match unchanged.
   */
  restore(snapshot: Uint8Array): void {
    const bytes = bytesOf('snapshot', snapshot, 'bad_snapshot');
    this.held.call((face, handle) => face.restore(handle, bytes));
  }

  /** The match so far as a replay file: map, rules, seed, orders by tick, state hashes. */
  saveReplay(): Uint8Array<ArrayBuffer> {
    return this.held.call((face, handle) => copyOf(face.replay(handle)));
  }

  /** Frees the match's memory; any later call throws `disposed`. */
  dispose(): void {
    this.held.dispose();
  }
  [symbolDispose](): void {
    this.dispose();
  }
}

export function bytesOf(
  path: string,
  value: unknown,
  code: 'bad_snapshot' | 'bad_replay',
): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new EngineError(code, `${path}: expected a Uint8Array, got ${describeValue(value)}.`, {
    path,
    expected: 'Uint8Array',
    got: describeValue(value),
  });
}

/** Loads the core (once) and sets up a match. Rejects with an EngineError. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const map = mapText(options?.map);
  const seed = seedText(options.seed);
  const core = await loadCore(options.wasm);
  const handle = call(core, (face) =>
    face.open(map.kind, map.text, map.name, rulesText(options.rules), seed),
  );
  const engine = new Engine(new Held(core, handle, 'engine'));
  try {
    addPlayers(engine, options.players);
  } catch (error) {
    engine.dispose();
    throw error;
  }
  return engine;
}

function addPlayers(engine: Engine, players: EngineOptions['players'] = []): void {
  if (players.length > engine.map.teams) {
    throw new EngineError(
      'bad_player',
      `players: the map has ${engine.map.teams} teams, got ${players.length} players.`,
      { path: 'players', expected: `at most ${engine.map.teams}`, got: String(players.length) },
    );
  }
  players.forEach((player, team) => {
    if (player && player !== 'external') engine.addPlayer(team as TeamId, player);
  });
}
