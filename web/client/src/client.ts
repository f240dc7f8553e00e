/**
 * createClient(): puts the parts together. Whether the relay is there is watch.ts's, what a call does
 * is calls.ts's, what is pushed is push.ts's; here they become one status and the public functions.
 */

import { aborted, askDirect, askEngine, type Call, type Calls, createCalls } from './calls.js';
import { ClientError } from './errors.js';
import { type Frame, readFrame } from './frames.js';
import { listeners } from './listeners.js';
import { browserNetwork, relayAddress, timers } from './platform.js';
import { clientId, createPush, type ManagedPush } from './push.js';
import type {
  Answer,
  AnsweringEngine,
  CallOptions,
  Client,
  ClientOptions,
  Directive,
  Push,
  Recommendation,
  Reduced,
  Status,
  Team,
  TeamNumber,
} from './types.js';
import { isGone, isThere, startWatch, type Watch } from './watch.js';
import {
  readAgentSpecification,
  readStrategy,
  TEAM_NAMES,
  type TeamName,
  type TeamStrategyRequest,
  teamName,
} from './wire.js';

export const DEADLINE_DEFAULT_MS = 2500;

/** The status of a client without a relay, for good. */
function aloneSince(nowMs: number): Status {
  return {
    state: 'offline',
    since: nowMs,
    retryAtMs: null,
    outageMs: null,
    seen: false,
    lastError: null,
    limit: null,
    model: null,
    latencyP50Ms: null,
    costMicroUsd: 0,
    push: false,
  };
}

function median(values: readonly number[]): number | null {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? null;
}

function statusOf({ connection }: Watch, { tally }: Calls, push: Push | null): Status {
  return {
    state: connection.state,
    since: connection.sinceMs,
    // While it is being asked, that is the retry: when the question times out is nobody's business.
    retryAtMs: isGone(connection) ? (connection.probeSinceMs ?? connection.wakeAtMs) : null,
    outageMs: connection.outageMs,
    seen: connection.seen,
    lastError: isThere(connection) ? tally.lastError : (connection.lastError ?? tally.lastError),
    limit: tally.limit,
    model: tally.model,
    latencyP50Ms: median(tally.latenciesMs),
    costMicroUsd: tally.costMicroUsd,
    push: push?.open ?? false,
  };
}

/** @throws ClientError bad_request */
function named(team: Team): TeamName {
  try {
    return teamName(team);
  } catch (cause) {
    const expected = `${TEAM_NAMES.join(', ')} or 0..3`;
    throw new ClientError('bad_request', `There is no team "${team}". Pass ${expected}.`, {
      path: 'team',
      expected,
      got: String(team),
      cause,
    });
  }
}

/** @throws ClientError bad_request where the engine has no world of its own. */
async function situation(engine: AnsweringEngine, team: TeamName): Promise<TeamStrategyRequest> {
  if (engine.situation) {
    const seen = await engine.situation(TEAM_NAMES.indexOf(team) as TeamNumber);
    return { ...seen, team_id: team };
  }
  throw new ClientError(
    'bad_request',
    'This engine has no situation(team): pass the request that describes your world.',
    { path: 'request', expected: 'a request', got: 'undefined' },
  );
}

/** The caller's signal ends the wait at once, whatever the engine is doing. */
function abortable<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(aborted());
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** @throws ClientError bad_request where the relay's address cannot be used. */
export function createClient(options: ClientOptions): Client {
  const { engine } = options;
  const relay = options.relay === null ? null : relayAddress(options.relay);
  const now = options.now ?? (() => performance.now());
  const host = {
    relay: relay ?? '',
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    now,
    schedule: options.schedule ?? timers,
    random: options.random ?? Math.random,
  };
  const onStatus = listeners<Status>();
  const onDirective = listeners<Directive>();
  const onRecommendation = listeners<Recommendation>();
  let shown = aloneSince(now());
  let push: ManagedPush | null = null;
  let disposed = false;
  let watch: Watch | null = null;
  let calls: Calls | null = null;

  function publish() {
    if (watch === null || calls === null || disposed) return;
    const next = statusOf(watch, calls, push);
    if ((Object.keys(next) as (keyof Status)[]).every((key) => next[key] === shown[key])) return;
    shown = next;
    onStatus.tell(next);
  }

  if (relay !== null) {
    watch = startWatch({
      ...host,
      network: options.network ?? browserNetwork,
      onStep(connection) {
        if (isGone(connection) && connection.lastError) calls?.giveUp(connection.lastError);
        push?.update(isThere(connection));
        publish();
      },
    });
    calls = createCalls({
      ...host,
      token: options.token,
      deadlineMs: options.deadlineMs ?? DEADLINE_DEFAULT_MS,
      watch,
      onChange: publish,
    });
    publish();
  }

  function throwIfEnded(signal: AbortSignal | undefined) {
    if (disposed) throw aborted('The client was disposed of. Create another one.');
    if (signal?.aborted) throw aborted();
  }

  async function answer<T>(call: Call<T>): Promise<Answer<T>> {
    throwIfEnded(call.signal);
    const begunMs = now();
    const body = await call.request();
    throwIfEnded(call.signal);
    if (calls === null) return without(call, body, begunMs, null);
    const result = await calls.ask(call, body);
    throwIfEnded(call.signal);
    if (!(result instanceof ClientError)) return result;
    if (result.code === 'bad_request') throw result;
    const { code, message } = result;
    return without(call, body, begunMs, { code, message });
  }

  /**
   * Without the relay: the player's own model where there is one and time is left, else the engine.
   * A relay that is only slow is not doubled: its answer is still on the way.
   */
  async function without<T>(
    call: Call<T>,
    body: unknown,
    begunMs: number,
    reduced: Reduced | null,
  ): Promise<Answer<T>> {
    const { direct } = options;
    const given = typeof direct === 'function' ? direct() : (direct ?? null);
    const adviser = reduced?.code === 'relay_timeout' ? null : given;
    const leftMs = (options.deadlineMs ?? DEADLINE_DEFAULT_MS) - (now() - begunMs);
    const deadlineMs = Math.max(leftMs, 0);
    const answer = await askDirect(call, body, adviser, { ...host, deadlineMs }, begunMs, reduced);
    throwIfEnded(call.signal);
    return answer ?? askEngine(call, body, now, begunMs, reduced);
  }

  async function ask<T>(
    team: Team,
    callOptions: CallOptions | undefined,
    make: (name: TeamName) => Omit<Call<T>, 'signal'>,
  ): Promise<Answer<T>> {
    const signal = callOptions?.signal;
    return abortable(signal, answer({ ...make(named(team)), signal }));
  }

  function onFrame(text: string) {
    watch?.tell({ kind: 'alive' });
    let frame: Frame;
    try {
      frame = readFrame(text);
    } catch (error) {
      // A frame that cannot be used is as good as none; the status says that it came.
      calls?.note(error as ClientError);
      return;
    }
    if (frame.kind === 'directive') onDirective.tell(frame.directive);
    if (frame.kind === 'recommendation') onRecommendation.tell(frame.recommendation);
  }

  function connect(): Push {
    throwIfEnded(undefined);
    if (push) return push;
    const Socket = options.WebSocket ?? globalThis.WebSocket;
    if (watch === null || Socket === undefined) {
      const path = watch === null ? 'relay' : 'WebSocket';
      const lack =
        watch === null
          ? 'Without a relay there is nothing to connect to.'
          : 'This platform has no WebSocket: pass one to createClient (in Node 20 the package ws).';
      throw new ClientError('bad_request', lack, { path });
    }
    const { tell } = watch;
    push = createPush({
      ...host,
      url: `${host.relay.replace(/^http/, 'ws')}/ws/${clientId(host.random)}`,
      WebSocket: Socket,
      onMessage: onFrame,
      onOpen: () => tell({ kind: 'alive' }),
      onLoss: () => tell({ kind: 'suspect' }),
      onClosed: () => {
        push = null;
        publish();
      },
    });
    push.update(isThere(watch.connection));
    return push;
  }

  function dispose() {
    if (disposed) return;
    push?.close();
    disposed = true;
    watch?.stop();
    calls?.stop();
    calls?.giveUp(aborted('The client was disposed of.'));
  }

  const client: Omit<Client, typeof Symbol.dispose> = {
    strategy: (team, given, callOptions) =>
      ask(team, callOptions, (name) => ({
        path: '/api/team-strategy',
        request: () => (given ? { ...given, team_id: name } : situation(engine, name)),
        read: readStrategy,
        engine: (body) => engine.strategy(body),
        direct: (adviser) => adviser.strategy?.bind(adviser) ?? null,
        late: (strategy, model) => onDirective.tell({ team: name, strategy, model, late: true }),
      })),
    agentSpecification: (team, given, callOptions) =>
      ask(team, callOptions, (name) => ({
        path: '/api/agent-specification',
        request: () => ({ ...given, team_id: name }),
        read: readAgentSpecification,
        engine: (body) => engine.agentSpecification(body),
        direct: (adviser) => adviser.agentSpecification?.bind(adviser) ?? null,
        late: (specification, model) =>
          onRecommendation.tell({ team: name, specification, model, late: true }),
      })),
    adaptation: (team, given, callOptions) =>
      ask(team, callOptions, (name) => ({
        path: '/api/strategy-adaptation',
        request: () => ({ ...given, team_id: name }),
        read: readStrategy,
        engine: (body) => (engine.strategyAdaptation ?? engine.strategy).call(engine, body),
        direct: (adviser) => adviser.strategyAdaptation?.bind(adviser) ?? null,
        late: (strategy, model) => onDirective.tell({ team: name, strategy, model, late: true }),
      })),
    async *chat(request, callOptions) {
      throwIfEnded(callOptions?.signal);
      if (relay === null) {
        throw new ClientError('bad_request', 'Without a relay there is no model to chat with.', {
          path: 'relay',
        });
      }
      // Games that never chat do not load it.
      const { chat } = await import('./chat.js');
      const chatHost = {
        ...host,
        token: options.token,
        WebSocket: options.WebSocket ?? globalThis.WebSocket,
      };
      yield* chat(chatHost, request, callOptions);
    },
    connect,
    get status() {
      return shown;
    },
    onStatus: onStatus.add,
    onDirective: onDirective.add,
    onRecommendation: onRecommendation.add,
    now,
    dispose,
  };
  // Browsers before 2025 have no Symbol.dispose.
  if (Symbol.dispose) Object.defineProperty(client, Symbol.dispose, { value: dispose });
  return client as Client;
}
