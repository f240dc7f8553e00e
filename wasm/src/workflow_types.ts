/** What @redoubt/engine/workflows is given and gives. */
import type { Journal, JournalKind } from './journal.js';
import type { ModelCall, RunEvent, RunView, ToolCall } from './run_types.js';
import type { WasmSource } from './types.js';

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
   * Tries a run once more that a start could not take up, that its journal has refused, or over
   * which the page died: its view has the error, `run_set_aside` for the last.
   */
  resume(id: string): Promise<RunView>;
  /** Forgets a run, whether it is over or not. */
  remove(id: string): Promise<void>;
  /** Every change of a run; returns what ends it. */
  onChange(listener: (run: RunView) => void): () => void;
  dispose(): void;
}
