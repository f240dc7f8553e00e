/**
 * Strategies from outside: asks the client for each team that the strategist plays, gives the
 * relay's answers to the engine and says on the team's card who answered. The match never waits;
 * where the relay does not answer, the built-in strategist simply goes on.
 */

import {
  createClient,
  relayWords,
  TEAM_NAMES,
  type Answer,
  type AnsweringEngine,
  type Client,
  type DirectAdviser,
  type Strategy,
} from '@redoubt/client';
import type { EngineClient, TeamId, TeamStrategy } from '@redoubt/engine/worker';
import { withRelayLost } from '../match/markers';
import { timed } from '../measure';
import type { Badge, RelayAnswer, RelayView, State } from '../state';
import { isDue, type Asked } from './cadence';

const DIRECTED_TICKS = 300;
const DEADLINE_MS = 2500;
const ANSWERS_KEPT = 12;
const BUILT_IN: Badge = { source: 'built-in', model: null, latencyMs: null };

export interface Advice {
  readonly state: State;
  readonly client: Client;
  readonly engine: () => EngineClient | null;
  /** The relay's address; null where the page has none. */
  readonly relay: URL | null;
  /** The player's own model, where there is one. */
  readonly own: () => DirectAdviser | null;
  /** When each team's strategy was asked for last. */
  requests: Map<number, Asked>;
  /** What the engine carries out for each team now. */
  directed: Map<number, Told>;
  /** Counts matches: an answer for another one is dropped. */
  match: number;
}

/** A strategy and, where whoever answered told it, why: the card shows both. */
type Told = TeamStrategy & Partial<Pick<Strategy, 'reasons' | 'confidence'>>;

const withReasons = (told: Told): Told => ({
  strategy: told.strategy,
  focus: told.focus,
  priorities: [...told.priorities],
  description: told.description,
  ...(told.reasons && { reasons: told.reasons }),
  ...(typeof told.confidence === 'number' && { confidence: told.confidence }),
});

export function createAdvice(
  state: State,
  engine: () => EngineClient | null,
  relay: URL | null,
  own: () => DirectAdviser | null,
): Advice {
  const client = createClient({
    relay,
    deadlineMs: DEADLINE_MS,
    direct: own,
    engine: answeringEngine(state, engine),
  });
  const advice: Advice = {
    state,
    client,
    engine,
    relay,
    own,
    requests: new Map(),
    directed: new Map(),
    match: 0,
  };
  client.onStatus(() => timed(() => showStatus(advice)));
  client.onDirective(({ team, strategy, model }) => {
    const index = TEAM_NAMES.indexOf(team);
    if (index < 0 || index >= state.players.value.length) return;
    const badge = { source: 'relay', model, latencyMs: null } as const;
    direct(advice, index, strategy, badge).catch(ignoreLostEngine);
  });
  return advice;
}

/** Asks for what is due. Called a few times a second. */
export function lookForAdvice(advice: Advice): void {
  const { state, client, own, requests } = advice;
  showStatus(advice);
  const online = client.status.state === 'online' || client.status.state === 'slow';
  if (!(online || own()) || !state.playing.value || state.mode.value !== 'live') return;
  // In the past the recording plays: nothing new can be ordered there.
  if (state.tick.value < state.headTick.value) return;
  state.players.value.forEach((player, team) => {
    if (player !== 'strategist') return;
    if (!isDue(team, state.tick.value, performance.now(), requests.get(team))) return;
    ask(advice, team).catch(ignoreLostEngine);
  });
}

/** The match was exchanged for another one. */
export function resetAdvice(advice: Advice): void {
  advice.match++;
  advice.requests = new Map();
  advice.directed = new Map();
  advice.state.badges.value = [];
  advice.state.answers.value = [];
}

function answeringEngine(state: State, engine: () => EngineClient | null): AnsweringEngine {
  return {
    // Asked only where the relay does not answer: what the built-in strategist wants anyway.
    async strategy(request) {
      const team = TEAM_NAMES.indexOf(request.team_id);
      return state.explanations.value[team] ?? (await engine()?.explain(team as TeamId));
    },
    agentSpecification() {
      throw new Error('The page never asks for agents: the strategist in the engine builds them.');
    },
  };
}

async function ask(advice: Advice, team: number): Promise<void> {
  const { state, client, match } = advice;
  const running = advice.engine();
  if (!running) return;
  const tick = state.tick.value;
  const noteRequest = (waiting: boolean): void =>
    void advice.requests.set(team, { tick, atMs: performance.now(), waiting });
  noteRequest(true);
  try {
    const { team_id: _, ...request } = await running.situation(team as TeamId);
    const answer = await client.strategy(team as TeamId, request);
    if (match !== advice.match) return;
    state.answers.value = [entryOf(team, answer, tick), ...state.answers.value].slice(
      0,
      ANSWERS_KEPT,
    );
    if (answer.source !== 'engine') {
      const { model, latencyMs } = answer;
      await direct(advice, team, answer.value, { source: 'relay', model, latencyMs });
    }
  } finally {
    noteRequest(false);
  }
}

function entryOf(team: number, answer: Answer<Strategy>, tick: number): RelayAnswer {
  return {
    tick,
    team,
    source: answer.source === 'engine' ? 'built-in' : (answer.model ?? 'relay'),
    latencyMs: answer.latencyMs,
    costMicroUsd: answer.costMicroUsd,
    note: answer.reduced?.message ?? null,
  };
}

async function direct(advice: Advice, team: number, told: Told, badge: Badge): Promise<void> {
  const running = advice.engine();
  if (!running || advice.state.mode.value !== 'live') return;
  const strategy = withReasons(told);
  await running.direct(team as TeamId, strategy, badge.model ?? 'relay', DIRECTED_TICKS);
  advice.directed.set(team, strategy);
  setBadge(advice.state, team, badge);
}

/** Takes back what the relay had said: the built-in strategist plays from the next tick on. */
async function release(advice: Advice): Promise<void> {
  const { state, directed } = advice;
  const running = advice.engine();
  advice.directed = new Map();
  for (const [team, strategy] of directed) {
    setBadge(state, team, BUILT_IN);
    if (running && state.mode.value === 'live') {
      await running.direct(team as TeamId, strategy, 'relay', 1);
    }
  }
}

function setBadge(state: State, team: number, badge: Badge): void {
  const badges = state.players.value.map((_, t) => state.badges.value[t] ?? BUILT_IN);
  badges[team] = badge;
  state.badges.value = badges;
}

function showStatus(advice: Advice): void {
  const { state } = advice;
  const before = state.relay.value;
  const next = relayView(advice);
  const keys = Object.keys(next) as (keyof RelayView)[];
  if (keys.every((key) => next[key] === before[key])) return;
  state.relay.value = next;
  const gone = next.state === 'lost' || next.state === 'offline';
  const wasThere = before.state === 'online' || before.state === 'slow';
  if (!gone || !wasThere) return;
  state.markers.value = withRelayLost(state.markers.value, state.tick.value);
  release(advice).catch(ignoreLostEngine);
}

function relayView({ state, client, relay }: Advice): RelayView {
  const { status } = client;
  const words = relayWords(status, {
    nowMs: client.now(),
    date: new Date(),
    teams: state.players.value.length || 2,
    deadlineMs: DEADLINE_MS,
  });
  return {
    state: relay === null ? 'none' : status.state,
    model: status.model,
    latencyP50Ms: status.latencyP50Ms,
    costMicroUsd: status.costMicroUsd,
    lastError: status.lastError?.message ?? null,
    words: relay === null ? null : words,
    seen: status.seen,
  };
}

/** The engine's own status tells that it was lost and is restarted; its calls just end here. */
function ignoreLostEngine(error: unknown): void {
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'worker_lost' || code === 'disposed' || code === 'aborted') return;
  throw error;
}
