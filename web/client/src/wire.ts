/**
 * The shapes that the relay speaks, each as a type and as a check: what a model or a broken proxy
 * sends is only handed to a game after it was read here. Members the shape does not name are dropped.
 * The types are made of the relay's schemas (wire_schemas.ts); what is said here is what differs for a
 * game: teams have one name each, and a reason may have cells.
 *
 * Requests keep the wire's own spelling (team_id, territory_control): the engine reads the very same
 * objects, so a game fills one shape for both.
 */

import { ClientError } from './errors.js';
import type * as wire from './wire_schemas.js';
import { FOCUSES, PRIORITIES, RESOURCES, ROLES, STANCES } from './wire_schemas.js';

/** In the order of the engine's team numbers 0..3. */
export const TEAM_NAMES = ['red', 'blue', 'green', 'yellow'] as const;
export type TeamName = (typeof TEAM_NAMES)[number];

const ATTRIBUTES = ['speed', 'health', 'attack', 'defense', 'carryCapacity'] as const;

const DESCRIPTION_CHARACTERS_MIN = 5;
const DESCRIPTION_CHARACTERS_MAX = 200;
const REASONS_MAX = 16;
const REASON_CELLS_MAX = 4096;
const TEXT_CHARACTERS_MAX = 400;
const ATTRIBUTE_SUM_MAX = 3;

export type ResourceAmounts = wire.Amounts;

/** Body of POST /api/team-strategy. Teams are keys: "red", "blue", "green", "yellow". */
export interface TeamStrategyRequest extends Omit<wire.TeamStrategyRequest, 'team_id'> {
  team_id: TeamName;
}

/** Body of POST /api/agent-specification. */
export interface AgentSpecificationRequest extends Omit<wire.AgentSpecificationRequest, 'team_id'> {
  team_id: TeamName;
}

type Observation = wire.StrategyAdaptationRequest['opponent_history'][number];

/** Body of POST /api/strategy-adaptation. */
export interface AdaptationRequest extends TeamStrategyRequest {
  current_strategy: TeamStrategy;
  opponent_history: (Required<Omit<Observation, 'actions'>> & Pick<Observation, 'actions'>)[];
}

export interface TeamStrategy extends Omit<wire.TeamStrategy, keyof wire.Reasoned> {}

export interface Reason extends wire.Reason {
  /** Cells that show it (may be empty). */
  cells: number[];
}

/** A strategy and, where whoever answered told it, why. */
export interface Strategy extends TeamStrategy {
  reasons: Reason[];
  /** 0..1, null where unknown. */
  confidence: number | null;
}

export interface AgentSpecification extends Omit<wire.AgentSpecification, keyof wire.Reasoned> {}

type Members = Record<string, unknown>;

/** Throws ClientError bad_answer. */
function refuse(path: string, expected: string, got: unknown): never {
  const shown = (JSON.stringify(got) ?? String(got)).slice(0, 80);
  throw new ClientError(
    'bad_answer',
    `The answer's ${path || 'body'} is ${shown}; expected ${expected}.`,
    { path, expected, got: shown },
  );
}

function members(value: unknown, path: string): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  return refuse(path, 'an object', value);
}

function oneOf<T extends string>(value: unknown, names: readonly T[], path: string): T {
  return names.includes(value as T)
    ? (value as T)
    : refuse(path, `one of ${names.join(', ')}`, value);
}

function number(value: unknown, low: number, high: number, path: string): number {
  if (typeof value === 'number' && value >= low && value <= high) return value;
  return refuse(path, `a number from ${low} to ${high}`, value);
}

function text(value: unknown, shortest: number, longest: number, path: string): string {
  if (typeof value === 'string' && value.length >= shortest && value.length <= longest)
    return value;
  return refuse(path, `text of ${shortest} to ${longest} characters`, value);
}

function list(value: unknown, fewest: number, most: number, path: string): unknown[] {
  if (Array.isArray(value) && value.length >= fewest && value.length <= most) return value;
  return refuse(path, `a list of ${fewest} to ${most}`, value);
}

const description = (value: unknown) =>
  text(value, DESCRIPTION_CHARACTERS_MIN, DESCRIPTION_CHARACTERS_MAX, 'description');

/** @throws ClientError bad_answer naming the member. */
export function readTeamStrategy(value: unknown): TeamStrategy {
  const from = members(value, '');
  return {
    strategy: oneOf(from.strategy, STANCES, 'strategy'),
    focus: oneOf(from.focus, FOCUSES, 'focus'),
    priorities: list(from.priorities, 1, PRIORITIES.length, 'priorities').map((name, index) =>
      oneOf(name, PRIORITIES, `priorities.${index}`),
    ),
    description: description(from.description),
  };
}

function readReason(value: unknown, index: number): Reason {
  const path = `reasons.${index}`;
  const from = members(value, path);
  const any = Number.MAX_VALUE;
  return {
    feature: text(from.feature, 1, TEXT_CHARACTERS_MAX, `${path}.feature`),
    text: text(from.text, 1, TEXT_CHARACTERS_MAX, `${path}.text`),
    value: number(from.value, -any, any, `${path}.value`),
    unit: text(from.unit, 0, TEXT_CHARACTERS_MAX, `${path}.unit`),
    weight: number(from.weight, -1, 1, `${path}.weight`),
    cells: list(from.cells ?? [], 0, REASON_CELLS_MAX, `${path}.cells`).map((cell, at) =>
      number(cell, 0, REASON_CELLS_MAX, `${path}.cells.${at}`),
    ),
  };
}

/** @throws ClientError bad_answer naming the member. */
export function readStrategy(value: unknown): Strategy {
  const from = members(value, '');
  return {
    ...readTeamStrategy(from),
    reasons: list(from.reasons ?? [], 0, REASONS_MAX, 'reasons').map(readReason),
    confidence:
      from.confidence === undefined || from.confidence === null
        ? null
        : number(from.confidence, 0, 1, 'confidence'),
  };
}

/** @throws ClientError bad_answer naming the member. */
export function readAgentSpecification(value: unknown): AgentSpecification {
  const from = members(value, '');
  const given = members(from.attributes, 'attributes');
  const attributes = {} as AgentSpecification['attributes'];
  let sum = 0;
  for (const name of ATTRIBUTES) {
    attributes[name] = number(given[name], 0.1, 1, `attributes.${name}`);
    sum += attributes[name];
  }
  if (sum > ATTRIBUTE_SUM_MAX) refuse('attributes', `a sum of at most ${ATTRIBUTE_SUM_MAX}`, sum);
  return {
    role: oneOf(from.role, ROLES, 'role'),
    attributes,
    priority: oneOf(from.priority, RESOURCES, 'priority'),
    description: description(from.description),
  };
}

/** Who is behind an answer: the model's name, or null for a built-in strategist. */
export function modelOf(answer: unknown): string | null {
  const { model, source } = (answer ?? {}) as { model?: unknown; source?: unknown };
  const name = model ?? (source === 'engine' ? null : source);
  return typeof name === 'string' ? name.slice(0, TEXT_CHARACTERS_MAX) : null;
}

/** "red" or "team1" or 0-based team number, as a name. */
export function teamName(team: unknown): TeamName {
  const byNumber = typeof team === 'number' ? TEAM_NAMES[team] : undefined;
  const numbered = typeof team === 'string' ? /^(?:team)?([1-4])$/.exec(team) : null;
  const name = byNumber ?? (numbered ? TEAM_NAMES[Number(numbered[1]) - 1] : team);
  return oneOf(name, TEAM_NAMES, 'team');
}
