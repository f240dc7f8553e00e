/** Workflows in this very thread. */
import shipped from '#shipped-workflows';
import { call, loadCore } from './core.js';
// Next to core.js in the bundle, too: their glue is alike, and gzip looks back 32 KB at most.
import { loadWorkflowCore } from './workflow_core.js';
import { EngineError } from './errors.js';
import { memoryJournal } from './memory_journal.js';
import { RunHost } from './run_host.js';
import { Watched } from './watched.js';
import { freshId, freshSeed } from './workflow_ids.js';
import type { LocalOptions, Workflows } from './workflow_types.js';

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
      return host.start(file_of(workflow), input, id, seed);
    },
    result: (id) => watched.result(id),
    list: () => watched.list(),
    events: (id, from = 0) => host.events(id, from),
    history: (id) => host.history(id),
    export: (id) => host.export(id),
    import: async (bundle, { clockOffset = 0 } = {}) => host.import(bundle, clockOffset),
    answer: (id, question, value) => host.answer(id, question, value),
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
