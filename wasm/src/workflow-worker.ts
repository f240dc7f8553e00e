/** The rim of the workflows' worker: messages in, messages out; models and tools are the page's. */
import { EngineError, toWire } from './errors.js';
import { createWorkflows } from './local_workflows.js';
import { openJournal } from './open_journal.js';
import type { Effect, ModelAnswer } from './run_types.js';
import { EffectFailure } from './run_types.js';
import type { FromWorkflowWorker, ToWorkflowWorker, WorkflowInit } from './workflow_protocol.js';
import type { Workflows } from './workflow_types.js';

interface Scope {
  onmessage: ((event: MessageEvent<ToWorkflowWorker>) => void) | null;
  postMessage(message: FromWorkflowWorker): void;
}
const scope = globalThis as unknown as Scope;

let workflows: Workflows | null = null;
const asked = new Map<string, { resolve(value: unknown): void; reject(error: unknown): void }>();
let nextKey = 1;

/** Has the page carry the effect out. */
function atThePage(effect: Effect, signal: AbortSignal): Promise<unknown> {
  const key = String(nextKey++);
  return new Promise((resolve, reject) => {
    asked.set(key, { resolve, reject });
    signal.addEventListener('abort', () => {
      asked.delete(key);
      scope.postMessage({ type: 'drop', key });
    });
    scope.postMessage({ type: 'effect', key, effect });
  });
}

async function init({
  wasm,
  journal,
  model,
  tools,
  workflows: files,
}: WorkflowInit): Promise<void> {
  // What a tool gets is its request alone; the page finds the tool by the effect's target.
  const tool =
    (target: string) =>
    (request: unknown, signal: AbortSignal): Promise<unknown> =>
      atThePage({ kind: 'tool', target, request } as Effect, signal);
  const opened = await createWorkflows({
    wasm,
    journal: await openJournal(journal),
    ...(model
      ? { model: (effect, signal) => atThePage(effect, signal) as Promise<ModelAnswer> }
      : {}),
    workflows: files,
    tools: Object.fromEntries(tools.map((name) => [name, tool(name)])),
    onChange: (run) => scope.postMessage({ type: 'change', run }),
  });
  workflows = opened;
}

async function handle(name: string, args: unknown[]): Promise<unknown> {
  if (name === 'init') return init(args[0] as WorkflowInit);
  if (!workflows) throw new EngineError('internal', 'The worker is not ready yet.');
  const handler = workflows[name as keyof Workflows] as (...given: unknown[]) => unknown;
  return handler(...args);
}

scope.onmessage = ({ data }) => {
  switch (data.type) {
    case 'request':
      handle(data.name, data.args).then(
        (result) => scope.postMessage({ type: 'answer', id: data.id, result }),
        (error: unknown) =>
          scope.postMessage({ type: 'refused', id: data.id, error: toWire(error) }),
      );
      return;
    case 'done':
      asked.get(data.key)?.resolve(data.value);
      asked.delete(data.key);
      return;
    case 'undone': {
      const { code, message, retryAfterMs } = data;
      asked.get(data.key)?.reject(new EffectFailure(code, message, retryAfterMs));
      asked.delete(data.key);
      return;
    }
  }
};
