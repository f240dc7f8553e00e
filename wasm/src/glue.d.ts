/** What Emscripten links beside each .wasm; build.mjs resolves the names. */
declare module '#engine-core' {
  const createCore: import('./module.js').CreateModule;
  export default createCore;
}
declare module '#workflow-core' {
  const createCore: import('./module.js').CreateModule;
  export default createCore;
}
declare module '#model-core' {
  const createCore: import('./module.js').CreateModule;
  export default createCore;
}
/** The shipped workflows as JSON, from engine/workflows/*.yaml. */
declare module '#shipped-workflows' {
  const shipped: readonly { name: string; file: object }[];
  export default shipped;
}
/** The modules and the workers' scripts themselves, as build.mjs writes them. */
declare module '#engine-core-base64' {
  const base64: string;
  export default base64;
}
declare module '#workflow-core-base64' {
  const base64: string;
  export default base64;
}
declare module '#model-core-base64' {
  const base64: string;
  export default base64;
}
declare module '#engine-worker-text' {
  const script: string;
  export default script;
}
declare module '#workflow-worker-text' {
  const script: string;
  export default script;
}
