/** The strategist for games with a world of their own: a request in, an answer out. */
import { jsonText } from './arguments.js';
import { call, loadCore } from './core.js';
import { mapInfo, mapText } from './source.js';
import type {
  AgentAnswer,
  AgentSpecificationRequest,
  MapInfo,
  MapSource,
  StrategyAdaptationRequest,
  StrategyAnswer,
  TeamStrategyRequest,
  WasmSource,
} from './types.js';

export interface AdviceOptions {
  wasm?: WasmSource;
}

/** Loads the core ahead of use, so that the first answer comes at once. */
export async function ready(options: AdviceOptions = {}): Promise<void> {
  await loadCore(options.wasm);
}

async function ask<T>(which: string, request: object, options: AdviceOptions): Promise<T> {
  const text = jsonText('request', request, 'bad_request');
  const core = await loadCore(options.wasm);
  return JSON.parse(call(core, (face) => face.answer(which, text))) as T;
}

/** What a team should do, from a description of the game. Rejects with bad_request. */
export function strategy(
  request: TeamStrategyRequest,
  options: AdviceOptions = {},
): Promise<StrategyAnswer> {
  return ask('team_strategy', request, options);
}

/** Which agent a team should build next. Rejects with bad_request. */
export function agentSpecification(
  request: AgentSpecificationRequest,
  options: AdviceOptions = {},
): Promise<AgentAnswer> {
  return ask('agent_specification', request, options);
}

/** A strategy that answers what was seen of the opponent. Rejects with bad_request. */
export function strategyAdaptation(
  request: StrategyAdaptationRequest,
  options: AdviceOptions = {},
): Promise<StrategyAnswer> {
  return ask('strategy_adaptation', request, options);
}

/** Reads and checks a map without a match. Rejects with bad_map. */
export async function describeMap(
  source: MapSource,
  options: AdviceOptions = {},
): Promise<MapInfo> {
  const { kind, text, name } = mapText(source);
  const core = await loadCore(options.wasm);
  return mapInfo(call(core, (face) => face.describeMap(kind, text, name)));
}

/** Any map as our own compact JSON, lossless; `compact` of a MapSource. */
export async function convertMap(source: MapSource, options: AdviceOptions = {}): Promise<string> {
  const { kind, text, name } = mapText(source);
  const core = await loadCore(options.wasm);
  return call(core, (face) => face.compactMap(kind, text, name));
}
