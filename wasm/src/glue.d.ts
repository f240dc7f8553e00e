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
