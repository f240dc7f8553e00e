/**
 * Session: the engine in the page and the match that it plays. Takes the engine's frames and states
 * into what the page shows, starts it again where it dies, and exchanges the match for another one.
 */

import { batch } from '@preact/signals';
import { words } from '@redoubt/client';
import {
  startEngine,
  type ClientStatus,
  type EngineClient,
  type Frame,
  type MatchInfo,
  type MatchOptions,
} from '@redoubt/engine/worker';
import { endingTitle } from './match/ending_title';
import { turningPoint } from './match/turning_point';
import { timed } from './measure';
import { cutReadings, noteFrame, resetReadings, startReadings, type Readings } from './readings';
import { createAdvice, lookForAdvice, resetAdvice, type Advice } from './relay/advice';
import type { OwnModelSlot } from './relay/own_model';
import { createState, type Shown, type State } from './state';
import { createVoice, type Voice } from './voice';

/** A worker that dies again and again will not be saved by a fourth start. */
const RESTARTS_MAX = 3;
/** More ticks than this between two frames are a jump, not fast play. */
const FOLLOWING_TICKS_MAX = 24;

export type FrameListener = (frame: Frame, snap: boolean) => void;

export interface Session {
  readonly state: State;
  readonly shown: Shown;
  readonly voice: Voice;
  readonly own: OwnModelSlot;
  readonly advice: Advice;
  readonly readings: Readings;
  readonly listeners: Set<FrameListener>;
  engine: EngineClient | null;
  restarts: number;
  /** The next frame does not follow the one before. */
  snapNext: boolean;
  /** While another match is being asked for, the newest frame is held: it may be that match's. */
  waiting: number;
  held: Frame | null;
}

export function createSession(relay: URL | null): Session {
  const state = createState();
  const shown: Shown = { frame: null };
  const voice = createVoice(state);
  const own: OwnModelSlot = { current: null };
  const engine = () => session.engine;
  const advice = createAdvice(state, engine, relay, () => own.current?.adviser ?? null);
  const look = () => lookForAdvice(advice);
  const session: Session = {
    state,
    shown,
    voice,
    own,
    advice,
    readings: startReadings({ state, shown, engine, tell: voice.tell, look }),
    listeners: new Set(),
    engine: null,
    restarts: 0,
    snapNext: true,
    waiting: 0,
    held: null,
  };
  return session;
}

/** Work whose refusal is told. */
export function run({ voice }: Session, work: Promise<unknown> | undefined): void {
  work?.catch(voice.tell);
}

/** Starts a match, paused at tick 0. Rejects with an EngineError; the present match then runs on. */
export async function startMatch(session: Session, options: MatchOptions): Promise<void> {
  const running = session.engine;
  if (running) return exchange(session, () => running.newMatch(options));
  const engine = await startEngine(options).catch((error: unknown) => {
    fail(session, error);
    throw error;
  });
  session.engine = engine;
  engine.onFrame((frame) => timed(() => takeFrame(session, frame)));
  engine.onStatus((status) => timed(() => applyStatus(session, status)));
  adopt(session, engine.info);
}

export async function openReplay(session: Session, name: string, bytes: Uint8Array): Promise<void> {
  const running = session.engine;
  if (!running) return;
  try {
    await exchange(session, () => running.openReplay(bytes));
    await running.play(session.state.speed.value);
  } catch (error) {
    const what = (error as Error).message.replace(/\.?\s*$/, '.');
    session.voice.say({ text: `${name}: ${what} Current match kept.`, tone: 'bad' });
  }
}

/** False where the state cannot be used, which is told. */
export async function loadState(session: Session, bytes: Uint8Array): Promise<boolean> {
  const running = session.engine;
  if (!running) return false;
  try {
    await exchange(session, () => running.loadState(bytes));
    return true;
  } catch (error) {
    session.voice.tell(error);
    return false;
  }
}

/** Plays on from the moment that is shown; what came after it is gone. */
export async function branchHere({ state, engine, readings }: Session): Promise<void> {
  const tick = state.tick.value;
  await engine?.branch();
  cutReadings(readings, tick);
  state.ending.value = null;
  await engine?.play(state.speed.value);
}

export function seek(session: Session, tick: number): void {
  const last = session.state.headTick.value;
  session.snapNext = true;
  run(session, session.engine?.seek(Math.min(last, Math.max(0, Math.round(tick)))));
}

/** Whether a frame goes on from the one before, so that what moves may glide between them. */
export function follows(before: Frame | null, { tick }: Frame): boolean {
  return before !== null && tick > before.tick && tick <= before.tick + FOLLOWING_TICKS_MAX;
}

function takeFrame(session: Session, frame: Frame): void {
  const { state, shown, readings, listeners } = session;
  if (session.waiting > 0) {
    session.held = frame;
    return;
  }
  const snap = session.snapNext || !follows(shown.frame, frame);
  shown.frame = frame;
  session.snapNext = false;
  for (const listener of listeners) listener(frame, snap);
  batch(() => {
    state.tick.value = frame.tick;
    if (frame.tick > state.headTick.value) state.headTick.value = frame.tick;
    noteFrame(readings, frame, snap);
    const ended = state.ending.value?.outcome.tick;
    if (frame.outcome && frame.outcome.tick !== ended) showEnding(session, frame.outcome);
  });
}

function showEnding(
  { state, readings, voice }: Session,
  outcome: NonNullable<Frame['outcome']>,
): void {
  const turning = turningPoint(readings.course, outcome.winner);
  state.ending.value = { outcome, turning };
  // On a phone the end is told in the sheet; elsewhere its place is always open.
  state.sheetOpen.value = true;
  voice.announce(endingTitle(outcome));
}

/** Asks for another match; the present one stays shown until its answer is there. */
async function exchange(session: Session, request: () => Promise<MatchInfo>): Promise<void> {
  try {
    adopt(session, await waitFor(session, request));
  } finally {
    session.held = null;
  }
}

async function waitFor<T>(session: Session, request: () => Promise<T>): Promise<T> {
  session.waiting++;
  try {
    return await request();
  } finally {
    session.waiting--;
  }
}

function adopt(session: Session, info: MatchInfo): void {
  const { state, shown, held } = session;
  resetAdvice(session.advice);
  session.snapNext = true;
  shown.frame = null;
  batch(() => {
    showMatch(state, info);
    resetReadings(session.readings, info.map, info.headTick > 0);
  });
  const cells = info.map.width * info.map.height;
  const fits = held?.cells.owner.length === cells && held.stock.length === info.map.sites.length;
  if (held && fits) takeFrame(session, held);
}

function showMatch(state: State, info: MatchInfo): void {
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
}

/**
 * Takes over what the worker says. The speed is the player's: the worker's is that of its last
 * play(), and a status that was on its way would undo what the player has set since.
 */
export function applyStatus(session: Session, status: ClientStatus): void {
  const { state, voice } = session;
  const wasPlaying = state.playing.value;
  batch(() => {
    state.playing.value = status.state === 'playing';
    state.headTick.value = status.headTick;
    state.exact.value = status.exact;
    state.mode.value = status.mode;
  });
  if (status.divergence) {
    const { tick, recorded, computed } = status.divergence;
    voice.say({ text: words.replayDiffers(tick, recorded, computed), tone: 'bad' });
  }
  if (status.state === 'lost') run(session, restart(session, status, wasPlaying));
  else if (status.error) voice.tell(status.error);
}

async function restart(session: Session, status: ClientStatus, wasPlaying: boolean): Promise<void> {
  const { state, engine, voice } = session;
  if (!engine || session.restarts >= RESTARTS_MAX) return fail(session, status.error);
  session.restarts++;
  await exchange(session, () => engine.restart());
  if (wasPlaying) await engine.play(state.speed.value);
  const text = 'The engine was restarted and goes on from its last saved state.';
  voice.say({ text, tone: 'warning' });
}

/** There is no engine, and there will be none. */
function fail({ state, voice }: Session, error: unknown): void {
  state.phase.value = 'failed';
  voice.sayForGood({ text: words.engineFailed(shortReason(error)), tone: 'bad' });
}

/** What stands between the brackets of "The engine did not load (...)". */
function shortReason(error: unknown): string {
  const { message, got } = (error ?? {}) as { message?: string; got?: string };
  return (got || message || String(error)).replace(/\.\s*$/, '');
}
