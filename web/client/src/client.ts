/**
 * The rim around connection.ts: timers, fetch, the push socket and the calls.
 *
 * A call goes to the relay while it is there and to the engine otherwise; at its deadline the engine
 * answers and the relay's late answer still arrives through onDirective. Nothing here decides
 * whether the relay is there: that is stepConnection's.
 */

import {
  type Connection,
  type Input,
  type Step,
  startConnection,
  stepConnection,
} from './connection.js';
import { ClientError } from './errors.js';
import { clientId, createPush, type ManagedPush } from './push.js';
import { isOutage, readJson, unreachable } from './response.js';
import type {
  Answer,
  CallOptions,
  Client,
  ClientOptions,
  Directive,
  Limit,
  NetworkHint,
  Recommendation,
  Reduced,
  Schedule,
  Status,
  Team,
  TeamNumber,
} from './types.js';
import {
  readAgentSpecification,
  readStrategy,
  readTeamStrategy,
  type Strategy,
  TEAM_NAMES,
  type TeamName,
  type TeamStrategyRequest,
  teamName,
} from './wire.js';

export const DEADLINE_DEFAULT_MS = 2500;
/** How long a call that passed its deadline may still bring a late answer; the relay's own limit. */
export const LATE_ANSWER_MAX_MS = 20_000;
/** Calls that the relay has not answered yet, late ones included; more go to the engine. */
export const CALLS_UNDER_WAY_MAX = 16;
const LATENCIES_KEPT = 32;
const FRAME_CHARACTERS_MAX = 262_144;

/** A call as the paths, readers and engine functions that make it up. */
interface Call<T> {
  team: TeamName;
  path: string;
  /** Asked for once, before anything is sent. */
  request: () => unknown;
  read: (value: unknown) => T;
  engine: (request: never) => unknown;
  /** What becomes of an answer after the deadline. */
  late: (value: T, model: string | null) => void;
  signal: AbortSignal | undefined;
}

const timers: Schedule = (callback, delayMs) => {
  const timer = setTimeout(callback, delayMs) as unknown as { unref?: () => void };
  // In Node a waiting client must not keep the process alive.
  timer.unref?.();
  return () => clearTimeout(timer as unknown as number);
};

function browserNetwork(): NetworkHint {
  return {
    onLine: () => globalThis.navigator?.onLine !== false,
    subscribe(changed) {
      if (typeof globalThis.addEventListener !== 'function') return () => undefined;
      globalThis.addEventListener('online', changed);
      globalThis.addEventListener('offline', changed);
      return () => {
        globalThis.removeEventListener('online', changed);
        globalThis.removeEventListener('offline', changed);
      };
    },
  };
}

/** Without the slash at its end. @throws ClientError bad_request */
function relayAddress(relay: string | URL): string {
  try {
    const page = (globalThis as { location?: { href: string } }).location?.href;
    const url = new URL(relay, page);
    return (url.origin + url.pathname).replace(/\/+$/, '');
  } catch (cause) {
    throw new ClientError(
      'bad_request',
      `The relay's address "${relay}" is no URL. Pass one, or null.`,
      {
        path: 'relay',
        expected: 'an http or https URL, or null',
        got: String(relay),
        cause,
      },
    );
  }
}

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? null;
}

function listeners<T>() {
  const all = new Set<(value: T) => void>();
  return {
    add(listener: (value: T) => void) {
      all.add(listener);
      return () => void all.delete(listener);
    },
    tell(value: T) {
      for (const listener of [...all]) listener(value);
    },
  };
}

function asClientError(error: unknown, relay: string): ClientError {
  return error instanceof ClientError ? error : unreachable(relay, error);
}

const aborted = (why: string) => new ClientError('aborted', why);

/** @throws ClientError bad_request where the relay's address is no URL. */
export function createClient(options: ClientOptions): Client {
  const relay = options.relay === null ? null : relayAddress(options.relay);
  const deadlineMs = options.deadlineMs ?? DEADLINE_DEFAULT_MS;
  const now = options.now ?? (() => performance.now());
  const schedule = options.schedule ?? timers;
  const random = options.random ?? Math.random;
  const request = options.fetch ?? ((input, init) => fetch(input, init));
  const network = options.network ?? browserNetwork();

  const onStatus = listeners<Status>();
  const onDirective = listeners<Directive>();
  const onRecommendation = listeners<Recommendation>();
  const latencies: number[] = [];
  /** Each settles its call with the engine's answer; for a loss while they wait. */
  const waiting = new Set<(error: ClientError) => void>();
  const closing = new AbortController();

  let connection: Connection;
  let probeAbort: AbortController | null = null;
  let cancelWake: (() => void) | null = null;
  let limit: Limit | null = null;
  let model: string | null = null;
  let spentMicroUsd = 0;
  let underWay = 0;
  let push: ManagedPush | null = null;
  let disposed = false;
  let shown: Status;

  const isThere = () => connection.state === 'online' || connection.state === 'slow';
  const isGone = () => connection.state === 'lost' || connection.state === 'offline';

  function status(): Status {
    return {
      state: relay === null ? 'offline' : connection.state,
      since: connection.sinceMs,
      retryAtMs: relay !== null && isGone() ? connection.wakeAtMs : null,
      outageMs: connection.outageMs,
      lastError: connection.lastError,
      limit,
      model,
      latencyP50Ms: median(latencies),
      costMicroUsd: spentMicroUsd,
      push: push?.open ?? false,
    };
  }

  function publish() {
    const next = status();
    const same = (Object.keys(next) as (keyof Status)[]).every((key) => next[key] === shown[key]);
    if (same) return;
    shown = next;
    onStatus.tell(next);
  }

  function apply(step: Step) {
    connection = step.connection;
    for (const command of step.commands) {
      if (command === 'probe') void probe();
      else stopProbe();
    }
    cancelWake?.();
    cancelWake = schedule(onWake, Math.max(0, connection.wakeAtMs - now()));
    if (isGone() && connection.lastError)
      for (const give of [...waiting]) give(connection.lastError);
    push?.update(isThere());
    publish();
  }

  function tell(input: Input) {
    if (disposed || relay === null) return;
    apply(stepConnection(connection, input, { nowMs: now(), random: random() }));
  }

  function onWake() {
    if (limit !== null && now() >= limit.untilMs) limit = null;
    const timeout = new ClientError(
      'relay_unreachable',
      `The relay at ${relay} does not answer. It is asked again; the engine answers until then.`,
    );
    tell({ kind: 'wake', timeout });
  }

  function stopProbe() {
    const probing = probeAbort;
    probeAbort = null;
    probing?.abort();
  }

  async function probe() {
    const mine = new AbortController();
    probeAbort = mine;
    let failure: ClientError | null = null;
    try {
      const response = await request(`${relay}/healthz`, {
        signal: mine.signal,
        cache: 'no-store',
      });
      // A page on a static host gets its own HTML here: that is no relay.
      const body = response.status === 429 ? { status: 'ok' } : await readJson(response);
      if ((body as { status?: unknown } | null)?.status !== 'ok')
        throw new Error('no relay answers there');
    } catch (error) {
      failure = unreachable(relay ?? '', error);
    }
    if (probeAbort !== mine) return;
    probeAbort = null;
    tell(failure ? { kind: 'silent', error: failure } : { kind: 'alive' });
  }

  function meta(body: unknown) {
    const from = body as { model?: unknown; source?: unknown; cost_microusd?: unknown };
    const cost = from.cost_microusd;
    return {
      model: typeof from.model === 'string' ? from.model : null,
      costMicroUsd: typeof cost === 'number' && cost >= 0 ? cost : 0,
    };
  }

  async function headers(): Promise<Record<string, string>> {
    const token = typeof options.token === 'function' ? await options.token() : options.token;
    const plain = { 'content-type': 'application/json', accept: 'application/json' };
    return token === undefined ? plain : { ...plain, authorization: `Bearer ${token}` };
  }

  /** The relay's own answer. @throws ClientError */
  async function send<T>(call: Call<T>, body: unknown, signal: AbortSignal) {
    try {
      const response = await request(`${relay}${call.path}`, {
        method: 'POST',
        headers: await headers(),
        body: JSON.stringify(body),
        signal,
      });
      const answer = await readJson(response);
      const value = call.read(answer);
      return { value, ...meta(answer) };
    } catch (error) {
      throw asClientError(error, relay ?? '');
    }
  }

  function noteRefusal(error: ClientError) {
    if (isOutage(error)) tell({ kind: 'suspect' });
    else tell({ kind: 'alive' });
    if (error.code === 'rate_limited' || error.code === 'budget_exhausted') {
      const untilMs = now() + (error.retryAfterMs ?? 0);
      limit = { code: error.code, message: error.message, untilMs };
      publish();
    }
  }

  async function fromEngine<T>(call: Call<T>, body: unknown, begunMs: number, reduced?: Reduced) {
    // The engine may be any that speaks the shape: what it says is read like the relay's words.
    const value = call.read(await call.engine(body as never));
    const answer: Answer<T> = {
      value,
      source: 'engine',
      model: null,
      latencyMs: now() - begunMs,
      costMicroUsd: 0,
    };
    return reduced ? { ...answer, reduced } : answer;
  }

  /** Why the relay is not even asked, or null. */
  function refusedBeforehand(): Reduced | null {
    if (limit !== null && now() >= limit.untilMs) limit = null;
    if (limit !== null) return { code: limit.code, message: limit.message };
    if (isGone()) {
      const error = connection.lastError;
      return {
        code: 'relay_unreachable',
        message: error?.message ?? 'The relay cannot be reached.',
      };
    }
    if (underWay >= CALLS_UNDER_WAY_MAX) {
      return { code: 'relay_timeout', message: `${underWay} calls still wait for the relay.` };
    }
    return null;
  }

  /** Settles with the relay's answer, or with the error that sends the call to the engine. */
  function fromRelay<T>(
    call: Call<T>,
    body: unknown,
    begunMs: number,
  ): Promise<Answer<T> | ClientError> {
    return new Promise((resolve) => {
      const abort = new AbortController();
      const stop = () => abort.abort();
      let open = true;
      const settle = (result: Answer<T> | ClientError) => {
        open = false;
        cancelDeadline();
        waiting.delete(settle);
        resolve(result);
      };
      const cancelDeadline = schedule(() => {
        const message = `The relay took over ${deadlineMs / 1000} s. The built-in strategist answered.`;
        const error = new ClientError('relay_timeout', message);
        settle(error);
        tell({ kind: 'slow', error });
      }, deadlineMs);
      const cancelLate = schedule(stop, Math.max(deadlineMs, LATE_ANSWER_MAX_MS));
      waiting.add(settle);
      call.signal?.addEventListener('abort', stop, { once: true });
      closing.signal.addEventListener('abort', stop, { once: true });
      underWay += 1;
      send(call, body, abort.signal)
        .then(
          (sent) => {
            spentMicroUsd += sent.costMicroUsd;
            model = sent.model;
            if (!open) {
              tell({ kind: 'alive' });
              if (!disposed) call.late(sent.value, sent.model);
              publish();
              return;
            }
            const latencyMs = now() - begunMs;
            latencies.push(latencyMs);
            if (latencies.length > LATENCIES_KEPT) latencies.shift();
            settle({ ...sent, source: 'relay', latencyMs });
            tell({ kind: 'prompt' });
            publish();
          },
          (error: ClientError) => {
            const stopped = abort.signal.aborted;
            if (open) settle(error);
            if (!stopped) noteRefusal(error);
          },
        )
        .finally(() => {
          underWay -= 1;
          cancelLate();
          call.signal?.removeEventListener('abort', stop);
          closing.signal.removeEventListener('abort', stop);
        });
    });
  }

  function throwIfEnded(signal: AbortSignal | undefined) {
    if (disposed) throw aborted('The client was disposed of. Create another one.');
    if (signal?.aborted) throw aborted('The call was aborted by its signal.');
  }

  async function answer<T>(call: Call<T>): Promise<Answer<T>> {
    throwIfEnded(call.signal);
    const begunMs = now();
    const body = await call.request();
    throwIfEnded(call.signal);
    if (relay === null) return fromEngine(call, body, begunMs);
    const beforehand = refusedBeforehand();
    if (beforehand) return fromEngine(call, body, begunMs, beforehand);
    const result = await fromRelay(call, body, begunMs);
    throwIfEnded(call.signal);
    if (!(result instanceof ClientError)) return result;
    if (result.code === 'bad_request') throw result;
    return fromEngine(call, body, begunMs, { code: result.code, message: result.message });
  }

  /** The caller's signal ends the wait at once, whatever the engine is doing. */
  function abortable<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
    if (signal === undefined) return work;
    return new Promise((resolve, reject) => {
      const stop = () => reject(aborted('The call was aborted by its signal.'));
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    });
  }

  async function situation(team: TeamName): Promise<TeamStrategyRequest> {
    const { engine } = options;
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

  const strategyLate = (team: TeamName) => (strategy: Strategy, model: string | null) =>
    onDirective.tell({ team, strategy, model, late: true });

  function named(team: Team): TeamName {
    try {
      return teamName(team);
    } catch (cause) {
      throw new ClientError(
        'bad_request',
        `There is no team "${team}". Pass red, blue, green, yellow or 0..3.`,
        {
          path: 'team',
          got: String(team),
          cause,
        },
      );
    }
  }

  /** Names the team, then answers; a wrong team rejects like every other bad request. */
  async function ask<T>(
    team: Team,
    callOptions: CallOptions | undefined,
    make: (name: TeamName) => Omit<Call<T>, 'team' | 'signal'>,
  ): Promise<Answer<T>> {
    const name = named(team);
    const signal = callOptions?.signal;
    return abortable(signal, answer({ ...make(name), team: name, signal }));
  }

  function onFrame(data: string) {
    tell({ kind: 'alive' });
    if (data.length > FRAME_CHARACTERS_MAX) return;
    try {
      const frame = JSON.parse(data) as { type?: unknown; data?: Record<string, unknown> };
      const said = frame.data ?? {};
      const from = typeof said.model === 'string' ? said.model : null;
      if (frame.type === 'directive') {
        const strategy = readTeamStrategy(said.strategy);
        onDirective.tell({ team: teamName(said.team), strategy, model: from, late: false });
      } else if (frame.type === 'agent_recommendation') {
        const specification = readAgentSpecification(said.specification);
        onRecommendation.tell({
          team: teamName(said.team),
          specification,
          model: from,
          late: false,
        });
      }
    } catch (cause) {
      // A frame that cannot be used is as good as none; the status says that it came.
      const error = new ClientError('bad_answer', 'The relay pushed a frame that cannot be used.', {
        cause,
      });
      connection = { ...connection, lastError: cause instanceof ClientError ? cause : error };
      publish();
    }
  }

  function connect() {
    if (disposed) throw aborted('The client was disposed of. Create another one.');
    if (push) return push;
    const Socket = options.WebSocket ?? globalThis.WebSocket;
    if (relay === null || Socket === undefined) {
      throw new ClientError(
        'bad_request',
        relay === null
          ? 'Without a relay there is nothing to connect to.'
          : 'This platform has no WebSocket: pass one to createClient (in Node 20 the package ws).',
        { path: relay === null ? 'relay' : 'WebSocket' },
      );
    }
    push = createPush({
      url: `${relay.replace(/^http/, 'ws')}/ws/${clientId(random)}`,
      WebSocket: Socket,
      now,
      schedule,
      random,
      onMessage: onFrame,
      onOpen: () => tell({ kind: 'alive' }),
      onLoss: () => tell({ kind: 'suspect' }),
      onClosed: () => {
        push = null;
        publish();
      },
    });
    push.update(isThere());
    return push;
  }

  function dispose() {
    if (disposed) return;
    push?.close();
    disposed = true;
    unsubscribe();
    cancelWake?.();
    stopProbe();
    closing.abort();
    for (const give of [...waiting]) give(aborted('The client was disposed of.'));
  }

  connection = startConnection(now(), network.onLine()).connection;
  shown = status();
  const unsubscribe =
    relay === null
      ? () => undefined
      : network.subscribe(() => tell({ kind: network.onLine() ? 'network_up' : 'network_down' }));
  if (relay !== null) apply(startConnection(now(), network.onLine()));

  return {
    strategy: (team, given, callOptions) =>
      ask(team, callOptions, (name) => ({
        path: '/api/team-strategy',
        request: () => (given ? { ...given, team_id: name } : situation(name)),
        read: readStrategy,
        engine: (body) => options.engine.strategy(body),
        late: strategyLate(name),
      })),
    agentSpecification: (team, given, callOptions) =>
      ask(team, callOptions, (name) => ({
        path: '/api/agent-specification',
        request: () => ({ ...given, team_id: name }),
        read: readAgentSpecification,
        engine: (body) => options.engine.agentSpecification(body),
        late: (specification, from) =>
          onRecommendation.tell({ team: name, specification, model: from, late: true }),
      })),
    adaptation: (team, given, callOptions) =>
      ask(team, callOptions, (name) => ({
        path: '/api/strategy-adaptation',
        request: () => ({ ...given, team_id: name }),
        read: readStrategy,
        engine: (body) =>
          options.engine.strategyAdaptation
            ? options.engine.strategyAdaptation(body)
            : options.engine.strategy(body),
        late: strategyLate(name),
      })),
    connect,
    get status() {
      return shown;
    },
    onStatus: onStatus.add,
    onDirective: onDirective.add,
    onRecommendation: onRecommendation.add,
    now,
    dispose,
    [Symbol.dispose]: dispose,
  };
}
