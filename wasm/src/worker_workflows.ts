/** Workflows in a Web Worker of their own: the page's end. */
import shipped from '#shipped-workflows';
import { EngineError, fromWire } from './errors.js';
import { movedScript, ownFile, workerNotLoaded } from './own_file.js';
import { EffectFailure } from './run_types.js';
import type { Effect, ModelAnswer, ModelEffect, RunEvent, RunView } from './run_types.js';
import type { WasmSource } from './types.js';
import { Watched } from './watched.js';
import { freshId, freshSeed } from './workflow_ids.js';
import type { FromWorkflowWorker, ToWorkflowWorker, WorkflowInit } from './workflow_protocol.js';
import type { WorkerOptions, Workflows } from './workflow_types.js';

/** The worker, and what is under way with it. */
interface Link {
  readonly worker: Worker;
  readonly options: WorkerOptions;
  readonly watched: Watched;
  /** Requests without an answer yet, by their numbers. */
  readonly waiting: Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>;
  /** Effects that the page carries out. */
  readonly calls: Map<string, AbortController>;
  nextId: number;
  /** Why the worker is gone, where it is. */
  lost: EngineError | null;
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
  const link = connect(options);
  await ask(link, 'init', initOf(options));
  return workflowsOver(link);
}

const engineCore = () => new URL('./engine-core.wasm', import.meta.url);

function connect(options: WorkerOptions): Link {
  const url = options.workerUrl ?? movedScript('workflow-worker.js', engineCore());
  const worker = url
    ? new Worker(url, { type: 'module', name: 'redoubt-workflows' })
    : new Worker(new URL('./workflow-worker.js', import.meta.url), {
        type: 'module',
        name: 'redoubt-workflows',
      });
  const link: Link = {
    worker,
    options,
    watched: new Watched(),
    waiting: new Map(),
    calls: new Map(),
    nextId: 1,
    lost: null,
  };
  worker.onmessage = ({ data }: MessageEvent<FromWorkflowWorker>) => hear(link, data);
  worker.onerror = (event) => {
    event.preventDefault();
    const why = event.message;
    // Nothing but the loading of the script fails without a word.
    if (!why) return lose(link, workerNotLoaded('workflow-worker.js', url));
    const message = `The workflows' worker was lost (${why}).`;
    lose(link, new EngineError('worker_lost', message, { got: why }));
  };
  return link;
}

function initOf({ wasm, journal, model, tools, workflows }: WorkerOptions): WorkflowInit {
  return {
    wasm: {
      engine: absolute(wasm?.engine, engineCore()),
      workflow: absolute(wasm?.workflow, new URL('./workflow-core.wasm', import.meta.url)),
    },
    journal: journal ?? 'memory',
    model: model !== undefined,
    tools: Object.keys(tools ?? {}),
    workflows: workflows ?? {},
  };
}

/** Where a module lies, for a worker that may run from another folder. */
function absolute(source: WasmSource | undefined, beside: URL): WasmSource {
  if (source === undefined) return ownFile(beside).href;
  if (source instanceof URL) return source.href;
  return typeof source === 'string' ? new URL(source, location.href).href : source;
}

function workflowsOver(link: Link): Workflows {
  const { watched } = link;
  return {
    names: shipped.map(({ name }) => name),
    async start(workflow, input, given = {}) {
      const { id = freshId(), seed = freshSeed() } = given;
      const view = (await ask(link, 'start', workflow, input, { id, seed })) as RunView;
      if (!watched.views.has(view.id)) watched.tell(view);
      return view;
    },
    result: (id) => watched.result(id),
    list: () => watched.list(),
    events: (id, from = 0) => ask(link, 'events', id, from) as Promise<RunEvent[]>,
    history: (id) => ask(link, 'history', id) as Promise<Uint8Array>,
    export: (id) => ask(link, 'export', id) as Promise<Uint8Array>,
    import: (bundle, given = {}) => ask(link, 'import', bundle, given) as Promise<RunView>,
    answer: (id, question, value) => ask(link, 'answer', id, question, value) as Promise<void>,
    signal: (id, name, value) => ask(link, 'signal', id, name, value) as Promise<void>,
    cancel: (id, reason = 'cancelled') => ask(link, 'cancel', id, reason) as Promise<void>,
    resume: (id) => ask(link, 'resume', id) as Promise<RunView>,
    async remove(id) {
      await ask(link, 'remove', id);
      watched.forget(id);
    },
    onChange: (listener) => watched.onChange(listener),
    dispose() {
      lose(link, new EngineError('disposed', 'These workflows were disposed of.'));
      watched.clear();
      link.worker.terminate();
    },
  };
}

function tell({ worker }: Link, message: ToWorkflowWorker): void {
  worker.postMessage(message);
}

function ask(link: Link, name: string, ...args: unknown[]): Promise<unknown> {
  if (link.lost) return Promise.reject(link.lost);
  const id = link.nextId++;
  return new Promise((resolve, reject) => {
    link.waiting.set(id, { resolve, reject });
    tell(link, { type: 'request', id, name, args });
  });
}

/** The worker is gone: nobody waits any more, nothing is carried out any more. */
function lose(link: Link, error: EngineError): void {
  const { waiting, calls } = link;
  link.lost ??= error;
  for (const one of waiting.values()) one.reject(error);
  waiting.clear();
  for (const controller of calls.values()) controller.abort();
  calls.clear();
}

function hear(link: Link, message: FromWorkflowWorker): void {
  const { watched, calls, waiting } = link;
  switch (message.type) {
    case 'change':
      return watched.tell(message.run);
    case 'effect':
      return void carryOut(link, message.key, message.effect);
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
}

async function carryOut(link: Link, key: string, effect: Effect): Promise<void> {
  const controller = new AbortController();
  link.calls.set(key, controller);
  const { tools, model } = link.options;
  const tool = Object.hasOwn(tools ?? {}, effect.target) ? tools?.[effect.target] : undefined;
  try {
    const value =
      effect.kind === 'tool'
        ? await tool?.(effect.request, controller.signal)
        : await model?.(effect as ModelEffect, controller.signal);
    tell(link, { type: 'done', key, value: value as ModelAnswer });
  } catch (error) {
    const known = error instanceof EffectFailure ? error : null;
    const message = String((error as Error)?.message ?? error);
    const retryAfterMs = known?.retryAfterMs ?? 0;
    tell(link, { type: 'undone', key, code: known?.code ?? 'failed', message, retryAfterMs });
  } finally {
    link.calls.delete(key);
  }
}
