/** The WebAssembly core of models' wire formats: what it can do, and loading it. */
import createCore from '#model-core';
import { moduleLoader, ofBuild } from './module.js';
import type { Core } from './module.js';
import { ownFile } from './own_file.js';
import type { WasmSource } from './types.js';

/** The functions of model_face.cpp, in its own words. */
export interface ModelFace {
  versions(): string;
  providers(): string;
  encode(provider: string, baseUrl: string, body: string): string;
  decode(provider: string): number;
  decodeHead(decoder: number, status: number, headers: string, now: number): void;
  feed(decoder: number, bytes: Uint8Array): string;
  decodeEnd(decoder: number): string;
  dropDecoder(decoder: number): void;
  cost(provider: string, model: string, usage: string, begun: number, ended: number): string;
}
export type ModelCore = Core<ModelFace>;

const load = moduleLoader<ModelFace>({
  name: 'model-core.wasm',
  file: () => ownFile(new URL('./model-core.wasm', import.meta.url)),
  create: createCore,
  signatures: {
    versions: {},
    providers: {},
    encode: { provider: 'text', baseUrl: 'text', body: 'text' },
    decode: { provider: 'text' },
    decodeHead: { decoder: 'int', status: 'int', headers: 'text', now: 'number' },
    feed: { decoder: 'int', bytes: 'bytes' },
    decodeEnd: { decoder: 'int' },
    dropDecoder: { decoder: 'int' },
    cost: {
      provider: 'text',
      model: 'text',
      usage: 'text',
      begun: 'number',
      ended: 'number',
    },
  },
  check: ofBuild('model-core.wasm', '{"modelFace":3}'),
});

/** The core for `source`, loaded once; a failed load or a dead core is tried anew. */
export function loadModelCore(source?: WasmSource): Promise<ModelCore> {
  return load(source);
}
