/** What the client and the worker say to each other. Every request is answered once, by id. */
import type { WireError } from './errors.js';
import type {
  Explanation,
  GameEvent,
  HeatMapName,
  MapInfo,
  MapSource,
  Order,
  PlayerName,
  TeamId,
  TeamSight,
  TeamStrategy,
  TeamStrategyRequest,
} from './types.js';

export interface MatchOptions {
  map: MapSource;
  /** 64-bit; default "1". */
  seed?: string | number | bigint;
  /** A rules file's content (members left out have their default). */
  rules?: string | object;
  /** One a team; "external" takes orders from order() alone. Default: strategists. */
  players?: readonly (PlayerName | 'external')[];
  /** Work units that fill a player's purse each tick. Default 500. */
  work?: number;
}

export interface MatchInfo {
  mode: 'live' | 'replay';
  map: MapInfo;
  rules: Record<string, unknown>;
  seed: string;
  /** One name a team. */
  players: string[];
  work: number;
  /** replay: the last recorded tick; live: the tick that has been played so far. */
  headTick: number;
}

export interface MatchStatus {
  mode: 'live' | 'replay';
  state: 'playing' | 'paused' | 'ended';
  /** The tick that is shown. */
  tick: number;
  /** The newest tick: of the live match, or the last of the replay. */
  headTick: number;
  speed: number;
  /** A plan is being thought of. */
  thinking: boolean;
  /**
   * Every plan so far acted on its tick, so that seed, map, players and work alone give this match.
   * False after an order or directive from outside, or a plan that came late.
   */
  exact: boolean;
  /** Where a replay stopped agreeing with its recorded hashes; it plays up to the tick before. */
  divergence: { tick: number; recorded: string; computed: string } | null;
  /** Why the match stands still, e.g. an error inside the engine; null in normal life. */
  error: WireError | null;
}

/** A match's course so far, for charts and markers. */
export interface MatchHistory {
  everyTicks: number;
  /** First row's tick is 0; each row holds teams x TEAM_FIELDS numbers, as Frame.teams. */
  rows: Int32Array;
  /** Deaths and the end, at most 4096. */
  events: GameEvent[];
}

export interface Requests {
  start: { args: MatchOptions & { speed?: number }; result: MatchInfo };
  openReplay: { args: { bytes: Uint8Array }; result: MatchInfo };
  loadState: { args: { bytes: Uint8Array }; result: MatchInfo };
  saveState: { args: object; result: Uint8Array };
  saveReplay: { args: object; result: Uint8Array };
  play: { args: { speed?: number }; result: void };
  pause: { args: object; result: void };
  step: { args: { ticks: number }; result: void };
  seek: { args: { tick: number }; result: void };
  branch: { args: { players?: readonly (PlayerName | 'external')[] }; result: MatchInfo };
  order: { args: { orders: readonly Order[] }; result: void };
  direct: {
    args: { team: TeamId; strategy: TeamStrategy; source: string; ticks: number };
    result: void;
  };
  explain: { args: { team: TeamId }; result: Explanation | null };
  heatMap: { args: { team: TeamId; name: HeatMapName }; result: Int16Array };
  sight: { args: { team: TeamId }; result: TeamSight };
  situation: { args: { team: TeamId }; result: TeamStrategyRequest };
  history: { args: { everyTicks: number }; result: MatchHistory };
  hash: { args: object; result: string };
}
export type RequestName = keyof Requests;

export type ToWorker =
  | { type: 'init'; wasm: WebAssembly.Module | string | BufferSource }
  | { type: 'request'; id: number; name: RequestName; args: object }
  | { type: 'ack' }
  | { type: 'ping' };

export type FromWorker =
  /** With the compiled core, for the client's next worker. */
  | { type: 'ready'; module: WebAssembly.Module }
  | { type: 'answer'; id: number; result: unknown }
  | { type: 'refused'; id: number; error: WireError }
  /** A packed frame (frame.ts); each is acknowledged once it was shown. */
  | { type: 'frame'; buffer: ArrayBuffer }
  | { type: 'status'; status: MatchStatus }
  /** The whole match, from time to time: what a lost worker is restarted from. */
  | { type: 'state'; bytes: Uint8Array }
  | { type: 'failed'; error: WireError }
  | { type: 'pong' };

/** Frames on their way that nobody has shown yet; beyond them ticks are folded into the next. */
export const frames_ahead_max = 4;
/** Game time between two state messages. */
export const state_interval_ticks = 100;
export const speed_min = 0.25;
export const speed_max = 16;
export const work_default = 500;
