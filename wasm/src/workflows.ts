/**
 * @redoubt/engine/workflows: workflows and agents in the page, with the strategist to fall back on.
 *
 * @example
 * const workflows = await startWorkflows({ journal: 'indexeddb', model: askMyModel });
 * const run = await workflows.start('team_strategy', request);
 * const { answer, source } = await workflows.result(run.id);
 */
export { EngineError } from './errors.js';
export { indexedDbJournal } from './indexeddb_journal.js';
export type { Journal, MemoryEntry, StoredRun } from './journal.js';
export { createWorkflows } from './local_workflows.js';
export { memoryJournal } from './memory_journal.js';
export { EffectFailure } from './run_types.js';
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
} from './run_types.js';
export { startWorkflows } from './worker_workflows.js';
export type { LocalOptions, WorkerOptions, WorkflowOptions, Workflows } from './workflow_types.js';
