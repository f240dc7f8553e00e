/**
 * The WebAssembly core: finding, compiling and instantiating it once for each source, and turning
 * what goes wrong inside it into EngineErrors.
 */
import createCore from '#engine-core';
import { EngineError } from './errors.js';
import type { EngineErrorCode, VersionInfo, WasmSource } from './types.js';

/** Set by the build from what the built core says of itself. */
declare const REDOUBT_VERSIONS: VersionInfo;

/** Versions of this package; the same numbers stand in the core that it was built with. */
export const version: VersionInfo = REDOUBT_VERSIONS;

/**
 * The functions of engine_face.cpp. A handle is a small integer. What returns bytes returns a view
 * of the core's memory that the next call may move: copy or read it at once.
 */
export interface Face {
  versions(): string;
  describeMap(kind: string, text: string, name: string): string;
  compactMap(kind: string, text: string, name: string): string;
  answer(which: string, request: string): string;

  open(kind: string, map: string, name: string, rules: string, seed: string): number;
  openReplay(bytes: Uint8Array): number;
  openSaved(snapshot: Uint8Array): number;
  close(handle: number): void;
  info(handle: number): string;

  setPlayer(handle: number, team: number, name: string): void;
  step(handle: number, orders: Uint8Array, ticks: number): Uint8Array;
  play(handle: number, ticks: number, work: number): Uint8Array;
  tick(handle: number): number;
  hash(handle: number): string;
  head(handle: number): number;
  over(handle: number): boolean;
  /** `takeEvents`: with the events since the last frame that took them. */
  frame(handle: number, takeEvents: boolean): Uint8Array;
  sight(handle: number, team: number): Uint8Array;

  think(handle: number, team: number, work: number): Uint8Array;
  direct(handle: number, team: number, strategy: string, ticks: number): void;
  explain(handle: number, team: number): string;
  heatMap(handle: number, team: number, which: number): Uint8Array;

  save(handle: number): Uint8Array;
  restore(handle: number, snapshot: Uint8Array): void;
  replay(handle: number): Uint8Array;

  setWork(handle: number, work: number): void;
  beginThoughts(handle: number): void;
  thinkSome(handle: number, units: number): boolean;
  thinking(handle: number): number;
  checkOrders(handle: number, orders: Uint8Array): void;
  advance(handle: number, orders: Uint8Array): void;
  exact(handle: number): boolean;
  seek(handle: number, tick: number): void;
  branch(handle: number, players: string): void;
  history(handle: number, everyTicks: number): Uint8Array;
  verify(handle: number): string;
}

/** One instance of the module. `dead` once it trapped: its memory can no longer be trusted. */
export interface Core {
  readonly face: Face;
  /** What it is an instance of: another one costs no compiling. */
  readonly module: WebAssembly.Module;
  dead: EngineError | null;
}

const coreFile = () => new URL('./engine-core.wasm', import.meta.url);

type NodeFs = { readFileSync(path: URL): Uint8Array<ArrayBuffer> };
type NodeProcess = { getBuiltinModule?(name: string): NodeFs };

/** Node's fs without an import that would break bundlers for the browser; undefined elsewhere. */
function nodeFs(): NodeFs | undefined {
  const host = (globalThis as { process?: NodeProcess }).process;
  return host?.getBuiltinModule?.('node:fs');
}

function loadFailed(url: string, why: string, got: string, cause?: unknown): EngineError {
  return new EngineError(
    'wasm_load_failed',
    `The engine did not load (${why}): serve engine-core.wasm at ${url}, or pass its bytes or URL as \`wasm\`.`,
    { path: url, expected: 'engine-core.wasm of this package', got, cause },
  );
}

const sources_max = 8;
/** Modules that were loaded from an address: a core that died is instantiated anew, not compiled. */
const compiled = new Map<string, WebAssembly.Module>();

async function compile(source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (typeof source !== 'string' && !(source instanceof URL)) {
    if (!(source instanceof ArrayBuffer) && !ArrayBuffer.isView(source)) {
      throw new EngineError(
        'bad_argument',
        '`wasm` must be a URL, bytes or a WebAssembly.Module; leave it out to load it from beside the package.',
        { path: 'wasm', expected: 'URL, BufferSource or WebAssembly.Module', got: typeof source },
      );
    }
    return compileBytes(source, 'the given bytes');
  }
  const url = resolve(source);
  const known = compiled.get(url.href);
  if (known) return known;
  const fs = url.protocol === 'file:' ? nodeFs() : undefined;
  const module = fs
    ? await compileBytes(readFile(fs, url), url.href)
    : await compileResponse(await fetchCore(url), url.href);
  if (compiled.size < sources_max) compiled.set(url.href, module);
  return module;
}

function resolve(source: string | URL): URL {
  try {
    const base = (globalThis as { location?: { href: string } }).location?.href;
    return source instanceof URL ? source : new URL(source, base);
  } catch (cause) {
    throw loadFailed(String(source), 'not a URL', String(source), cause);
  }
}

function readFile(fs: NodeFs, url: URL): Uint8Array<ArrayBuffer> {
  try {
    return fs.readFileSync(url);
  } catch (cause) {
    throw loadFailed(url.href, 'no such file', String((cause as Error).message), cause);
  }
}

async function fetchCore(url: URL): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'same-origin' });
  } catch (cause) {
    throw loadFailed(url.href, 'network error', String((cause as Error).message), cause);
  }
  if (!response.ok) {
    throw loadFailed(url.href, `${response.status} engine-core.wasm`, `status ${response.status}`);
  }
  return response;
}

async function compileResponse(response: Response, url: string): Promise<WebAssembly.Module> {
  // A server that does not know the type application/wasm is common; streaming needs it.
  if (response.headers.get('content-type')?.startsWith('application/wasm')) {
    try {
      return await WebAssembly.compileStreaming(response);
    } catch (cause) {
      throw notWasm(url, cause);
    }
  }
  return compileBytes(await response.arrayBuffer(), url);
}

async function compileBytes(bytes: BufferSource, from: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw notWasm(from, cause);
  }
}

function notWasm(from: string, cause: unknown): EngineError {
  const text = String((cause as Error)?.message ?? cause);
  if (/unsafe-eval|Content Security Policy/i.test(text)) {
    return new EngineError(
      'wasm_unsupported',
      "The page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to script-src.",
      { path: 'script-src', expected: "'wasm-unsafe-eval'", got: text, cause },
    );
  }
  return loadFailed(from, 'not the WebAssembly of this package', text, cause);
}

async function instantiate(source: WasmSource): Promise<Core> {
  if (typeof WebAssembly !== 'object') {
    throw new EngineError(
      'wasm_unsupported',
      'This browser has no WebAssembly: use one from 2022 or later (exception handling is needed).',
      { expected: 'WebAssembly with exception handling', got: 'none' },
    );
  }
  const module = await compile(source);
  const core: Core = { face: undefined as unknown as Face, module, dead: null };
  const face = await new Promise<unknown>((resolve, reject) => {
    createCore({
      instantiateWasm(imports, done) {
        WebAssembly.instantiate(module, imports).then(
          (instance) => done(instance, module),
          (cause) => reject(loadFailed('the given module', 'another build', String(cause), cause)),
        );
        return {};
      },
      onAbort(what) {
        core.dead = fatal(what);
      },
      print() {},
      printErr() {},
    }).then(resolve, reject);
  });
  (core as { face: Face }).face = face as Face;
  try {
    refuseOtherBuild(core);
  } catch (error) {
    compiled.clear(); // the next try asks the server again
    throw error;
  }
  return core;
}

/** A cached .wasm of another release beside new JavaScript is a deployment fault: say so. */
function refuseOtherBuild(core: Core): void {
  const got = core.face.versions();
  const { version: _, ...own } = version;
  const expected = JSON.stringify(own);
  if (got === expected) return;
  throw new EngineError(
    'version_mismatch',
    'engine-core.wasm is of another build than the JavaScript: deploy both together and reload.',
    { path: 'engine-core.wasm', expected, got },
  );
}

const bySource = new Map<unknown, Promise<Core>>();

/** The core for `source`, loaded once; a failed load or a dead core is tried anew. */
export async function loadCore(source: WasmSource = coreFile()): Promise<Core> {
  const key = source instanceof URL ? source.href : source;
  const known = bySource.get(key);
  if (known) {
    const core = await known.catch(() => null);
    if (core && !core.dead) return core;
    if (bySource.get(key) === known) bySource.delete(key);
    else return loadCore(source);
  }
  const loading = instantiate(source);
  if (bySource.size >= sources_max) bySource.delete(bySource.keys().next().value);
  bySource.set(key, loading);
  return loading;
}

/** Calls into the core; what it throws comes out as an EngineError. */
export function call<T>(core: Core, run: (face: Face) => T): T {
  if (core.dead) throw core.dead;
  try {
    return run(core.face);
  } catch (error) {
    throw translate(core, error);
  }
}

function translate(core: Core, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const fields = error as Partial<EngineError> | null;
  if (error instanceof Error && typeof fields?.code === 'string') {
    return new EngineError(fields.code as EngineErrorCode, error.message, fields);
  }
  core.dead ??= fatal(error);
  return core.dead;
}

function fatal(what: unknown): EngineError {
  const text = String((what as Error)?.message ?? what);
  if (/out of memory|OOM|memory access|enlarge memory/i.test(text) && !/out of bounds/.test(text)) {
    return new EngineError(
      'out_of_memory',
      'The engine ran out of memory: dispose of engines that are no longer used and create a new one.',
      { got: text, cause: what },
    );
  }
  return new EngineError(
    'internal',
    `The engine stopped (${text}): create a new one, restore the last snapshot, and report this.`,
    { got: text, cause: what },
  );
}
