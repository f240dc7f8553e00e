/** What a game may ask, each question as one call. */

import type { Call } from './call.js';
import { ClientError } from './errors.js';
import type { ClientState } from './state.js';
import type { AnsweringEngine, CallOptions, Team, TeamNumber } from './types.js';
import {
  type AdaptationRequest,
  type AgentSpecification,
  type AgentSpecificationRequest,
  readAgentSpecification,
  readStrategy,
  type Strategy,
  TEAM_NAMES,
  type TeamName,
  type TeamStrategyRequest,
  teamName,
} from './wire.js';

type WithoutTeam<T> = Omit<T, 'team_id'>;

export function strategyCall(
  state: ClientState,
  team: Team,
  given: WithoutTeam<TeamStrategyRequest> | undefined,
  { signal }: CallOptions = {},
): Call<Strategy> {
  const { engine } = state.options;
  const name = named(team);
  return {
    path: '/api/team-strategy',
    request: () => (given ? { ...given, team_id: name } : situation(engine, name)),
    read: readStrategy,
    engine: (body) => engine.strategy(body),
    direct: (adviser) => adviser.strategy?.bind(adviser) ?? null,
    late: tellDirective(state, name),
    signal,
  };
}

export function agentSpecificationCall(
  state: ClientState,
  team: Team,
  given: WithoutTeam<AgentSpecificationRequest>,
  { signal }: CallOptions = {},
): Call<AgentSpecification> {
  const name = named(team);
  return {
    path: '/api/agent-specification',
    request: () => ({ ...given, team_id: name }),
    read: readAgentSpecification,
    engine: (body) => state.options.engine.agentSpecification(body),
    direct: (adviser) => adviser.agentSpecification?.bind(adviser) ?? null,
    late: (specification, model) =>
      state.onRecommendation.tell({ team: name, specification, model, late: true }),
    signal,
  };
}

export function adaptationCall(
  state: ClientState,
  team: Team,
  given: WithoutTeam<AdaptationRequest>,
  { signal }: CallOptions = {},
): Call<Strategy> {
  const { engine } = state.options;
  const name = named(team);
  return {
    path: '/api/strategy-adaptation',
    request: () => ({ ...given, team_id: name }),
    read: readStrategy,
    engine: (body) => (engine.strategyAdaptation ?? engine.strategy).call(engine, body),
    direct: (adviser) => adviser.strategyAdaptation?.bind(adviser) ?? null,
    late: tellDirective(state, name),
    signal,
  };
}

/** A strategy that came too late for its caller is told to whoever listens. */
const tellDirective =
  ({ onDirective }: ClientState, team: TeamName): Call<Strategy>['late'] =>
  (strategy, model) =>
    onDirective.tell({ team, strategy, model, late: true });

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
