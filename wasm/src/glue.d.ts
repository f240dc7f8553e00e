/** What Emscripten links beside engine-core.wasm; build.mjs resolves the name. */
declare module '#engine-core' {
  export interface CoreModule extends Record<string, unknown> {
    HEAPU8: Uint8Array;
  }
  export interface CoreOptions {
    instantiateWasm(
      imports: WebAssembly.Imports,
      done: (instance: WebAssembly.Instance, module?: WebAssembly.Module) => void,
    ): object;
    onAbort(what: unknown): void;
    print(text: string): void;
    printErr(text: string): void;
  }
  export default function createCore(options: CoreOptions): Promise<CoreModule>;
}
