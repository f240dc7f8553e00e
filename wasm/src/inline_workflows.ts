/** @redoubt/engine/inline/workflows: workflows with both cores and the worker's script inside. */
import base64 from '#workflow-core-base64';
import script from '#workflow-worker-text';
import { embeddedBytes, embeddedScript } from './embedded.js';
import { engineCore } from './embedded_engine.js';
import { createWorkflows as create, startWorkflows as start } from './workflows.js';
import type { LocalOptions, WorkerOptions, WorkflowOptions, Workflows } from './workflows.js';

// The functions below take the place of those of the same name.
export * from './workflows.js';

const workflowCore = /* @__PURE__ */ embeddedBytes(base64);
const workerUrl = /* @__PURE__ */ embeddedScript(script);

const inside = ({ wasm }: WorkflowOptions) => ({
  engine: wasm?.engine ?? engineCore(),
  workflow: wasm?.workflow ?? workflowCore(),
});

export function createWorkflows(options: LocalOptions = {}): Promise<Workflows> {
  return create({ ...options, wasm: inside(options) });
}
export function startWorkflows(options: WorkerOptions = {}): Promise<Workflows> {
  return start({
    ...options,
    wasm: inside(options),
    workerUrl: options.workerUrl ?? workerUrl(),
  });
}
