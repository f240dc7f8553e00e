/**
 * WebAssembly modules of this package: finding, compiling and instantiating each once for each
 * source, and turning what goes wrong inside into EngineErrors.
 */
import { checkedFace } from './arguments.js';
import type { Signatures } from './arguments.js';
import { EngineError } from './errors.js';
import { without_files } from './own_file.js';
import type { EngineErrorCode, WasmSource } from './types.js';

/** What Emscripten links beside a .wasm; build.mjs resolves the names '#...'. */
export type CreateModule = (options: {
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance, module?: WebAssembly.Module) => void,
  ): object;
  onAbort(what: unknown): void;
  print(text: string): void;
  printErr(text: string): void;
}) => Promise<unknown>;

/** One instance of a module. `dead` once it trapped: its memory can no longer be trusted. */
export interface Core<Face> {
  readonly face: Face;
  /** What it is an instance of: another one costs no compiling. */
  readonly module: WebAssembly.Module;
  dead: EngineError | null;
}

export interface ModuleKind<Face> {
  /** The file's name, for messages. */
  name: string;
  /** Where it lies beside the package's scripts. */
  file(): URL;
  create: CreateModule;
  /** Of all functions that are used: the others are not there. */
  signatures: Signatures<Face>;
  /** @throws EngineError where the .wasm is of another build. */
  check(face: Face): void;
}

/**
 * A check for ModuleKind: a cached .wasm of another release beside new JavaScript is a deployment
 * fault, and says so.
 */
export function ofBuild(name: string, expected: string): (face: { versions(): string }) => void {
  return (face) => {
    const got = face.versions();
    if (got === expected) return;
    throw new EngineError(
      'version_mismatch',
      `${name} is of another build than the JavaScript: deploy both together and reload.`,
      { path: name, expected, got },
    );
  };
}

type NodeFs = { readFileSync(path: URL): Uint8Array<ArrayBuffer> };
type NodeProcess = { getBuiltinModule?(name: string): NodeFs };

/** Node's fs without an import that would break bundlers for the browser; undefined elsewhere. */
function nodeFs(): NodeFs | undefined {
  const host = (globalThis as { process?: NodeProcess }).process;
  return host?.getBuiltinModule?.('node:fs');
}

function loadFailed(
  name: string,
  url: string,
  why: string,
  got: string,
  cause?: unknown,
): EngineError {
  return new EngineError(
    'wasm_load_failed',
    `The engine did not load (${why}): serve ${name} at ${url}, or pass its bytes or URL as \`wasm\`. ${without_files}`,
    { path: url, expected: `${name} of this package`, got, cause },
  );
}

const sources_max = 8;
/** Modules that were loaded from an address: a core that died is instantiated anew, not compiled. */
const compiled = new Map<string, WebAssembly.Module>();

async function compile(name: string, source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (typeof source !== 'string' && !(source instanceof URL)) {
    if (!(source instanceof ArrayBuffer) && !ArrayBuffer.isView(source)) {
      throw new EngineError(
        'bad_argument',
        '`wasm` must be a URL, bytes or a WebAssembly.Module; leave it out to load it from beside the package.',
        { path: 'wasm', expected: 'URL, BufferSource or WebAssembly.Module', got: typeof source },
      );
    }
    return compileBytes(name, source, 'the given bytes');
  }
  const url = resolve(name, source);
  const known = compiled.get(url.href);
  if (known) return known;
  const fs = url.protocol === 'file:' ? nodeFs() : undefined;
  const module = fs
    ? await compileBytes(name, readFile(name, fs, url), url.href)
    : await compileResponse(name, await fetchCore(name, url), url.href);
  if (compiled.size < sources_max) compiled.set(url.href, module);
  return module;
}

function resolve(name: string, source: string | URL): URL {
  try {
    const base = (globalThis as { location?: { href: string } }).location?.href;
    return source instanceof URL ? source : new URL(source, base);
  } catch (cause) {
    throw loadFailed(name, String(source), 'not a URL', String(source), cause);
  }
}

function readFile(name: string, fs: NodeFs, url: URL): Uint8Array<ArrayBuffer> {
  try {
    return fs.readFileSync(url);
  } catch (cause) {
    throw loadFailed(name, url.href, 'no such file', String((cause as Error).message), cause);
  }
}

async function fetchCore(name: string, url: URL): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'same-origin' });
  } catch (cause) {
    throw loadFailed(name, url.href, 'network error', String((cause as Error).message), cause);
  }
  if (!response.ok) {
    throw loadFailed(name, url.href, `${response.status} ${name}`, `status ${response.status}`);
  }
  return response;
}

async function compileResponse(
  name: string,
  response: Response,
  url: string,
): Promise<WebAssembly.Module> {
  // A server that does not know the type application/wasm is common; streaming needs it.
  if (response.headers.get('content-type')?.startsWith('application/wasm')) {
    try {
      return await WebAssembly.compileStreaming(response);
    } catch (cause) {
      throw notWasm(name, url, cause);
    }
  }
  return compileBytes(name, await response.arrayBuffer(), url);
}

async function compileBytes(
  name: string,
  bytes: BufferSource,
  from: string,
): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw notWasm(name, from, cause);
  }
}

function notWasm(name: string, from: string, cause: unknown): EngineError {
  const text = String((cause as Error)?.message ?? cause);
  if (/unsafe-eval|Content Security Policy/i.test(text)) {
    return new EngineError(
      'wasm_unsupported',
      "The page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to script-src.",
      { path: 'script-src', expected: "'wasm-unsafe-eval'", got: text, cause },
    );
  }
  return loadFailed(name, from, 'not the WebAssembly of this package', text, cause);
}

async function instantiate<Face>(kind: ModuleKind<Face>, source: WasmSource): Promise<Core<Face>> {
  if (typeof WebAssembly !== 'object') {
    throw new EngineError(
      'wasm_unsupported',
      'This browser has no WebAssembly: use one from 2023 or later (exception handling and vectors are needed).',
      { expected: 'WebAssembly with exception handling and vectors', got: 'none' },
    );
  }
  const module = await compile(kind.name, source);
  const core = { face: undefined as Face, module, dead: null as EngineError | null };
  core.face = await new Promise<Face>((resolve, reject) => {
    kind
      .create({
        instantiateWasm(imports, done) {
          WebAssembly.instantiate(module, imports).then(
            (instance) => done(instance, module),
            (cause) =>
              reject(
                loadFailed(kind.name, 'the given module', 'another build', String(cause), cause),
              ),
          );
          return {};
        },
        onAbort(what) {
          core.dead = fatal(what);
        },
        print() {},
        printErr() {},
      })
      .then(
        (face) =>
          resolve(checkedFace(face as Face, kind.signatures, (error) => translate(core, error))),
        reject,
      );
  });
  try {
    kind.check(core.face);
  } catch (error) {
    compiled.clear(); // the next try asks the server again
    throw error;
  }
  return core;
}

/** A function that loads a kind of module, once for each source; dead and failed ones anew. */
export function moduleLoader<Face>(
  kind: ModuleKind<Face>,
): (source?: WasmSource) => Promise<Core<Face>> {
  const bySource = new Map<unknown, Promise<Core<Face>>>();
  return async function load(source: WasmSource = kind.file()): Promise<Core<Face>> {
    const key = source instanceof URL ? source.href : source;
    const known = bySource.get(key);
    if (known) {
      const core = await known.catch(() => null);
      if (core && !core.dead) return core;
      if (bySource.get(key) === known) bySource.delete(key);
      else return load(source);
    }
    const loading = instantiate(kind, source);
    if (bySource.size >= sources_max) bySource.delete(bySource.keys().next().value);
    bySource.set(key, loading);
    return loading;
  };
}

/**
 * Calls into the core; what goes wrong comes out as an EngineError. Only what the core itself threw
 * can be its end: what `run` does besides, reading the caller's objects, is the caller's.
 */
export function call<Face, T>(core: Core<Face>, run: (face: Face) => T): T {
  if (core.dead) throw core.dead;
  try {
    return run(core.face);
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const got = String((error as Error)?.message ?? error);
    throw new EngineError('bad_argument', `What was given cannot be read: ${got}.`, {
      got,
      cause: error,
    });
  }
}

function translate<Face>(core: Core<Face>, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const fields = error as Partial<EngineError> | null;
  if (error instanceof Error && typeof fields?.code === 'string') {
    return new EngineError(fields.code as EngineErrorCode, error.message, fields);
  }
  // Embind's own, of an argument: the core has not run.
  if (fields?.name === 'BindingError') {
    return new EngineError(
      'bad_argument',
      `The core was given what it does not take: ${String(error)}.`,
      {
        got: String(error),
        cause: error,
      },
    );
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
