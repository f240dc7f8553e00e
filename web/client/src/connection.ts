/**
 * Connection: whether the relay is there, as a value and one function on it. No clock, no timers, no
 * network: time and randomness come in as arguments, what should happen goes out as commands.
 *
 *   state       input         next            and
 *   connecting  alive         online          probe again after the heartbeat
 *   connecting  silent        lost | offline  retry after the backoff
 *   online      slow          slow            a call passed its deadline
 *   online      suspect       online          a call or the socket failed: probe at once
 *   online      silent        lost | offline  retry after the backoff
 *   slow        prompt        online          a call was answered in time again
 *   slow        silent        lost | offline
 *   lost        alive|prompt  online
 *   lost        silent        lost            the backoff doubles, up to its cap
 *   lost        network_down  offline         only the words change: the browser's hint may be wrong,
 *   offline     network_up    lost            so probing goes on; a hint of change probes at once
 *   offline     alive|prompt  online
 *   any         wake                          starts the due probe, or fails the one that took too long;
 *                                             a wake that came late itself (a page that was busy or
 *                                             slept) gives the answer that may lie there one grace
 *
 * Every other pair leaves the state as it is (TRANSITIONS below has all of them).
 *
 * 1. At most one probe is under way.
 * 2. A loss is noticed within heartbeat + probe timeout = 1.9 s, a return within backoff cap + probe
 *    timeout = 4.9 s, provided the timers fire on time.
 * 3. wakeAtMs is never null: there is always a next thing to do.
 */

import type { ClientError } from './errors.js';

export type ConnectionState = 'connecting' | 'online' | 'slow' | 'lost' | 'offline';

export const HEARTBEAT_MS = 1000;
export const PROBE_TIMEOUT_MS = 900;
/** Before the first answer nothing can be lost, and a page that loads is busy. */
export const FIRST_PROBE_TIMEOUT_MS = 2500;
/** A wake later than this says more about the host than about the relay. */
export const HOST_LATE_MS = 200;
export const GRACE_MS = 300;
export const BACKOFF_FIRST_MS = 500;
export const BACKOFF_CAP_MS = 4000;

export type Input =
  /** The relay answered something: a probe, a refusal, a frame on the socket. */
  | { kind: 'alive' }
  /** A call was answered within its deadline. */
  | { kind: 'prompt' }
  /** A call passed its deadline. */
  | { kind: 'slow'; error: ClientError }
  /** A call or the socket broke: perhaps the relay is gone. */
  | { kind: 'suspect' }
  /** The probe failed. */
  | { kind: 'silent'; error: ClientError }
  /** The browser's hint about the network. */
  | { kind: 'network_up' }
  | { kind: 'network_down' }
  /** wakeAtMs has come. `timeout` is what a probe that took too long failed with. */
  | { kind: 'wake'; timeout: ClientError };

export interface Connection {
  readonly state: ConnectionState;
  /** When `state` was entered. */
  readonly sinceMs: number;
  /** When the relay was lost, null while it is there. */
  readonly lostAtMs: number | null;
  /** How long the relay had been away when it last came back, null if it never was. */
  readonly outageMs: number | null;
  /** The relay was there at least once: only then can it be lost. */
  readonly seen: boolean;
  /** When the probe under way began. */
  readonly probeSinceMs: number | null;
  /** The probe under way was given its grace. */
  readonly graceGiven: boolean;
  /** When the next probe begins, or the one under way fails. */
  readonly wakeAtMs: number;
  /** Failed probes in a row. */
  readonly failures: number;
  /** What the browser says; a hint. */
  readonly network: boolean;
  readonly lastError: ClientError | null;
}

/** What the host has to do. */
export type Command = 'probe' | 'abort_probe';

export interface Step {
  readonly connection: Connection;
  readonly commands: readonly Command[];
}

export interface Moment {
  nowMs: number;
  /** 0 <= random < 1 */
  random: number;
}

export function startConnection(nowMs: number, network: boolean): Step {
  return probe(
    {
      state: 'connecting',
      sinceMs: nowMs,
      lostAtMs: null,
      outageMs: null,
      seen: false,
      probeSinceMs: null,
      graceGiven: false,
      wakeAtMs: nowMs,
      failures: 0,
      network,
      lastError: null,
    },
    nowMs,
  );
}

/** Half to all of the doubled interval, so that many clients do not come back at one instant. */
export function backoffMs(failures: number, random: number): number {
  const whole = Math.min(BACKOFF_CAP_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return whole * (0.5 + 0.5 * random);
}

type Arrow = (connection: Connection, input: Input, moment: Moment) => Step;

const stay: Arrow = (connection) => ({ connection, commands: [] });

function enter(connection: Connection, state: ConnectionState, nowMs: number): Connection {
  return connection.state === state ? connection : { ...connection, state, sinceMs: nowMs };
}

function probe(connection: Connection, nowMs: number): Step {
  if (connection.probeSinceMs !== null) return { connection, commands: [] };
  const timeoutMs = connection.state === 'connecting' ? FIRST_PROBE_TIMEOUT_MS : PROBE_TIMEOUT_MS;
  const wakeAtMs = nowMs + timeoutMs;
  return {
    connection: { ...connection, probeSinceMs: nowMs, graceGiven: false, wakeAtMs },
    commands: ['probe'],
  };
}

const probeNow: Arrow = (connection, _input, { nowMs }) => probe(connection, nowMs);

/** The relay is there: whatever probe is under way has its answer. */
const found: Arrow = (connection, input, { nowMs }) => {
  const state = connection.state === 'slow' && input.kind !== 'prompt' ? 'slow' : 'online';
  const lost = connection.lostAtMs;
  return {
    connection: {
      ...enter(connection, state, nowMs),
      lostAtMs: null,
      outageMs: lost === null || !connection.seen ? connection.outageMs : nowMs - lost,
      seen: true,
      probeSinceMs: null,
      wakeAtMs: nowMs + HEARTBEAT_MS,
      failures: 0,
    },
    commands: connection.probeSinceMs === null ? [] : ['abort_probe'],
  };
};

const fellBehind: Arrow = (connection, input, { nowMs }) => ({
  connection: {
    ...enter(connection, 'slow', nowMs),
    lastError: 'error' in input ? input.error : connection.lastError,
  },
  commands: [],
});

/** Only a probe's failure counts as loss; one that nobody waits for any more says nothing. */
const missed: Arrow = (connection, input, { nowMs, random }) => {
  if (connection.probeSinceMs === null) return { connection, commands: [] };
  const failures = connection.failures + 1;
  return {
    connection: {
      ...enter(connection, connection.network ? 'lost' : 'offline', nowMs),
      lostAtMs: connection.lostAtMs ?? nowMs,
      probeSinceMs: null,
      wakeAtMs: nowMs + backoffMs(failures, random),
      failures,
      lastError: 'error' in input ? input.error : connection.lastError,
    },
    commands: [],
  };
};

const wake: Arrow = (connection, input, moment) => {
  const lateMs = moment.nowMs - connection.wakeAtMs;
  if (lateMs < 0) return { connection, commands: [] };
  if (connection.probeSinceMs === null) return probe(connection, moment.nowMs);
  if (lateMs > HOST_LATE_MS && !connection.graceGiven) {
    const wakeAtMs = moment.nowMs + GRACE_MS;
    return { connection: { ...connection, graceGiven: true, wakeAtMs }, commands: [] };
  }
  const error = (input as Extract<Input, { kind: 'wake' }>).timeout;
  const failed = missed(connection, { kind: 'silent', error }, moment);
  return { connection: failed.connection, commands: ['abort_probe'] };
};

const hint =
  (network: boolean, state?: ConnectionState): Arrow =>
  (connection, _input, { nowMs }) => {
    const hinted = { ...connection, network };
    return probe(state === undefined ? hinted : enter(hinted, state, nowMs), nowMs);
  };

/** Every state and every input. */
export const TRANSITIONS: Record<ConnectionState, Record<Input['kind'], Arrow>> = {
  connecting: {
    alive: found,
    prompt: found,
    slow: stay,
    suspect: probeNow,
    silent: missed,
    network_up: hint(true),
    network_down: hint(false),
    wake,
  },
  online: {
    alive: found,
    prompt: found,
    slow: fellBehind,
    suspect: probeNow,
    silent: missed,
    network_up: hint(true),
    network_down: hint(false),
    wake,
  },
  slow: {
    alive: found,
    prompt: found,
    slow: stay,
    suspect: probeNow,
    silent: missed,
    network_up: hint(true),
    network_down: hint(false),
    wake,
  },
  lost: {
    alive: found,
    prompt: found,
    slow: stay,
    suspect: stay,
    silent: missed,
    network_up: hint(true),
    network_down: hint(false, 'offline'),
    wake,
  },
  offline: {
    alive: found,
    prompt: found,
    slow: stay,
    suspect: stay,
    silent: missed,
    network_up: hint(true, 'lost'),
    network_down: stay,
    wake,
  },
};

export function stepConnection(connection: Connection, input: Input, moment: Moment): Step {
  return TRANSITIONS[connection.state][input.kind](connection, input, moment);
}
