/** The WebAssembly core of workflows: what it can do, and loading it. */
import createCore from '#workflow-core';
import { moduleLoader, ofBuild } from './module.js';
import type { Core } from './module.js';
import { ownFile } from './own_file.js';
import type { WasmSource } from './types.js';

/** The functions of workflow_face.cpp, in its own words. */
export interface WorkflowFace {
  versions(): string;
  /** `around`: {builtins, workflows, pinned} as JSON. */
  faults(file: string, around: string): string;
  define(file: string, around: string): number;
  describe(definition: number): string;
  drop(definition: number): void;
  /** `before`: the run that this one goes on for; 0: none. */
  start(
    definition: number,
    input: string,
    id: string,
    seed: string,
    now: number,
    before: number,
  ): number;
  replay(definition: number, history: Uint8Array): number;
  /** A replay a turn at a time; the run once it is there, 0 while there is more to do. */
  beginReplay(definition: number, history: Uint8Array): number;
  replayOn(replay: number): number;
  /** Forgets a replay or an import, done or not. */
  endWork(work: number): void;
  restore(definition: number, snapshot: Uint8Array, tail: Uint8Array): number;
  close(run: number): void;
  /** Does one more turn of what came in last: while state() says that it is busy. */
  goOn(run: number): void;
  give(run: number, kind: string, now: number, name: string, value: string): string;
  take(run: number): string;
  takenEvents(): Uint8Array;
  state(run: number): string;
  result(run: number): string;
  openEffects(run: number): string;
  snapshot(run: number): Uint8Array;
  header(definition: number): Uint8Array;
  events(definition: number, history: Uint8Array, from: number): string;
  wholeBytes(history: Uint8Array): number;
  childId(effectKey: string): string;
  successorId(run: string): string;
  memory(entries: string, name: string, request: string, key: string, now: number): string;
  park(run: number, now: number): void;
  exportBundle(run: number, history: Uint8Array): Uint8Array;
  /** The id of a bundle's run. */
  bundleRun(bundle: Uint8Array): string;
  beginImport(
    bundle: Uint8Array,
    around: string,
    now: number,
    clockOffset: number,
    before: number,
  ): number;
  /** {run, definition, id, workflow, file, sha256}, and its history by takenEvents(); '' before. */
  importOn(work: number): string;
}
export type WorkflowCore = Core<WorkflowFace>;

const load = moduleLoader<WorkflowFace>({
  name: 'workflow-core.wasm',
  file: () => ownFile(new URL('./workflow-core.wasm', import.meta.url)),
  create: createCore,
  signatures: {
    versions: {},
    faults: { file: 'text', around: 'text' },
    define: { file: 'text', around: 'text' },
    describe: { definition: 'int' },
    drop: { definition: 'int' },
    start: {
      definition: 'int',
      input: 'text',
      id: 'text',
      seed: 'text',
      now: 'number',
      before: 'int',
    },
    replay: { definition: 'int', history: 'bytes' },
    beginReplay: { definition: 'int', history: 'bytes' },
    replayOn: { replay: 'int' },
    endWork: { work: 'int' },
    restore: { definition: 'int', snapshot: 'bytes', tail: 'bytes' },
    close: { run: 'int' },
    goOn: { run: 'int' },
    give: { run: 'int', kind: 'text', now: 'number', name: 'text', value: 'text' },
    take: { run: 'int' },
    takenEvents: {},
    state: { run: 'int' },
    result: { run: 'int' },
    openEffects: { run: 'int' },
    snapshot: { run: 'int' },
    header: { definition: 'int' },
    events: { definition: 'int', history: 'bytes', from: 'number' },
    wholeBytes: { history: 'bytes' },
    childId: { effectKey: 'text' },
    successorId: { run: 'text' },
    memory: { entries: 'text', name: 'text', request: 'text', key: 'text', now: 'number' },
    park: { run: 'int', now: 'number' },
    exportBundle: { run: 'int', history: 'bytes' },
    bundleRun: { bundle: 'bytes' },
    beginImport: {
      bundle: 'bytes',
      around: 'text',
      now: 'number',
      clockOffset: 'number',
      before: 'int',
    },
    importOn: { work: 'int' },
  },
  check: ofBuild('workflow-core.wasm', '{"workflowFace":5}'),
});

/** The core for `source`, loaded once; a failed load or a dead core is tried anew. */
export function loadWorkflowCore(source?: WasmSource): Promise<WorkflowCore> {
  return load(source);
}
