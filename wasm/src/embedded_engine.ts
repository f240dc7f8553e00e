/** engine-core.wasm, for all entries under @redoubt/engine/inline. */
import base64 from '#engine-core-base64';
import { embeddedBytes } from './embedded.js';

export const engineCore = /* @__PURE__ */ embeddedBytes(base64);
