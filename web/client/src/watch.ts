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
  readonly connection: Connection;
  tell(input: Input): void;
  stop(): void;
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
  const { relay, now, schedule, random, network } = host;
  let probing: AbortController | null = null;
  let cancelWake: () => void = () => undefined;
  let stopped = false;
  const begun = startConnection(now(), network.onLine());
  let connection = begun.connection;

  function tell(input: Input) {
    if (!stopped) apply(stepConnection(connection, input, { nowMs: now(), random: random() }));
  }

  function apply(step: Step) {
    connection = step.connection;
    for (const command of step.commands) {
      if (command === 'probe') void probe();
      else stopProbe();
    }
    cancelWake();
    cancelWake = schedule(wake, Math.max(0, connection.wakeAtMs - now()));
    host.onStep(connection);
  }

  function wake() {
    const timeout = unreachable(relay, new Error('no answer'));
    tell({ kind: 'wake', timeout });
  }

  function stopProbe() {
    const ending = probing;
    probing = null;
    ending?.abort();
  }

  async function probe() {
    const mine = new AbortController();
    probing = mine;
    let failure: ClientError | null = null;
    try {
      await askWhetherAlive(host, mine.signal);
    } catch (error) {
      failure = unreachable(relay, error);
    }
    if (probing !== mine) return;
    probing = null;
    tell(failure ? { kind: 'silent', error: failure } : { kind: 'alive' });
  }

  const unsubscribe = network.subscribe(() =>
    tell({ kind: network.onLine() ? 'network_up' : 'network_down' }),
  );
  apply(begun);

  return {
    get connection() {
      return connection;
    },
    tell,
    stop() {
      stopped = true;
      unsubscribe();
      cancelWake();
      stopProbe();
    },
  };
}
