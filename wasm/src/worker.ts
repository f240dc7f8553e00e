/**
 * @redoubt/engine/worker: the match runs in a Web Worker and the page gets a frame a tick.
 *
 * @example
 * const engine = await startEngine({ map: { generate: {} }, seed: 7 });
 * engine.onFrame((frame) => draw(engine.map, frame));
 * await engine.play(1);
 */
import { describeValue, EngineError, fromWire } from './errors.js';
import { decodeFrame } from './frame.js';
import { movedScript, ownFile, workerNotLoaded } from './own_file.js';
import { speed_max, speed_min } from './protocol.js';
import type {
  FromWorker,
  MatchHistory,
  MatchInfo,
  MatchOptions,
  MatchStatus,
  RequestName,
  Requests,
  ToWorker,
} from './protocol.js';
import type {
  Explanation,
  Frame,
  HeatMapName,
  MapInfo,
  Order,
  PlayerName,
  TeamId,
  TeamSight,
  TeamStrategy,
  TeamStrategyRequest,
  WasmSource,
} from './types.js';

export { EngineError } from './errors.js';
export type { EngineErrorFields } from './errors.js';
export { HEAT_MAPS, ORDER_KINDS, RESOURCES, ROLES, TEAM_FIELDS } from './types.js';
export type * from './types.js';
export type { MatchHistory, MatchInfo, MatchOptions, MatchStatus } from './protocol.js';

export interface StartOptions extends MatchOptions {
  /** Where the WebAssembly comes from. Default: beside the package. */
  wasm?: WasmSource;
  /** Where the worker's script is, for set-ups that move it. Default: beside the package. */
  workerUrl?: string | URL;
  /** .25 to 16; the match starts paused. Default 1. */
  speed?: number;
}

/** `lost`: the worker died or stopped answering; restart() goes on from the last saved state. */
export interface ClientStatus extends Omit<MatchStatus, 'state' | 'error'> {
  state: MatchStatus['state'] | 'lost' | 'disposed';
  error: EngineError | null;
}

/** The worker is asked for a sign of life so often, and counts as lost after so many silences. */
const watch_interval_ms = 2_500;
const silences_max = 4;
const symbolDispose: typeof Symbol.dispose =
  Symbol.dispose ?? (Symbol.for('Symbol.dispose') as typeof Symbol.dispose);

interface Waiting {
  resolve(value: unknown): void;
  reject(error: EngineError): void;
}

/** A match in a worker. Every method rejects with an EngineError. */
export class EngineClient {
  /** Of the match that is shown; changes with openReplay, loadState, newMatch and branch. */
  get info(): MatchInfo {
    return this.current;
  }
  get map(): MapInfo {
    return this.current.map;
  }
  get status(): ClientStatus {
    return this.known;
  }
  /** What restart() would go on from; null before the first. */
  get lastState(): Uint8Array | null {
    return this.saved;
  }

  private worker: Worker | null = null;
  private current!: MatchInfo;
  private known: ClientStatus = {
    mode: 'live',
    state: 'paused',
    tick: 0,
    headTick: 0,
    speed: 1,
    thinking: false,
    exact: true,
    divergence: null,
    error: null,
  };
  private saved: Uint8Array | null = null;
  /** Opens the present match as it was opened, for a restart before its first saved state. */
  private reopen: () => Promise<MatchInfo>;
  private readonly waiting = new Map<number, Waiting>();
  private readonly frameListeners = new Set<(frame: Frame) => void>();
  private readonly statusListeners = new Set<(status: ClientStatus) => void>();
  private readonly stateListeners = new Set<(state: Uint8Array) => void>();
  private nextId = 1;
  private silences = 0;
  private watch: ReturnType<typeof setInterval> | undefined;
  private seeking: { target: number; running: Promise<void> } | null = null;

  /** @internal Use startEngine(). */
  constructor(private readonly options: StartOptions) {
    const { wasm: _, workerUrl: __, ...match } = options;
    this.reopen = () => this.ask('start', match);
  }

  /** @internal */
  async begin(): Promise<this> {
    await this.spawn();
    this.current = await this.reopen();
    return this;
  }

  /** Runs the clock; `speed` .25 to 16. From a past tick the recording plays on until the newest. */
  play(speed?: number): Promise<void> {
    if (speed !== undefined && !(speed >= speed_min && speed <= speed_max)) {
      return Promise.reject(badArgument('speed', `${speed_min}..${speed_max}`, speed));
    }
    return this.ask('play', { speed });
  }
  pause(): Promise<void> {
    return this.ask('pause', {});
  }
  /** Plays `ticks` ticks at once and stays paused. */
  step(ticks = 1): Promise<void> {
    return this.ask('step', { ticks });
  }
  /**
   * Shows a tick of the past (or the newest, for anything later). Calls made while one is under way
   * are folded into the latest, so a dragged slider may call it as often as it likes.
   */
  seek(tick: number): Promise<void> {
    if (this.seeking) {
      this.seeking.target = tick;
      return this.seeking.running;
    }
    const seeking = { target: tick, running: Promise.resolve() };
    seeking.running = this.follow(seeking).finally(() => (this.seeking = null));
    this.seeking = seeking;
    return seeking.running;
  }
  private async follow(seeking: { target: number }): Promise<void> {
    let done: number;
    do {
      done = seeking.target;
      await this.ask('seek', { tick: done });
    } while (seeking.target !== done);
  }
  /**
   * Makes the shown tick the newest: what was recorded after it is dropped and the match goes on
   * from here. On a replay, `players` (default: strategists) take over.
   */
  async branch(players?: readonly (PlayerName | 'external')[]): Promise<MatchInfo> {
    return (this.current = await this.ask('branch', { players }));
  }

  /** Orders for the next tick. Rejects with bad_order or bad_attributes; then none of them acts. */
  order(orders: readonly Order[]): Promise<void> {
    return this.ask('order', { orders });
  }
  /** Gives a team's player a strategy from outside for `ticks` (default 300: 30 s). */
  direct(team: TeamId, strategy: TeamStrategy, source: string, ticks = 300): Promise<void> {
    return this.ask('direct', { team, strategy, source, ticks });
  }

  /** What the team wanted at the shown tick, and why; null before its first thought. */
  explain(team: TeamId): Promise<Explanation | null> {
    return this.ask('explain', { team });
  }
  heatMap(team: TeamId, name: HeatMapName): Promise<Int16Array> {
    return this.ask('heatMap', { team, name });
  }
  /** What the team may know at the shown tick (fog). */
  sight(team: TeamId): Promise<TeamSight> {
    return this.ask('sight', { team });
  }
  /** The body of POST /api/team-strategy, made from what the team sees. */
  situation(team: TeamId): Promise<TeamStrategyRequest> {
    return this.ask('situation', { team });
  }
  /** The course of the match so far (of a replay: all of it). */
  history(everyTicks = 20): Promise<MatchHistory> {
    return this.ask('history', { everyTicks });
  }
  /** The state hash of the shown tick. */
  hash(): Promise<string> {
    return this.ask('hash', {});
  }

  /** Another match in the same worker. A bad map or rules leave the present one running. */
  async newMatch(options: MatchOptions): Promise<MatchInfo> {
    const match = { ...options, speed: this.known.speed };
    return this.opened(await this.ask('start', match), () => this.ask('start', match));
  }
  saveReplay(): Promise<Uint8Array> {
    return this.ask('saveReplay', {});
  }
  /** Shows a replay file from tick 0, paused. A bad file leaves the present match running. */
  async openReplay(bytes: Uint8Array | ArrayBuffer): Promise<MatchInfo> {
    const given = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
    const open = () => this.ask('openReplay', { bytes: given });
    return this.opened(await open(), open);
  }
  /** The whole match as bytes to keep; see also onState. */
  saveState(): Promise<Uint8Array> {
    return this.ask('saveState', {});
  }
  async loadState(bytes: Uint8Array): Promise<MatchInfo> {
    const load = () => this.ask('loadState', { bytes });
    return this.opened(await load(), load);
  }

  /** Calls back with each tick's frame; its arrays are the listener's. Returns the way to stop. */
  onFrame(listener: (frame: Frame) => void): () => void {
    return subscribe(this.frameListeners, listener);
  }
  onStatus(listener: (status: ClientStatus) => void): () => void {
    return subscribe(this.statusListeners, listener);
  }
  /** Calls back with the whole match every 100 ticks, to be kept over a reload. */
  onState(listener: (state: Uint8Array) => void): () => void {
    return subscribe(this.stateListeners, listener);
  }

  /** A new worker in place of a lost one (or of a healthy one), from the last saved state. */
  async restart(): Promise<MatchInfo> {
    if (this.known.state === 'disposed') throw disposed();
    this.drop(lost('it is being restarted'));
    await this.spawn();
    if (this.saved) this.current = await this.ask('loadState', { bytes: this.saved });
    else this.current = await this.reopen();
    return this.current;
  }

  dispose(): void {
    if (this.known.state === 'disposed') return;
    this.drop(disposed());
    this.publish({ ...this.known, state: 'disposed' });
    for (const set of [this.frameListeners, this.statusListeners, this.stateListeners]) set.clear();
  }
  [symbolDispose](): void {
    this.dispose();
  }

  /** Another match is shown: what was saved is of the one before. */
  private opened(info: MatchInfo, reopen: () => Promise<MatchInfo>): MatchInfo {
    this.saved = null;
    this.reopen = reopen;
    return (this.current = info);
  }

  private async spawn(): Promise<void> {
    if (typeof Worker === 'undefined') {
      throw new EngineError(
        'wasm_unsupported',
        'There are no Web Workers here: use createEngine() from "@redoubt/engine" (Node, server-side).',
        { expected: 'a browser', got: 'no Worker' },
      );
    }
    const url = this.options.workerUrl ?? movedScript('engine-worker.js', coreBeside());
    const worker = url
      ? new Worker(url, { type: 'module', name: 'redoubt-engine' })
      : new Worker(new URL('./engine-worker.js', import.meta.url), {
          type: 'module',
          name: 'redoubt-engine',
        });
    this.worker = worker;
    const ready = new Promise<void>((resolve, reject) => {
      this.waiting.set(0, { resolve: () => resolve(), reject });
    });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (this.worker === worker) this.hear(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (this.worker !== worker) return;
      // Nothing but the loading of the script fails without a word.
      if (event.message) this.lose(event.message);
      else this.fail(workerNotLoaded('engine-worker.js', url));
    };
    worker.onmessageerror = () => {
      if (this.worker === worker) this.lose('a message could not be read');
    };
    this.silences = 0;
    this.watch = setInterval(() => this.look(), watch_interval_ms);
    this.tell({ type: 'init', wasm: wasmForWorker(this.options.wasm) });
    await ready;
  }

  /** Counts looks, not time: a page that slept must not blame the worker for it. */
  private look(): void {
    if (++this.silences > silences_max) {
      this.lose(`no answer for ${(silences_max * watch_interval_ms) / 1000} s`);
    } else {
      this.tell({ type: 'ping' });
    }
  }

  private hear(message: FromWorker): void {
    this.silences = 0;
    switch (message.type) {
      case 'ready':
        remember(this.options.wasm, message.module);
        return this.settle(0, (waiting) => waiting.resolve(undefined));
      case 'answer':
        return this.settle(message.id, (waiting) => waiting.resolve(message.result));
      case 'refused':
        return this.settle(message.id, (waiting) => waiting.reject(fromWire(message.error)));
      case 'failed':
        return this.fail(fromWire(message.error));
      case 'frame':
        return this.show(message.buffer);
      case 'status':
        return this.publish({
          ...message.status,
          error: message.status.error && fromWire(message.status.error),
        });
      case 'state':
        this.saved = message.bytes;
        for (const listener of [...this.stateListeners]) listener(message.bytes);
        return;
      case 'pong':
        return;
    }
  }

  private show(buffer: ArrayBuffer): void {
    try {
      const frame = decodeFrame(new Uint8Array(buffer));
      for (const listener of [...this.frameListeners]) listener(frame);
    } finally {
      this.tell({ type: 'ack' });
    }
  }

  private settle(id: number, end: (waiting: Waiting) => void): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (waiting) end(waiting);
  }

  private ask<N extends RequestName>(
    name: N,
    args: Requests[N]['args'],
  ): Promise<Requests[N]['result']> {
    if (this.known.state === 'disposed') return Promise.reject(disposed());
    if (!this.worker) return Promise.reject(this.known.error ?? lost('it was not started'));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      try {
        this.tell({ type: 'request', id, name, args });
      } catch (cause) {
        this.waiting.delete(id);
        reject(badArgument(name, 'values that can be sent to a worker', cause));
      }
    });
  }

  private tell(message: ToWorker): void {
    this.worker?.postMessage(message);
  }

  private lose(why: string): void {
    this.fail(lost(why));
  }
  private fail(error: EngineError): void {
    this.drop(error);
    this.publish({ ...this.known, state: 'lost', error });
  }
  private drop(error: EngineError): void {
    clearInterval(this.watch);
    this.worker?.terminate();
    this.worker = null;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
  private publish(status: ClientStatus): void {
    this.known = status;
    for (const listener of [...this.statusListeners]) listener(status);
  }
}

/** Cores that workers compiled, by address: the next worker is handed the module. */
const compiled = new Map<string, WebAssembly.Module>();
const compiled_max = 8;

const coreBeside = () => new URL('./engine-core.wasm', import.meta.url);

/** The worker may run from a blob or another folder: it is given an absolute address. */
function addressOf(source?: WasmSource): string | undefined {
  if (source === undefined) return ownFile(coreBeside()).href;
  if (source instanceof URL) return source.href;
  return typeof source === 'string' ? new URL(source, location.href).href : undefined;
}

function wasmForWorker(source?: WasmSource): WebAssembly.Module | string | BufferSource {
  const address = addressOf(source);
  if (address !== undefined) return compiled.get(address) ?? address;
  return source as WebAssembly.Module | BufferSource;
}

function remember(source: WasmSource | undefined, module: WebAssembly.Module): void {
  const address = addressOf(source);
  if (address !== undefined && compiled.size < compiled_max) compiled.set(address, module);
}

function subscribe<T>(
  listeners: Set<(value: T) => void>,
  listener: (value: T) => void,
): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const disposed = () =>
  new EngineError('disposed', 'This engine was disposed of: start a new one with startEngine().');
const lost = (why: string) =>
  new EngineError(
    'worker_lost',
    `The engine's worker stopped (${why}): restart() goes on from the last saved state.`,
    {
      got: why,
    },
  );
const badArgument = (path: string, expected: string, got: unknown) =>
  new EngineError('bad_argument', `${path}: expected ${expected}, got ${describeValue(got)}.`, {
    path,
    expected,
    got: describeValue(got),
  });

/** Starts a worker and a match in it, paused at tick 0. Rejects with an EngineError. */
export async function startEngine(options: StartOptions): Promise<EngineClient> {
  const client = new EngineClient(options);
  try {
    return await client.begin();
  } catch (error) {
    client.dispose();
    throw error;
  }
}
