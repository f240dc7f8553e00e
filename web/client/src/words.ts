/**
 * Every sentence that tells a player about the state of things, in one place: short, what happened,
 * what goes on nevertheless, what can be done. Pure: numbers in, text out.
 */

import type { Status } from './types.js';

/** How long "Relay back" is worth saying. */
export const BACK_SHOWN_MS = 6000;

const seconds = (ms: number) => String(Math.round(ms / 100) / 10);
const wholeSeconds = (ms: number) => Math.max(1, Math.ceil(ms / 1000));
const thousands = (value: number) => String(value).replace(/\B(?=(\d{3})+$)/g, ',');
const clock = (date: Date) => date.toISOString().slice(11, 16);
const dollars = (microUsd: number) => `$${(microUsd / 1e6).toFixed(2)}`;
const allTeams = (teams: number) =>
  teams === 2 ? 'both teams' : `all ${['', 'one', 'two', 'three', 'four'][teams] ?? teams} teams`;

export const words = {
  loading: () => 'Loading engine...',
  lost: (teams: number, retryInMs: number) =>
    `Relay lost. Built-in strategist plays ${allTeams(teams)}. Match continues; retry in ${wholeSeconds(retryInMs)} s.`,
  none: (teams: number) => `No relay. Built-in strategist plays ${allTeams(teams)}.`,
  back: (outageMs: number) => `Relay back after ${wholeSeconds(outageMs)} s.`,
  slow: (deadlineMs: number) =>
    `Model took over ${seconds(deadlineMs)} s. Built-in strategist answered.`,
  /** `spentMicroUsd` is left out where the relay did not say it. */
  budget: (spentMicroUsd: number | null, until: Date) =>
    `Model budget used${spentMicroUsd === null ? '' : ` (${dollars(spentMicroUsd)} today)`}. ` +
    `Built-in strategist until ${clock(until)} UTC.`,
  limited: (untilInMs: number) =>
    `Too many requests. Built-in strategist answers for ${wholeSeconds(untilInMs)} s.`,
  offline: () => 'Offline. Everything works except models.',
  engineFailed: (reason: string) => `The engine did not load (${reason}). Reload.`,
  /** `place` is the reader's, e.g. "row 12, column 4". */
  mapRefused: (file: string, what: string, place: string | null) =>
    `${file}: ${what}${place === null ? '' : ` (${place})`}. Current map kept.`,
  replayDiffers: (tick: number, recorded: string, computed: string) =>
    `Replay differs at tick ${thousands(tick)} (recorded ${recorded.slice(0, 4)}, ` +
    `computed ${computed.slice(0, 4)}). Shown to ${thousands(tick - 1)}.`,
  nothingSeen: (enemy: string) => `Nothing seen of ${enemy} yet.`,
} as const;

export interface Circumstances {
  /** client.now() */
  nowMs: number;
  /** What a wall clock shows at that moment. */
  date: Date;
  teams: number;
  deadlineMs: number;
}

function limitWords(status: Status, { nowMs, date }: Circumstances): string | null {
  if (status.limit === null) return null;
  const leftMs = Math.max(0, status.limit.untilMs - nowMs);
  return status.limit.code === 'budget_exhausted'
    ? words.budget(null, new Date(date.getTime() + leftMs))
    : words.limited(leftMs);
}

/** The line about the relay, or null when there is nothing to say. */
export function relayWords(status: Status, now: Circumstances): string | null {
  switch (status.state) {
    case 'offline':
      return words.offline();
    case 'lost':
      if (!status.seen) return words.none(now.teams);
      return words.lost(now.teams, (status.retryAtMs ?? now.nowMs) - now.nowMs);
    case 'slow':
      return words.slow(now.deadlineMs);
    case 'connecting':
      return null;
    case 'online': {
      const limited = limitWords(status, now);
      if (limited !== null) return limited;
      const isFresh = status.outageMs !== null && now.nowMs - status.since < BACK_SHOWN_MS;
      return isFresh ? words.back(status.outageMs ?? 0) : null;
    }
  }
}
