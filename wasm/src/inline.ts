/** @redoubt/engine/inline: the same with the WebAssembly inside the JavaScript, for a single file. */
import { createEngine as create } from './engine.js';
import type { Engine } from './engine.js';
import * as advice from './advice.js';
import { openReplay as open } from './replay.js';
import type { Replay } from './replay.js';
import type {
  AgentAnswer,
  AgentSpecificationRequest,
  EngineOptions,
  MapInfo,
  MapSource,
  StrategyAdaptationRequest,
  StrategyAnswer,
  TeamStrategyRequest,
} from './types.js';

export { version } from './core.js';
export { EngineError } from './errors.js';
export type { EngineErrorFields } from './errors.js';
export type { Engine } from './engine.js';
export type { Replay, ReplayVerdict } from './replay.js';
export { HEAT_MAPS, ORDER_KINDS, RESOURCES, ROLES, TEAM_FIELDS } from './types.js';
export type * from './types.js';

/** Set by the build: engine-core.wasm in base64. */
declare const REDOUBT_WASM_BASE64: string;

let bytes: Uint8Array<ArrayBuffer> | undefined;
/** The same object each time, so that the core is compiled once. */
function wasm(): Uint8Array<ArrayBuffer> {
  return (bytes ??= Uint8Array.from(atob(REDOUBT_WASM_BASE64), (c) => c.charCodeAt(0)));
}

export function createEngine(options: EngineOptions): Promise<Engine> {
  return create({ wasm: wasm(), ...options });
}
export function openReplay(replay: Uint8Array | ArrayBuffer): Promise<Replay> {
  return open(replay, { wasm: wasm() });
}
export function ready(): Promise<void> {
  return advice.ready({ wasm: wasm() });
}
export function strategy(request: TeamStrategyRequest): Promise<StrategyAnswer> {
  return advice.strategy(request, { wasm: wasm() });
}
export function agentSpecification(request: AgentSpecificationRequest): Promise<AgentAnswer> {
  return advice.agentSpecification(request, { wasm: wasm() });
}
export function strategyAdaptation(request: StrategyAdaptationRequest): Promise<StrategyAnswer> {
  return advice.strategyAdaptation(request, { wasm: wasm() });
}
export function describeMap(source: MapSource): Promise<MapInfo> {
  return advice.describeMap(source, { wasm: wasm() });
}
export function convertMap(source: MapSource): Promise<string> {
  return advice.convertMap(source, { wasm: wasm() });
}
