/** @redoubt/engine: a territory-control game and its strategist as WebAssembly. */
export { version } from './core.js';
export { EngineError } from './errors.js';
export type { EngineErrorFields } from './errors.js';
export { createEngine } from './engine.js';
export type { Engine } from './engine.js';
export { openReplay } from './replay.js';
export type { Replay, ReplayVerdict } from './replay.js';
export {
  agentSpecification,
  convertMap,
  describeMap,
  ready,
  strategy,
  strategyAdaptation,
} from './advice.js';
export type { AdviceOptions } from './advice.js';
export { HEAT_MAPS, ORDER_KINDS, RESOURCES, ROLES, TEAM_FIELDS } from './types.js';
export type * from './types.js';
