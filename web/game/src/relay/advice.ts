/**
 * Strategies from outside: asks the client for each team that the strategist plays, gives the
 * relay's answers to the engine and says on the team's card who answered. The match never waits;
 * where the relay does not answer, the built-in strategist simply goes on.
 */

import {
  createClient,
  relayWords,
  type Answer,
  type Client,
  type DirectAdviser,
  type Strategy,
} from '@redoubt/client';
import type { EngineClient, TeamId, TeamStrategy } from '@redoubt/engine/worker';
import { withRelayLost } from '../match/markers';
import type { Badge, RelayAnswer, State } from '../state';
import { timed } from '../measure';
import { isDue, type Asked } from './cadence';

const DIRECTED_TICKS = 300;
const DEADLINE_MS = 2500;
const ANSWERS_KEPT = 12;
const BUILT_IN: Badge = { source: 'built-in', model: null, latencyMs: null };

export interface Advice {
  /** Called a few times a second. */
  look(): void;
  /** The match was exchanged for another one. */
  reset(): void;
  readonly client: Client;
}

/** A strategy and, where whoever answered told it, why: the card shows both. */
type Told = TeamStrategy & Partial<Pick<Strategy, 'reasons' | 'confidence'>>;

const asked = (told: Told): Told => ({
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
  let requests = new Map<number, Asked>();
  let directed = new Map<number, Told>();
  let match = 0;

  const client = createClient({
    relay,
    deadlineMs: DEADLINE_MS,
    direct: own,
    engine: {
      // Asked only where the relay does not answer: what the built-in strategist wants anyway.
      async strategy(request) {
        const team = ['red', 'blue', 'green', 'yellow'].indexOf(request.team_id);
        return state.explanations.value[team] ?? (await engine()?.explain(team as TeamId));
      },
      agentSpecification() {
        throw new Error(
          'The page never asks for agents: the strategist in the engine builds them.',
        );
      },
    },
  });

  function setBadge(team: number, badge: Badge): void {
    const badges = state.players.value.map((_, t) => state.badges.value[t] ?? BUILT_IN);
    badges[team] = badge;
    state.badges.value = badges;
  }

  function note(team: number, answer: Answer<Strategy>, tick: number): void {
    const entry: RelayAnswer = {
      tick,
      team,
      source: answer.source === 'engine' ? 'built-in' : (answer.model ?? 'relay'),
      latencyMs: answer.latencyMs,
      costMicroUsd: answer.costMicroUsd,
      note: answer.reduced?.message ?? null,
    };
    state.answers.value = [entry, ...state.answers.value].slice(0, ANSWERS_KEPT);
  }

  async function direct(team: number, strategy: Told, badge: Badge): Promise<void> {
    const running = engine();
    if (!running || state.mode.value !== 'live') return;
    const value = asked(strategy);
    await running.direct(team as TeamId, value, badge.model ?? 'relay', DIRECTED_TICKS);
    directed.set(team, value);
    setBadge(team, badge);
  }

  async function ask(team: number): Promise<void> {
    const running = engine();
    if (!running) return;
    const asking = match;
    const tick = state.tick.value;
    requests.set(team, { tick, atMs: performance.now(), waiting: true });
    try {
      const { team_id: _, ...request } = await running.situation(team as TeamId);
      const answer = await client.strategy(team as TeamId, request);
      if (asking !== match) return;
      note(team, answer, tick);
      if (answer.source !== 'engine') {
        const { model, latencyMs } = answer;
        await direct(team, answer.value, { source: 'relay', model, latencyMs });
      }
    } finally {
      requests.set(team, { tick, atMs: performance.now(), waiting: false });
    }
  }

  /** Takes back what the relay had said: the built-in strategist plays from the next tick on. */
  async function release(): Promise<void> {
    const running = engine();
    const teams = [...directed];
    directed = new Map();
    for (const [team, strategy] of teams) {
      setBadge(team, BUILT_IN);
      if (running && state.mode.value === 'live') {
        await running.direct(team as TeamId, strategy, 'relay', 1);
      }
    }
  }

  function showStatus(): void {
    const { status } = client;
    const words = relayWords(status, {
      nowMs: client.now(),
      date: new Date(),
      teams: state.players.value.length || 2,
      deadlineMs: DEADLINE_MS,
    });
    const before = state.relay.value;
    const next = {
      state: relay === null ? ('none' as const) : status.state,
      model: status.model,
      latencyP50Ms: status.latencyP50Ms,
      costMicroUsd: status.costMicroUsd,
      lastError: status.lastError?.message ?? null,
      words: relay === null ? null : words,
      seen: status.seen,
    };
    const same = (Object.keys(next) as (keyof typeof next)[]).every(
      (key) => next[key] === before[key],
    );
    if (same) return;
    state.relay.value = next;
    const gone = next.state === 'lost' || next.state === 'offline';
    const wasThere = before.state === 'online' || before.state === 'slow';
    if (!gone || !wasThere) return;
    state.markers.value = withRelayLost(state.markers.value, state.tick.value);
    release().catch(ignoreLostEngine);
  }

  client.onStatus(() => timed(showStatus));
  client.onDirective(({ team, strategy, model }) => {
    const index = ['red', 'blue', 'green', 'yellow'].indexOf(team);
    if (index < 0 || index >= state.players.value.length) return;
    direct(index, strategy, { source: 'relay', model, latencyMs: null }).catch(ignoreLostEngine);
  });

  return {
    client,
    look() {
      showStatus();
      const online = client.status.state === 'online' || client.status.state === 'slow';
      if (!(online || own()) || !state.playing.value || state.mode.value !== 'live') return;
      // In the past the recording plays: nothing new can be ordered there.
      if (state.tick.value < state.headTick.value) return;
      state.players.value.forEach((player, team) => {
        if (player !== 'strategist') return;
        if (!isDue(team, state.tick.value, performance.now(), requests.get(team))) return;
        ask(team).catch(ignoreLostEngine);
      });
    },
    reset() {
      match++;
      requests = new Map();
      directed = new Map();
      state.badges.value = [];
      state.answers.value = [];
    },
  };
}

/** The engine's own status tells that it was lost and is restarted; its calls just end here. */
function ignoreLostEngine(error: unknown): void {
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'worker_lost' || code === 'disposed' || code === 'aborted') return;
  throw error;
}
