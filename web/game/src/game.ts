/** The game as the page's parts hold it: what is shown, and what they may ask for. */

import type { Client } from '@redoubt/client';
import type { EngineClient, MatchOptions } from '@redoubt/engine/worker';
import { controlsOf, type Controls } from './controls';
import type { Course } from './match/course';
import type { OwnModelSlot } from './relay/own_model';
import type { Heat } from './render/heat';
import {
  branchHere,
  createSession,
  loadState,
  openReplay,
  startMatch,
  type FrameListener,
} from './session';
import type { Notice, Shown, State } from './state';

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

export function createGame(relay: URL | null): Game {
  const session = createSession(relay);
  const { state, shown, own, advice, readings, voice, listeners } = session;
  return {
    state,
    client: advice.client,
    relay,
    own,
    shown,
    course: () => readings.course,
    heat: () => readings.heat,
    engine: () => session.engine,
    onFrame(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start: (options) => startMatch(session, options),
    openReplay: (name, bytes) => openReplay(session, name, bytes),
    loadState: (bytes) => loadState(session, bytes),
    branchHere: () => branchHere(session),
    say: voice.say,
    tell: voice.tell,
    ...controlsOf(session),
  };
}
