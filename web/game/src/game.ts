/**
 * The match in the page: starts the engine, takes its frames, and carries out what the controls ask
 * for. The only place that knows engine, relay and renderer together.
 */

import { batch } from '@preact/signals';
import { words, type Client } from '@redoubt/client';
import {
  startEngine,
  type ClientStatus,
  type EngineClient,
  type Frame,
  type MatchInfo,
  type MatchOptions,
} from '@redoubt/engine/worker';
import { createAnnouncer } from './announce';
import { nextSpeed } from './keys';
import type { Course } from './match/course';
import { describeEnding } from './match/ending';
import { toggleLayer, type LayerName } from './match/layers';
import { turningPoint } from './match/turning_point';
import { timed } from './measure';
import { createReadings } from './readings';
import { createAdvice } from './relay/advice';
import type { OwnModelSlot } from './relay/own_model';
import type { Heat } from './render/heat';
import { createState, type Notice, type Shown, type State } from './state';

const NOTICE_MS = 9000;
const FOREVER_MS = 2 ** 31 - 1;
/** A worker that dies again and again will not be saved by a fourth start. */
const RESTARTS_MAX = 3;
/** More ticks than this between two frames are a jump, not fast play. */
const FOLLOWING_TICKS_MAX = 24;

type FrameListener = (frame: Frame, snap: boolean) => void;

export interface Game extends Controls {
  readonly state: State;
  readonly client: Client;
  /** The relay's address; null where the page has none. */
  readonly relay: URL | null;
  /** The player's own model, where one is in use (relay/own_model.ts). */
  readonly own: OwnModelSlot;
  readonly shown: Shown;
  course(): Course;
  heat(): Heat | null;
  engine(): EngineClient | null;
  /** The board's way to hear of frames; returns what ends it. */
  onFrame(listener: FrameListener): () => void;
  /** Starts a match, paused at tick 0. Rejects with an EngineError; the present match then runs on. */
  start(options: MatchOptions): Promise<void>;
  openReplay(name: string, bytes: Uint8Array): Promise<void>;
  loadState(bytes: Uint8Array): Promise<boolean>;
  branchHere(): Promise<void>;
  say(notice: Notice): void;
  tell(error: unknown): void;
}

export interface Controls {
  play(): void;
  togglePlay(): void;
  step(ticks: number): void;
  seek(tick: number): void;
  changeSpeed(direction: 1 | -1): void;
  setSpeed(speed: number): void;
  toggle(layer: LayerName): void;
  setHeatTeam(team: number): void;
  pulse(cells: readonly number[]): void;
  followNext(): void;
}

export function createGame(relay: URL | null): Game {
  const state = createState();
  const shown: Shown = { frame: null };
  const listeners = new Set<FrameListener>();
  const { say, tell, announce } = createVoice(state);
  let engine: EngineClient | null = null;
  let restarts = 0;
  let snapNext = true;
  /** While another match is being asked for, the newest frame is held: it may be that match's. */
  let waiting = 0;
  let held: Frame | null = null;

  const own: OwnModelSlot = { current: null };
  const advice = createAdvice(
    state,
    () => engine,
    relay,
    () => own.current?.adviser ?? null,
  );
  const readings = createReadings({ state, shown, engine: () => engine, tell, look: advice.look });
  const run = (work: Promise<unknown> | undefined): void => void work?.catch(tell);

  function take(frame: Frame): void {
    if (waiting > 0) {
      held = frame;
      return;
    }
    const before = shown.frame;
    shown.frame = frame;
    const follows =
      before && frame.tick > before.tick && frame.tick <= before.tick + FOLLOWING_TICKS_MAX;
    const snap = snapNext || !follows;
    snapNext = false;
    for (const listener of listeners) listener(frame, snap);
    batch(() => {
      state.tick.value = frame.tick;
      if (frame.tick > state.headTick.value) state.headTick.value = frame.tick;
      readings.take(frame, snap);
      const ended = state.ending.value?.outcome.tick;
      if (frame.outcome && frame.outcome.tick !== ended) end(frame.outcome);
    });
  }

  function end(outcome: NonNullable<Frame['outcome']>): void {
    const turning = turningPoint(readings.course(), outcome.winner);
    state.ending.value = { outcome, turning };
    // On a phone the end is told in the sheet; elsewhere its place is always open.
    state.sheetOpen.value = true;
    announce(describeEnding(outcome, state.scores.value).title);
  }

  /** Asks for another match; the present one stays shown until its answer is there. */
  async function exchange(request: () => Promise<MatchInfo>): Promise<void> {
    waiting++;
    try {
      const info = await request();
      waiting--;
      adopt(info);
    } catch (error) {
      waiting--;
      throw error;
    } finally {
      held = null;
    }
  }

  function applyStatus(status: ClientStatus): void {
    const wasPlaying = state.playing.value;
    batch(() => {
      state.playing.value = status.state === 'playing';
      state.headTick.value = status.headTick;
      state.speed.value = status.speed;
      state.exact.value = status.exact;
      state.mode.value = status.mode;
    });
    if (status.divergence) {
      const { tick, recorded, computed } = status.divergence;
      say({ text: words.replayDiffers(tick, recorded, computed), tone: 'bad' });
    }
    if (status.state === 'lost') run(restart(status, wasPlaying));
    else if (status.error) tell(status.error);
  }

  async function restart(status: ClientStatus, wasPlaying: boolean): Promise<void> {
    if (!engine || restarts >= RESTARTS_MAX) {
      state.phase.value = 'failed';
      say({ text: words.engineFailed(shortReason(status.error)), tone: 'bad' }, FOREVER_MS);
      return;
    }
    restarts++;
    const lost = engine;
    // A new worker knows nothing of the speed.
    const speed = state.speed.value;
    await exchange(() => lost.restart());
    if (wasPlaying) await engine.play(speed);
    else state.speed.value = speed;
    const text = 'The engine was restarted and goes on from its last saved state.';
    say({ text, tone: 'warning' });
  }

  function adopt(info: MatchInfo): void {
    advice.reset();
    snapNext = true;
    shown.frame = null;
    batch(() => {
      state.phase.value = 'running';
      state.map.value = info.map;
      state.mode.value = info.mode;
      state.players.value = info.players;
      state.seed.value = info.seed;
      state.headTick.value = info.headTick;
      state.ending.value = null;
      state.explanations.value = info.players.map(() => null);
      state.plansShown.value = info.players.map(() => true);
      state.layers.value = { ...state.layers.value, heatTeam: 0 };
      state.followed.value = null;
      state.pulse.value = null;
      state.scores.value = [];
      readings.reset(info.map, info.headTick > 0);
    });
    const cells = info.map.width * info.map.height;
    const fits = held?.cells.owner.length === cells && held.stock.length === info.map.sites.length;
    if (held && fits) take(held);
  }

  async function start(options: MatchOptions): Promise<void> {
    const running = engine;
    if (running) return exchange(() => running.newMatch(options));
    try {
      engine = await startEngine(options);
    } catch (error) {
      state.phase.value = 'failed';
      say({ text: words.engineFailed(shortReason(error)), tone: 'bad' }, FOREVER_MS);
      throw error;
    }
    engine.onFrame((frame) => timed(() => take(frame)));
    engine.onStatus((status) => timed(() => applyStatus(status)));
    adopt(engine.info);
  }

  const seek = (tick: number): void => {
    snapNext = true;
    run(engine?.seek(Math.min(state.headTick.value, Math.max(0, Math.round(tick)))));
  };

  return {
    client: advice.client,
    relay,
    own,
    state,
    shown,
    say,
    tell,
    start,
    course: readings.course,
    heat: readings.heat,
    engine: () => engine,
    onFrame(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async openReplay(name, bytes) {
      try {
        const running = engine;
        if (!running) return;
        await exchange(() => running.openReplay(bytes));
        await running.play(state.speed.value);
      } catch (error) {
        const what = (error as Error).message.replace(/\.?\s*$/, '.');
        say({ text: `${name}: ${what} Current match kept.`, tone: 'bad' });
      }
    },
    async loadState(bytes) {
      try {
        const running = engine;
        if (!running) return false;
        await exchange(() => running.loadState(bytes));
        return true;
      } catch (error) {
        tell(error);
        return false;
      }
    },
    async branchHere() {
      const tick = state.tick.value;
      await engine?.branch();
      readings.cutAfter(tick);
      state.ending.value = null;
      await engine?.play(state.speed.value);
    },
    ...controls(state, shown, () => engine, run, seek, readings.readHeat),
  };
}

function controls(
  state: State,
  shown: Shown,
  engine: () => EngineClient | null,
  run: (work: Promise<unknown> | undefined) => void,
  seek: (tick: number) => void,
  readHeat: () => void,
): Controls {
  const setSpeed = (speed: number): void => {
    state.speed.value = speed;
    if (state.playing.value) run(engine()?.play(speed));
  };
  return {
    seek,
    setSpeed,
    changeSpeed: (direction) => setSpeed(nextSpeed(state.speed.value, direction)),
    play: () => run(engine()?.play(state.speed.value)),
    togglePlay() {
      if (state.playing.value) run(engine()?.pause());
      else run(engine()?.play(state.speed.value));
    },
    step(ticks) {
      if (state.playing.value) run(engine()?.pause());
      if (ticks > 0) run(engine()?.step(ticks));
      else seek(state.tick.value + ticks);
    },
    toggle(layer) {
      state.layers.value = toggleLayer(state.layers.value, layer);
      readHeat();
    },
    setHeatTeam(team) {
      state.layers.value = { ...state.layers.value, heatTeam: team };
      readHeat();
    },
    pulse(cells) {
      if (cells.length > 0) state.pulse.value = { cells, start: performance.now() };
    },
    followNext() {
      const agents = shown.frame?.agents;
      if (!agents || agents.count === 0) return;
      const ids = [...agents.id.subarray(0, agents.count)];
      const at = state.followed.value === null ? -1 : ids.indexOf(state.followed.value);
      state.followed.value = ids[(at + 1) % ids.length];
    },
  };
}

/** What the page says: in the status line for a while, and to screen readers. */
function createVoice(state: State) {
  const announce = createAnnouncer(state.announcement);
  let timer: ReturnType<typeof setTimeout> | undefined;
  function say(notice: Notice, forMs = NOTICE_MS): void {
    state.notice.value = notice;
    announce(notice.text);
    clearTimeout(timer);
    timer = setTimeout(() => (state.notice.value = null), forMs);
  }
  /** A refused request is told; one that ended because the engine went is told by its status. */
  function tell(error: unknown): void {
    const { code, message } = error as { code?: string; message?: string };
    if (code === 'worker_lost' || code === 'disposed') return;
    say({ text: message ?? String(error), tone: 'bad' });
  }
  return { say, tell, announce };
}

/** What stands between the brackets of "The engine did not load (...)". */
function shortReason(error: unknown): string {
  const { message, got } = (error ?? {}) as { message?: string; got?: string };
  return (got || message || String(error)).replace(/\.\s*$/, '');
}
