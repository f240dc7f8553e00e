/** @redoubt/engine/inline/worker: the worker client with the worker's script and core inside. */
import script from '#engine-worker-text';
import { embeddedScript } from './embedded.js';
import { engineCore } from './embedded_engine.js';
import { startEngine as start } from './worker.js';
import type { EngineClient, StartOptions } from './worker.js';

// The functions below take the place of those of the same name.
export * from './worker.js';

const workerUrl = /* @__PURE__ */ embeddedScript(script);

export function startEngine(options: StartOptions): Promise<EngineClient> {
  return start({
    ...options,
    wasm: options.wasm ?? engineCore(),
    workerUrl: options.workerUrl ?? workerUrl(),
  });
}
