/** @redoubt/engine/inline/models: models with the player's own key, the codecs' core inside. */
import base64 from '#model-core-base64';
import { embeddedBytes } from './embedded.js';
import { directModel as direct, providers as list } from './models.js';
import type { DirectModel, DirectOptions, Provider } from './models.js';
import type { WasmSource } from './types.js';

// The functions below take the place of those of the same name.
export * from './models.js';

const modelCore = /* @__PURE__ */ embeddedBytes(base64);

export function directModel(options: DirectOptions): Promise<DirectModel> {
  return direct({ ...options, wasm: options.wasm ?? modelCore() });
}
export function providers(options: { wasm?: WasmSource } = {}): Promise<Provider[]> {
  return list({ wasm: options.wasm ?? modelCore() });
}
