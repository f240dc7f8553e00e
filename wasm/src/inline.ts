/** @redoubt/engine/inline: the same with the WebAssembly inside the JavaScript, for a single file. */
import { engineCore } from './embedded_engine.js';
import * as engine from './index.js';
import type {
  AdviceOptions,
  AgentAnswer,
  AgentSpecificationRequest,
  Engine,
  EngineOptions,
  MapInfo,
  MapSource,
  Replay,
  StrategyAdaptationRequest,
  StrategyAnswer,
  TeamStrategyRequest,
} from './index.js';

// The functions below take the place of those of the same name.
export * from './index.js';

const inside = <Options extends AdviceOptions>(options?: Options) => ({
  ...(options as Options),
  wasm: options?.wasm ?? engineCore(),
});

export function createEngine(options: EngineOptions): Promise<Engine> {
  return engine.createEngine(inside(options));
}
export function openReplay(
  replay: Uint8Array | ArrayBuffer,
  options?: AdviceOptions,
): Promise<Replay> {
  return engine.openReplay(replay, inside(options));
}
export function ready(options?: AdviceOptions): Promise<void> {
  return engine.ready(inside(options));
}
export function strategy(
  request: TeamStrategyRequest,
  options?: AdviceOptions,
): Promise<StrategyAnswer> {
  return engine.strategy(request, inside(options));
}
export function agentSpecification(
  request: AgentSpecificationRequest,
  options?: AdviceOptions,
): Promise<AgentAnswer> {
  return engine.agentSpecification(request, inside(options));
}
export function strategyAdaptation(
  request: StrategyAdaptationRequest,
  options?: AdviceOptions,
): Promise<StrategyAnswer> {
  return engine.strategyAdaptation(request, inside(options));
}
export function describeMap(source: MapSource, options?: AdviceOptions): Promise<MapInfo> {
  return engine.describeMap(source, inside(options));
}
export function convertMap(source: MapSource, options?: AdviceOptions): Promise<string> {
  return engine.convertMap(source, inside(options));
}
