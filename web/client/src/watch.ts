/**
 * Watch: the rim around connection.ts. It carries out what stepConnection() says with one timer and
 * at most one GET /healthz, and decides nothing itself.
 */

import {
  type Connection,
  type Input,
  type Step,
  startConnection,
  stepConnection,
} from './connection.js';
import { ClientError } from './errors.js';
import { readJson, unreachable } from './response.js';
import type { NetworkHint, Schedule } from './types.js';

export interface WatchHost {
  /** Without the slash at its end. */
  relay: string;
  fetch: typeof fetch;
  now: () => number;
  schedule: Schedule;
  random: () => number;
  network: NetworkHint;
  /** After every step, also one that changed nothing. */
  onStep(connection: Connection): void;
}

export interface Watch {
  readonly host: WatchHost;
  connection: Connection;
  /** Aborts the probe under way. */
  probing: AbortController | null;
  cancelWake: () => void;
  unsubscribe: () => void;
  stopped: boolean;
}

/** True while calls are worth sending. */
export const isThere = ({ state }: Connection) => state === 'online' || state === 'slow';
/** True while calls go straight to the engine. While connecting neither is. */
export const isGone = ({ state }: Connection) => state === 'lost' || state === 'offline';

async function askWhetherAlive(host: WatchHost, signal: AbortSignal): Promise<void> {
  const response = await host.fetch(`${host.relay}/healthz`, { signal, cache: 'no-store' });
  // A relay that limits even this is there.
  if (response.status === 429) return;
  const body = (await readJson(response)) as { status?: unknown } | null;
  // A page on a static host gets its own HTML or JSON here: that is no relay.
  if (body?.status !== 'ok') throw new Error('what answers there is no relay');
}

export function startWatch(host: WatchHost): Watch {
  const { now, network } = host;
  const begun = startConnection(now(), network.onLine());
  const watch: Watch = {
    host,
    connection: begun.connection,
    probing: null,
    cancelWake: () => undefined,
    unsubscribe: () => undefined,
    stopped: false,
  };
  watch.unsubscribe = network.subscribe(() =>
    tellWatch(watch, { kind: network.onLine() ? 'network_up' : 'network_down' }),
  );
  apply(watch, begun);
  return watch;
}

export function tellWatch(watch: Watch, input: Input) {
  const { now, random } = watch.host;
  if (watch.stopped) return;
  apply(watch, stepConnection(watch.connection, input, { nowMs: now(), random: random() }));
}

export function stopWatch(watch: Watch) {
  watch.stopped = true;
  watch.unsubscribe();
  watch.cancelWake();
  stopProbe(watch);
}

function apply(watch: Watch, step: Step) {
  const { now, schedule, onStep } = watch.host;
  watch.connection = step.connection;
  for (const command of step.commands) {
    if (command === 'probe') void probe(watch);
    else stopProbe(watch);
  }
  watch.cancelWake();
  watch.cancelWake = schedule(() => wake(watch), Math.max(0, step.connection.wakeAtMs - now()));
  onStep(step.connection);
}

function wake(watch: Watch) {
  const timeout = unreachable(watch.host.relay, new Error('no answer'));
  tellWatch(watch, { kind: 'wake', timeout });
}

function stopProbe(watch: Watch) {
  const ending = watch.probing;
  watch.probing = null;
  ending?.abort();
}

async function probe(watch: Watch) {
  const mine = new AbortController();
  watch.probing = mine;
  let failure: ClientError | null = null;
  try {
    await askWhetherAlive(watch.host, mine.signal);
  } catch (error) {
    failure = unreachable(watch.host.relay, error);
  }
  if (watch.probing !== mine) return;
  watch.probing = null;
  tellWatch(watch, failure ? { kind: 'silent', error: failure } : { kind: 'alive' });
}
