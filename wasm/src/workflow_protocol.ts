/** What the page and the workflows' worker say to each other. */
import type { WireError } from './errors.js';
import type { JournalKind } from './journal.js';
import type { Effect, ModelAnswer, RunView } from './run_types.js';
import type { WasmSource } from './types.js';

export interface WorkflowInit {
  wasm: { engine: WasmSource; workflow: WasmSource };
  journal: JournalKind;
  /** Whether the page can ask a model, and the tools that it has. */
  model: boolean;
  tools: readonly string[];
  workflows: Readonly<Record<string, object>>;
}

export type ToWorkflowWorker =
  | { type: 'request'; id: number; name: string; args: unknown[] }
  /** What became of an effect that the page carried out. */
  | { type: 'done'; key: string; value: ModelAnswer | unknown }
  | { type: 'undone'; key: string; code: string; message: string; retryAfterMs: number };

export type FromWorkflowWorker =
  | { type: 'answer'; id: number; result: unknown }
  | { type: 'refused'; id: number; error: WireError }
  | { type: 'change'; run: RunView }
  | { type: 'effect'; key: string; effect: Effect }
  /** Nobody waits for the effect any more. */
  | { type: 'drop'; key: string };
