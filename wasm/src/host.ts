/**
 * One match as the worker holds it: the core's session, the clock that drives it, the requests that
 * the client makes of it. Time and messages come in and go out by arguments; the rim is
 * engine-worker.ts.
 */
import { call } from './core.js';
import type { Core, Face } from './core.js';
import { copyOf, Held, infoOf, wholeNumber, work_max } from './engine.js';
import { describeValue, EngineError, toWire } from './errors.js';
import { decodeEventList, decodeSight } from './frame.js';
import { encodeOrders, order_bytes } from './orders.js';
import { speed_max, speed_min, state_interval_ticks, work_default } from './protocol.js';
import type { MatchHistory, MatchInfo, MatchOptions, MatchStatus, Requests } from './protocol.js';
import { Runner, step_ticks_max } from './runner.js';
import type { Simulation } from './runner.js';
import { situationOf } from './situation.js';
import { mapText, rulesText, seedText } from './source.js';
import { HEAT_MAPS } from './types.js';
import type { Explanation, TeamId, TeamSight } from './types.js';

/** Explanations kept for looking back; beyond them the oldest go. */
const explanations_max = 2048;
/** Orders from outside that wait for the next tick. */
const orders_waiting_max = 4096;
/** Ticks between two status messages while playing. */
const status_interval_ticks = 10;
const state_magic = 0x54534452; // "RDST"
const state_head_bytes = 16;
/** "As they are" to the core's branch(). */
const same_players = '-';

export interface HostOutput {
  frame(): void;
  status(status: MatchStatus): void;
  state(bytes: Uint8Array<ArrayBuffer>): void;
}

interface Said {
  tick: number;
  team: number;
  text: string;
}

export class Host implements Simulation {
  readonly runner: Runner;
  info: MatchInfo;
  private readonly held: Held;
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private said: Said[] = [];
  private divergence: MatchStatus['divergence'] = null;
  private savedTick = 0;

  private constructor(
    core: Core,
    handle: number,
    private readonly clock: () => number,
    private readonly out: HostOutput,
    mode: MatchInfo['mode'],
    work?: number,
  ) {
    this.held = new Held(core, handle, 'match');
    const json = this.face((face, h) => face.info(h));
    const extra = JSON.parse(json) as { players: string[]; work: number; finalTick: number };
    this.info = {
      ...infoOf(json),
      mode,
      players: extra.players,
      work: work ?? extra.work,
      headTick: extra.finalTick,
    };
    this.runner = new Runner(this, clock, {
      frame: () => this.ticked(),
      thought: () => this.listen(),
      changed: () => this.tell(),
    });
  }

  /** A new match. Throws with nothing changed elsewhere. */
  static start(core: Core, options: MatchOptions, clock: () => number, out: HostOutput): Host {
    const map = mapText(options.map);
    const work = wholeNumber('work', options.work ?? work_default, 1, work_max);
    const handle = call(core, (face) =>
      face.open(map.kind, map.text, map.name, rulesText(options.rules), seedText(options.seed)),
    );
    return guard(core, handle, () => {
      const host = new Host(core, handle, clock, out, 'live', work);
      host.seat(options.players);
      return host;
    });
  }

  static openReplay(core: Core, bytes: Uint8Array, clock: () => number, out: HostOutput): Host {
    const handle = call(core, (face) => face.openReplay(bytes));
    return guard(core, handle, () => {
      const host = new Host(core, handle, clock, out, 'replay');
      host.compare();
      return host;
    });
  }

  /** What saveState() gave. */
  static openState(core: Core, bytes: Uint8Array, clock: () => number, out: HostOutput): Host {
    const head = readState(bytes);
    if (head.mode === 'replay') {
      const host = Host.openReplay(core, head.body, clock, out);
      host.seek(head.shown);
      return host;
    }
    const handle = call(core, (face) => face.openSaved(head.body));
    return guard(core, handle, () => {
      const host = new Host(core, handle, clock, out, 'live');
      host.savedTick = host.headTick();
      host.seek(head.shown);
      return host;
    });
  }

  dispose(): void {
    this.held.dispose();
  }

  // --- Simulation ---

  get replay(): boolean {
    return this.info.mode === 'replay';
  }
  shownTick(): number {
    return this.face((face, h) => face.tick(h));
  }
  headTick(): number {
    const head = this.face((face, h) => face.head(h));
    // What comes after the first difference is not what was recorded.
    return this.divergence ? Math.min(head, Math.max(this.divergence.tick - 1, 0)) : head;
  }
  over(): boolean {
    return this.face((face, h) => face.over(h));
  }
  beginThoughts(): void {
    this.face((face, h) => face.beginThoughts(h));
  }
  thinking(): 0 | 1 | 2 {
    return this.face((face, h) => face.thinking(h)) as 0 | 1 | 2;
  }
  think(units: number): void {
    this.face((face, h) => face.thinkSome(h, units));
  }
  advance(): void {
    const orders = this.takeOrders();
    this.face((face, h) => face.advance(h, orders));
  }
  seek(tick: number): void {
    const to = Math.min(Math.max(Math.floor(tick), 0), this.headTick());
    this.face((face, h) => face.seek(h, to));
  }

  // --- requests ---

  play({ speed }: Requests['play']['args']): void {
    if (speed !== undefined && !(speed >= speed_min && speed <= speed_max)) {
      refuse('speed', `${speed_min}..${speed_max}`, speed);
    }
    this.runner.play(speed);
  }
  step({ ticks }: Requests['step']['args']): void {
    this.runner.step(wholeNumber('ticks', ticks, 1, step_ticks_max));
  }
  seekTo({ tick }: Requests['seek']['args']): void {
    if (!Number.isFinite(tick)) refuse('tick', 'a number', tick);
    this.runner.seek(tick);
  }

  branch({ players }: Requests['branch']['args']): MatchInfo {
    const names = players?.map((name) => (name === 'external' ? '' : name)).join(',');
    const tick = this.shownTick();
    this.face((face, h) => face.branch(h, names ?? same_players));
    this.said = this.said.filter((said) => said.tick <= tick);
    this.waiting = [];
    this.waitingBytes = 0;
    this.divergence = null;
    const { players: now } = JSON.parse(this.face((face, h) => face.info(h))) as MatchInfo;
    this.info = { ...this.info, mode: 'live', players: now, headTick: this.headTick() };
    this.savedTick = tick;
    this.tell();
    // What was saved before has the future that this drops.
    this.out.state(this.saveState());
    return this.info;
  }

  order({ orders }: Requests['order']['args']): void {
    const bytes = encodeOrders(orders);
    if (this.replay || this.shownTick() < this.headTick()) {
      refuse(
        'order',
        'the newest tick of a live match: branch() or seek() there first',
        'the past',
      );
    }
    this.face((face, h) => face.checkOrders(h, bytes));
    if (this.waitingBytes + bytes.length > orders_waiting_max * order_bytes) {
      refuse('orders', `at most ${orders_waiting_max} orders a tick`, 'more');
    }
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
  }

  direct({ team, strategy, source, ticks }: Requests['direct']['args']): void {
    const index = this.team(team);
    const count = wholeNumber('ticks', ticks, 1, 100_000);
    const text = JSON.stringify({ ...strategy, source: String(source) });
    this.face((face, h) => face.direct(h, index, text, count));
    this.tell();
  }

  explain({ team }: Requests['explain']['args']): Explanation | null {
    const index = this.team(team);
    const shown = this.shownTick();
    if (!this.replay && shown < this.headTick()) {
      const said = this.said.findLast((one) => one.team === index && one.tick <= shown);
      if (said) return JSON.parse(said.text) as Explanation;
    }
    return JSON.parse(this.face((face, h) => face.explain(h, index))) as Explanation | null;
  }

  heatMap({ team, name }: Requests['heatMap']['args']): Int16Array {
    const index = this.team(team);
    const which = HEAT_MAPS.indexOf(name);
    if (which < 0) refuse('name', HEAT_MAPS.join(', '), name);
    const bytes = this.face((face, h) => copyOf(face.heatMap(h, index, which)));
    return new Int16Array(bytes.buffer);
  }

  sight({ team }: { team: TeamId }): TeamSight {
    const index = this.team(team);
    return this.face((face, h) => decodeSight(copyOf(face.sight(h, index))));
  }
  situation({ team }: { team: TeamId }) {
    return situationOf(this.info.map, this.sight({ team }));
  }

  history({ everyTicks }: Requests['history']['args']): MatchHistory {
    const every = wholeNumber('everyTicks', everyTicks, 1, 100_000);
    const bytes = this.face((face, h) => copyOf(face.history(h, every)));
    const count = new Int32Array(bytes.buffer, 0, 1)[0]!;
    const rows = new Int32Array(bytes.buffer, 4, count).slice();
    return { everyTicks: every, rows, events: decodeEventList(bytes.subarray(4 + 4 * count)) };
  }
  hash(): string {
    return this.face((face, h) => face.hash(h));
  }

  saveReplay(): Uint8Array<ArrayBuffer> {
    return this.face((face, h) => copyOf(face.replay(h)));
  }
  saveState(): Uint8Array<ArrayBuffer> {
    if (!this.replay) this.runner.settle();
    const body = this.face((face, h) => (this.replay ? face.replay(h) : face.save(h)));
    const bytes = new Uint8Array(state_head_bytes + body.length);
    const head = new DataView(bytes.buffer);
    head.setUint32(0, state_magic, true);
    head.setUint32(4, this.replay ? 1 : 0, true);
    bytes.set(body, state_head_bytes);
    head.setUint32(8, this.shownTick(), true);
    return bytes;
  }

  /** The packed frame of the shown tick, with the events since the last one: a copy. */
  frame(): ArrayBuffer {
    return this.face((face, h) => copyOf(face.frame(h, true)).buffer);
  }

  status(error: unknown = null): MatchStatus {
    return {
      mode: this.info.mode,
      state: this.runner.state,
      tick: this.shownTick(),
      headTick: this.headTick(),
      speed: this.runner.speed,
      thinking: this.thinking() !== 0,
      exact: this.face((face, h) => face.exact(h)),
      divergence: this.divergence,
      error: error === null ? null : toWire(error),
    };
  }

  // --- inside ---

  private face<T>(run: (face: Face, handle: number) => T): T {
    return this.held.call(run);
  }
  private team(team: number): number {
    return wholeNumber('team', team, 0, this.info.map.teams - 1);
  }

  private seat(players: MatchOptions['players']): void {
    const { teams } = this.info.map;
    if (players && players.length > teams) {
      throw new EngineError(
        'bad_player',
        `players: the map has ${teams} teams, got ${players.length} players.`,
        { path: 'players', expected: `at most ${teams}`, got: String(players.length) },
      );
    }
    for (let team = 0; team < teams; ++team) {
      const name = players ? (players[team] ?? 'external') : 'strategist';
      if (name !== 'external') this.face((face, h) => face.setPlayer(h, team, String(name)));
      this.info.players[team] = name;
    }
    this.face((face, h) => face.setWork(h, this.info.work));
  }

  /** A replay of another version is shown up to where it stops being what was recorded. */
  private compare(): void {
    const verdict = JSON.parse(this.face((face, h) => face.verify(h))) as {
      same: boolean;
      tick: number;
      recorded: string;
      computed: string;
    };
    if (verdict.same) return;
    const { tick, recorded, computed } = verdict;
    this.divergence = { tick, recorded, computed };
    this.info.headTick = this.headTick();
  }

  private takeOrders(): Uint8Array {
    const orders = new Uint8Array(this.waitingBytes);
    let at = 0;
    for (const bytes of this.waiting) {
      orders.set(bytes, at);
      at += bytes.length;
    }
    this.waiting = [];
    this.waitingBytes = 0;
    return orders;
  }

  /** Keeps what the players say, so that looking back shows what they wanted then. */
  private listen(): void {
    const tick = this.headTick();
    if (this.shownTick() !== tick) return;
    for (let team = 0; team < this.info.map.teams; ++team) {
      const text = this.face((face, h) => face.explain(h, team));
      const said = JSON.parse(text) as Explanation | null;
      if (said) this.said.push({ tick: said.tick, team, text });
    }
    if (this.said.length > explanations_max) this.said.splice(0, this.info.map.teams);
  }

  private ticked(): void {
    this.out.frame();
    const tick = this.shownTick();
    if (tick % status_interval_ticks === 0) this.tell();
    if (this.replay || tick !== this.headTick()) return;
    if (tick - this.savedTick >= state_interval_ticks || this.over()) {
      this.savedTick = tick;
      this.out.state(this.saveState());
    }
  }
  private tell(): void {
    this.out.status(this.status());
  }
}

function guard(core: Core, handle: number, run: () => Host): Host {
  try {
    return run();
  } catch (error) {
    if (!core.dead) core.face.close(handle);
    throw error;
  }
}

function refuse(path: string, expected: string, got: unknown): never {
  throw new EngineError(
    'bad_argument',
    `${path}: expected ${expected}, got ${describeValue(got)}.`,
    {
      path,
      expected,
      got: describeValue(got),
    },
  );
}

function readState(bytes: unknown): { mode: 'live' | 'replay'; shown: number; body: Uint8Array } {
  const given = bytes instanceof Uint8Array ? bytes : new Uint8Array(0);
  const head = new DataView(given.buffer, given.byteOffset, given.byteLength);
  if (given.length < state_head_bytes || head.getUint32(0, true) !== state_magic) {
    throw new EngineError('bad_snapshot', 'The saved match is damaged: start a new one.', {
      path: 'byte 0',
      expected: 'what saveState() gave',
      got: `${given.length} bytes`,
    });
  }
  return {
    mode: head.getUint32(4, true) === 1 ? 'replay' : 'live',
    shown: head.getUint32(8, true),
    body: given.subarray(state_head_bytes),
  };
}
