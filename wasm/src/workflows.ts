/**
 * @redoubt/engine/workflows: workflows and agents in the page, with the strategist to fall back on.
 *
 * @example
 * const workflows = await startWorkflows({ journal: 'indexeddb', model: askMyModel });
 * const run = await workflows.start('team_strategy', request);
 * const { answer, source } = await workflows.result(run.id);
 */
import shipped from '#shipped-workflows';
import { call, loadCore } from './core.js';
import { EngineError, fromWire } from './errors.js';
import { memoryJournal } from './journal.js';
import type { Journal, JournalKind } from './journal.js';
import { movedScript, ownFile, workerNotLoaded } from './own_file.js';
import { RunHost } from './run_host.js';
import type {
  Effect,
  ModelAnswer,
  ModelCall,
  ModelEffect,
  RunEvent,
  RunView,
  ToolCall,
} from './run_host.js';
import { EffectFailure } from './run_host.js';
import { loadWorkflowCore } from './workflow_core.js';
import type { FromWorkflowWorker, ToWorkflowWorker } from './workflow_protocol.js';
import type { WasmSource } from './types.js';

export { EngineError } from './errors.js';
export { EffectFailure } from './run_host.js';
export { indexedDbJournal, memoryJournal } from './journal.js';
export type { Journal, MemoryEntry, StoredRun } from './journal.js';
export type {
  Effect,
  ModelAnswer,
  ModelCall,
  ModelEffect,
  ModelMessage,
  ModelRequest,
  Question,
  RunEvent,
  RunStatus,
  RunView,
  ToolCall,
} from './run_host.js';

export interface WorkflowOptions {
  /** Where the WebAssembly modules come from. Default: beside the package. */
  wasm?: { engine?: WasmSource; workflow?: WasmSource };
  /** Answers model steps; without it they fail with `no_model` and their fallbacks answer. */
  model?: ModelCall;
  tools?: Readonly<Record<string, ToolCall>>;
  /** Files that runs may start as children and hand over to, beside those of the package. */
  workflows?: Readonly<Record<string, object>>;
}

export interface LocalOptions extends WorkflowOptions {
  /** Default: memoryJournal(). */
  journal?: Journal;
  now?: () => number;
  schedule?: (callback: () => void, delayMs: number) => () => void;
  /** As Workflows.onChange, from the first run that is taken up on. */
  onChange?: (run: RunView) => void;
}

export interface WorkerOptions extends WorkflowOptions {
  /** Runs outlive the page in IndexedDB (the database's name may be given), or end with it. */
  journal?: JournalKind;
  /** Where the worker's script is, for set-ups that move it. Default: beside the package. */
  workerUrl?: string | URL;
}

/** Runs of workflows. Every method rejects with an EngineError. */
export interface Workflows {
  /** The workflows that come with the package. */
  readonly names: readonly string[];
  /** A shipped workflow's name, or a workflow file as an object. Rejects with bad_workflow. */
  start(
    workflow: string | object,
    input: unknown,
    options?: { id?: string; seed?: string },
  ): Promise<RunView>;
  /** Waits until the run is over: its result, or an EngineError with the run's failure. */
  result<T = unknown>(id: string): Promise<T>;
  list(): readonly RunView[];
  /** The run's events from number `from` on. */
  events(id: string, from?: number): Promise<RunEvent[]>;
  /** The whole history, as bytes that `redoubt workflow replay` reads. */
  history(id: string): Promise<Uint8Array>;
  /**
   * Parks the run here and gives it as one file, for the relay (POST /api/workflows/runs), for
   * `redoubt workflow bundle import`, or for import() elsewhere.
   */
  export(id: string): Promise<Uint8Array>;
  /**
   * Takes a run over: every decision is taken again first. Refused where it is under way here, or
   * where a byte is not what was written. `clockOffset`: this clock minus the exporter's, in ms.
   */
  import(bundle: Uint8Array, options?: { clockOffset?: number }): Promise<RunView>;
  /** `question`: its id, or the name of the step that asks where only one of its is open. */
  answer(id: string, question: string, value: unknown): Promise<void>;
  signal(id: string, name: string, value: unknown): Promise<void>;
  cancel(id: string, reason?: string): Promise<void>;
  /**
   * Tries a run once more that a start could not take up, or over which the page died: its view has
   * the error, `run_set_aside` for the latter.
   */
  resume(id: string): Promise<RunView>;
  /** Forgets a run, whether it is over or not. */
  remove(id: string): Promise<void>;
  /** Every change of a run; returns what ends it. */
  onChange(listener: (run: RunView) => void): () => void;
  dispose(): void;
}

const file_of = (workflow: string | object): object => {
  if (typeof workflow === 'object') return workflow;
  const known = shipped.find(({ name }) => name === workflow);
  if (known) return known.file;
  throw new EngineError('bad_workflow', `No workflow is called ${workflow}.`, {
    path: 'workflow',
    expected: shipped.map(({ name }) => name).join(', '),
    got: workflow,
  });
};

const timers = (callback: () => void, delayMs: number) => {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
};

/** What both kinds share: the views as they were last told, and who wants to know. */
class Watched {
  readonly views = new Map<string, RunView>();
  private readonly listeners = new Set<(run: RunView) => void>();
  /** Who waits for the result of a run that may be removed. */
  private readonly waiting = new Map<string, Set<(why: EngineError) => void>>();

  readonly tell = (view: RunView): void => {
    this.views.set(view.id, view);
    for (const listener of this.listeners) listener(view);
  };
  onChange(listener: (run: RunView) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  list(): RunView[] {
    return [...this.views.values()].sort(
      (a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1),
    );
  }
  result<T>(id: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (run: RunView | undefined): boolean => {
        if (!run) {
          reject(
            new EngineError('bad_argument', `There is no run ${id}.`, { path: 'id', got: id }),
          );
        } else if (run.status === 'done') {
          resolve(run.outcome as T);
        } else if (run.status === 'failed' || run.status === 'cancelled' || run.error) {
          reject(ended(run));
        } else {
          return false;
        }
        return true;
      };
      if (look(this.views.get(id))) return;
      const waiting = this.waiting.get(id) ?? new Set();
      this.waiting.set(id, waiting);
      const end = this.onChange((run) => {
        if (run.id !== id || !look(run)) return;
        end();
        waiting.delete(giveUp);
      });
      const giveUp = (why: EngineError) => {
        end();
        reject(why);
      };
      waiting.add(giveUp);
    });
  }
  private giveUp(id: string, why: EngineError): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    waiting?.forEach((tell) => tell(why));
  }
  /** The run was removed. */
  forget(id: string): void {
    this.views.delete(id);
    const message = `Run ${id} was removed.`;
    this.giveUp(id, new EngineError('run_over', message, { path: id, got: 'removed' }));
  }
  clear(): void {
    this.listeners.clear();
    this.waiting.clear();
  }
}

function ended(run: RunView): EngineError {
  const outcome = (run.outcome ?? run.error) as { code?: string; message?: string } | null;
  const why = outcome?.message ?? run.status;
  return new EngineError('run_over', `Run ${run.id} is ${run.status}: ${why}`, {
    path: run.id,
    got: outcome?.code ?? run.status,
  });
}

function freshId(): string {
  return crypto.randomUUID();
}
function freshSeed(): string {
  return crypto.getRandomValues(new BigUint64Array(1))[0]!.toString();
}

/** Runs in this very thread: for Node, for tests, and for pages with a worker of their own. */
export async function createWorkflows(options: LocalOptions = {}): Promise<Workflows> {
  const [core, engine] = await Promise.all([
    loadWorkflowCore(options.wasm?.workflow),
    loadCore(options.wasm?.engine),
  ]);
  const watched = new Watched();
  if (options.onChange) watched.onChange(options.onChange);
  const host = new RunHost({
    core,
    journal: options.journal ?? memoryJournal(),
    builtins: call(engine, (face) => face.builtinNames()),
    builtin: (name, request) => call(engine, (face) => face.builtin(name, request)),
    workflowNames: [...shipped.map(({ name }) => name), ...Object.keys(options.workflows ?? {})],
    workflow: (name) =>
      Object.hasOwn(options.workflows ?? {}, name)
        ? options.workflows?.[name]
        : shipped.find((one) => one.name === name)?.file,
    model: options.model,
    tools: options.tools,
    now: options.now ?? Date.now,
    schedule: options.schedule ?? timers,
    onChange: watched.tell,
  });
  await host.resume();
  return {
    names: shipped.map(({ name }) => name),
    async start(workflow, input, given = {}) {
      const { id = freshId(), seed = freshSeed() } = given;
      const view = await host.start(file_of(workflow), input, id, seed);
      watched.tell(view);
      return view;
    },
    result: (id) => watched.result(id),
    list: () => watched.list(),
    events: async (id, from = 0) => host.events(id, from),
    history: async (id) => host.history(id),
    export: async (id) => host.export(id),
    async import(bundle, { clockOffset = 0 } = {}) {
      const view = await host.import(bundle, clockOffset);
      watched.tell(view);
      return view;
    },
    answer: async (id, question, value) => host.answer(id, question, value),
    signal: (id, name, value) => host.signal(id, name, value),
    cancel: (id, reason = 'cancelled') => host.cancel(id, reason),
    resume: (id) => host.retry(id),
    async remove(id) {
      await host.remove(id);
      watched.forget(id);
    },
    onChange: (listener) => watched.onChange(listener),
    dispose() {
      host.dispose();
      watched.clear();
    },
  };
}

/** Where a module lies, for a worker that may run from another folder. */
function absolute(source: WasmSource | undefined, beside: URL): WasmSource {
  if (source === undefined) return ownFile(beside).href;
  if (source instanceof URL) return source.href;
  return typeof source === 'string' ? new URL(source, location.href).href : source;
}

/** Runs in a Web Worker of its own, so that a long workflow never holds up the page. */
export async function startWorkflows(options: WorkerOptions = {}): Promise<Workflows> {
  if (typeof Worker === 'undefined') {
    throw new EngineError(
      'wasm_unsupported',
      'There are no Web Workers here: use createWorkflows().',
      { expected: 'a browser', got: 'no Worker' },
    );
  }
  const engineCore = new URL('./engine-core.wasm', import.meta.url);
  const url = options.workerUrl ?? movedScript('workflow-worker.js', engineCore);
  const worker = url
    ? new Worker(url, { type: 'module', name: 'redoubt-workflows' })
    : new Worker(new URL('./workflow-worker.js', import.meta.url), {
        type: 'module',
        name: 'redoubt-workflows',
      });
  const watched = new Watched();
  const waiting = new Map<
    number,
    { resolve(value: unknown): void; reject(error: unknown): void }
  >();
  const calls = new Map<string, AbortController>();
  let nextId = 1;
  let lost: EngineError | null = null;

  const tell = (message: ToWorkflowWorker) => worker.postMessage(message);
  const lose = (error: EngineError) => {
    lost ??= error;
    for (const one of waiting.values()) one.reject(error);
    waiting.clear();
    for (const controller of calls.values()) controller.abort();
    calls.clear();
  };
  const ask = (name: string, ...args: unknown[]): Promise<unknown> => {
    if (lost) return Promise.reject(lost);
    const id = nextId++;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      tell({ type: 'request', id, name, args });
    });
  };
  async function carryOut(key: string, effect: Effect): Promise<void> {
    const controller = new AbortController();
    calls.set(key, controller);
    const { tools, model } = options;
    const tool = Object.hasOwn(tools ?? {}, effect.target) ? tools?.[effect.target] : undefined;
    try {
      const value =
        effect.kind === 'tool'
          ? await tool?.(effect.request, controller.signal)
          : await model?.(effect as ModelEffect, controller.signal);
      tell({ type: 'done', key, value: value as ModelAnswer });
    } catch (error) {
      const known = error instanceof EffectFailure ? error : null;
      const message = String((error as Error)?.message ?? error);
      const retryAfterMs = known?.retryAfterMs ?? 0;
      tell({ type: 'undone', key, code: known?.code ?? 'failed', message, retryAfterMs });
    } finally {
      calls.delete(key);
    }
  }
  const hear = (message: FromWorkflowWorker) => {
    switch (message.type) {
      case 'change':
        return watched.tell(message.run);
      case 'effect':
        return void carryOut(message.key, message.effect);
      case 'drop':
        return calls.get(message.key)?.abort();
      case 'answer':
        waiting.get(message.id)?.resolve(message.result);
        waiting.delete(message.id);
        return;
      case 'refused':
        waiting.get(message.id)?.reject(fromWire(message.error));
        waiting.delete(message.id);
        return;
    }
  };
  worker.onmessage = ({ data }: MessageEvent<FromWorkflowWorker>) => hear(data);
  worker.onerror = (event) => {
    event.preventDefault();
    const why = event.message;
    // Nothing but the loading of the script fails without a word.
    if (!why) return lose(workerNotLoaded('workflow-worker.js', url));
    lose(new EngineError('worker_lost', `The workflows' worker was lost (${why}).`, { got: why }));
  };
  await ask('init', {
    wasm: {
      engine: absolute(options.wasm?.engine, engineCore),
      workflow: absolute(options.wasm?.workflow, new URL('./workflow-core.wasm', import.meta.url)),
    },
    journal: options.journal ?? 'memory',
    model: options.model !== undefined,
    tools: Object.keys(options.tools ?? {}),
    workflows: options.workflows ?? {},
  });
  return {
    names: shipped.map(({ name }) => name),
    async start(workflow, input, given = {}) {
      const { id = freshId(), seed = freshSeed() } = given;
      const view = (await ask('start', workflow, input, { id, seed })) as RunView;
      if (!watched.views.has(view.id)) watched.tell(view);
      return view;
    },
    result: (id) => watched.result(id),
    list: () => watched.list(),
    events: (id, from = 0) => ask('events', id, from) as Promise<RunEvent[]>,
    history: (id) => ask('history', id) as Promise<Uint8Array>,
    export: (id) => ask('export', id) as Promise<Uint8Array>,
    import: (bundle, given = {}) => ask('import', bundle, given) as Promise<RunView>,
    answer: (id, question, value) => ask('answer', id, question, value) as Promise<void>,
    signal: (id, name, value) => ask('signal', id, name, value) as Promise<void>,
    cancel: (id, reason = 'cancelled') => ask('cancel', id, reason) as Promise<void>,
    resume: (id) => ask('resume', id) as Promise<RunView>,
    async remove(id) {
      await ask('remove', id);
      watched.forget(id);
    },
    onChange: (listener) => watched.onChange(listener),
    dispose() {
      lose(new EngineError('disposed', 'These workflows were disposed of.'));
      watched.clear();
      worker.terminate();
    },
  };
}
