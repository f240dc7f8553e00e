/**
 * What the page shows, as signals. The board is drawn from frames directly; nothing here changes at
 * frame rate except `tick`, which only text nodes and the scrub bar read.
 */

import { signal } from '@preact/signals';
import type { Explanation, Frame, MapInfo, Outcome } from '@redoubt/engine';
import { FIRST_CHOICE } from './match/choice';
import { initialLayers } from './match/layers';
import { noMarkers } from './match/markers';
import type { TeamScore } from './match/scores';
import type { RosterRow } from './match/roster';
import type { TurningPoint } from './match/turning_point';

export type Tone = 'info' | 'ok' | 'warning' | 'bad';
export interface Notice {
  readonly text: string;
  readonly tone: Tone;
}

/** Who answered for a team last. */
export interface Badge {
  /** `relay`: from outside the engine, which a model of the player's own is, too. */
  readonly source: 'built-in' | 'relay';
  readonly model: string | null;
  readonly latencyMs: number | null;
}

export interface RelayAnswer {
  readonly tick: number;
  readonly team: number;
  readonly source: string;
  readonly latencyMs: number;
  readonly costMicroUsd: number;
  readonly note: string | null;
}

export interface RelayView {
  /** Whether a relay was ever there. */
  readonly seen: boolean;
  readonly state: 'connecting' | 'online' | 'lost' | 'slow' | 'offline' | 'none';
  readonly model: string | null;
  readonly latencyP50Ms: number | null;
  readonly costMicroUsd: number;
  readonly lastError: string | null;
  /** PAGE's words, or null when there is nothing to say. */
  readonly words: string | null;
}

/** A relay that was never there is none, not a lost one. */
export const relayShown = ({ state, seen }: RelayView): RelayView['state'] =>
  state === 'lost' && !seen ? 'none' : state;

export interface Ending {
  readonly outcome: Outcome;
  readonly turning: TurningPoint | null;
}

export type Tab = 'roster' | 'charts' | 'runs' | 'relay' | 'match' | 'keys';
export type Phase = 'loading' | 'running' | 'failed';

export function createState() {
  return {
    phase: signal<Phase>('loading'),
    map: signal<MapInfo | null>(null),
    mode: signal<'live' | 'replay'>('live'),
    players: signal<readonly string[]>([]),
    seed: signal(''),
    choice: signal(FIRST_CHOICE),
    tick: signal(0),
    headTick: signal(0),
    playing: signal(false),
    speed: signal(1),
    /** Seed, map, players and work alone give this match. */
    exact: signal(true),
    scores: signal<readonly TeamScore[]>([]),
    explanations: signal<readonly (Explanation | null)[]>([]),
    badges: signal<readonly Badge[]>([]),
    roster: signal<readonly RosterRow[]>([]),
    /** Counts samples of the course; charts redraw when it changes. */
    courseVersion: signal(0),
    markers: signal(noMarkers),
    ending: signal<Ending | null>(null),
    layers: signal(initialLayers),
    /** The legend's upper end; null where the team's player has no heat map. */
    heatUpper: signal<number | null>(1000),
    relay: signal<RelayView>({
      seen: false,
      state: 'connecting',
      model: null,
      latencyP50Ms: null,
      costMicroUsd: 0,
      lastError: null,
      words: null,
    }),
    answers: signal<readonly RelayAnswer[]>([]),
    notice: signal<Notice | null>(null),
    hint: signal<string | null>(null),
    /** Plans are shown from the moment that the opening says so. */
    plansShown: signal<readonly boolean[]>([]),
    obeying: signal<ReadonlySet<number>>(new Set()),
    pulse: signal<{ readonly cells: readonly number[]; readonly start: number } | null>(null),
    followed: signal<number | null>(null),
    cursor: signal<number | null>(null),
    gridOn: signal(false),
    /** What the grid cursor or the pointer is on. */
    cellText: signal(''),
    announcement: signal(''),
    tab: signal<Tab>('roster'),
    sheetOpen: signal(false),
    chartsAsTable: signal(false),
    still: signal(false),
    dropping: signal(false),
    installable: signal(false),
  };
}

export type State = ReturnType<typeof createState>;

/** The newest frame; not a signal, because the board reads it every animation frame. */
export interface Shown {
  frame: Frame | null;
}
