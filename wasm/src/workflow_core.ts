/** The WebAssembly core of workflows: what it can do, and loading it. */
import createCore from '#workflow-core';
import { moduleLoader, ofBuild } from './module.js';
import type { Core } from './module.js';
import { ownFile } from './own_file.js';
import type { WasmSource } from './types.js';

export type Command = 'look' | 'wake' | 'export' | 'remove' | 'answer' | 'signal' | 'cancel';
export type Completed = 'store' | 'load' | 'erase' | 'absent' | 'readHistory' | 'readEpochs';

/** The functions of workflow_face.cpp, in its own words. `now`: ms since 1970. */
export interface WorkflowFace {
  versions(): string;
  /** A fleet of runs; `builtins`: names separated by commas. */
  open(builtins: string): number;
  close(fleet: number): void;
  /** What runs may start as children and hand over to. */
  offer(fleet: number, name: string, file: string): void;

  // Commands; `call` is answered by a Tell, 0 by none.
  start(
    fleet: number,
    now: number,
    id: string,
    call: number,
    seed: string,
    file: string,
    input: string,
  ): void;
  importRun(
    fleet: number,
    now: number,
    bundle: Uint8Array,
    call: number,
    clockOffset: number,
  ): void;
  /** `name` and `value`: of an answer, a signal, or who cancels. */
  command(
    fleet: number,
    now: number,
    id: string,
    call: number,
    what: Command,
    name: string,
    value: string,
  ): void;

  // Completions, with the run that the action named.
  loaded(
    fleet: number,
    now: number,
    id: string,
    serial: number,
    workflow: string,
    definition: string,
    startedAt: number,
    endedAt: number,
    history: Uint8Array,
  ): void;
  historyRead(fleet: number, now: number, id: string, serial: number, history: Uint8Array): void;
  /**
   * What came of another action in the journal, and of one that failed: `code` and `message` say
   * why, '' that it did not. `load`: there is no such run; `absent`: there was none to be erased.
   */
  completion(
    fleet: number,
    now: number,
    id: string,
    serial: number,
    what: Completed,
    code: string,
    message: string,
  ): void;
  done(
    fleet: number,
    now: number,
    id: string,
    serial: number,
    effect: string,
    failed: boolean,
    value: string,
  ): void;
  tick(fleet: number, now: number): void;

  /** One turn, and what is to be done then: a list of FleetAction; '' where nothing waits. */
  work(fleet: number, now: number): string;
  /** What the actions of the last work() count. */
  bytes(): Uint8Array;
  view(fleet: number, id: string): string;
  events(fleet: number, id: string, history: Uint8Array, from: number): string;
  /** {bytes, successor?}: how much of a stored history holds, and the run that goes on for it. */
  kept(id: string, history: Uint8Array): string;
  memory(entries: string, name: string, request: string, key: string, now: number): string;
}
export type WorkflowCore = Core<WorkflowFace>;

const at = { fleet: 'int', now: 'number' } as const;
const command = { ...at, id: 'text', call: 'number' } as const;
const completion = { ...at, id: 'text', serial: 'number' } as const;

const load = moduleLoader<WorkflowFace>({
  name: 'workflow-core.wasm',
  file: () => ownFile(new URL('./workflow-core.wasm', import.meta.url)),
  create: createCore,
  signatures: {
    versions: {},
    open: { builtins: 'text' },
    close: { fleet: 'int' },
    offer: { fleet: 'int', name: 'text', file: 'text' },
    start: { ...command, seed: 'text', file: 'text', input: 'text' },
    importRun: { ...at, bundle: 'bytes', call: 'number', clockOffset: 'number' },
    command: { ...command, what: 'text', name: 'text', value: 'text' },
    loaded: {
      ...completion,
      workflow: 'text',
      definition: 'text',
      startedAt: 'number',
      endedAt: 'number',
      history: 'bytes',
    },
    historyRead: { ...completion, history: 'bytes' },
    completion: { ...completion, what: 'text', code: 'text', message: 'text' },
    done: { ...completion, effect: 'text', failed: 'flag', value: 'text' },
    tick: at,
    work: at,
    bytes: {},
    view: { fleet: 'int', id: 'text' },
    events: { fleet: 'int', id: 'text', history: 'bytes', from: 'number' },
    kept: { id: 'text', history: 'bytes' },
    memory: { entries: 'text', name: 'text', request: 'text', key: 'text', now: 'number' },
  },
  check: ofBuild('workflow-core.wasm', '{"workflowFace":6}'),
});

/** The core for `source`, loaded once; a failed load or a dead core is tried anew. */
export function loadWorkflowCore(source?: WasmSource): Promise<WorkflowCore> {
  return load(source);
}
