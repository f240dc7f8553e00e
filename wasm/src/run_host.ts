/**
 * RunHost: carries runs out. A run decides, its events are kept in the journal, and only then are
 * its effects begun: whatever dies between, resume() goes on from what was kept.
 *
 * Time, timers, models and tools come in as arguments; the rims are workflows.ts and
 * workflow-worker.ts.
 */
import { describeValue, EngineError } from './errors.js';
import type { Journal, MemoryEntry, StoredRun } from './journal.js';
import { call } from './module.js';
import type { WorkflowCore, WorkflowFace } from './workflow_core.js';

/** Something that a run wants done. */
export interface Effect {
  id: string;
  /** The same for every attempt of one call. */
  key: string;
  kind: 'model' | 'tool' | 'builtin' | 'ask' | 'child';
  class: 'pure' | 'idempotent' | 'once';
  target: string;
  request: unknown;
  attempt: number;
  /** When the run stops waiting, in ms since 1970; 0: never. */
  deadline: number;
}

/** A message of a conversation; what is no text stands as JSON. */
export interface ModelMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: unknown;
  tool_calls?: { id: string; name: string; arguments: unknown }[];
  tool_call_id?: string;
}

/** What a model step asks, in no provider's words. */
export interface ModelRequest {
  messages: ModelMessage[];
  settings?: { max_tokens?: number; temperature?: number };
  /** The JSON Schema that the answer is to fit. */
  output?: object;
  tools?: { name: string; description?: string; parameters?: object }[];
  tool_choice?: 'none' | 'required';
  parallel_tool_calls?: boolean;
}

/** What a run wants of a model. */
export interface ModelEffect extends Effect {
  request: ModelRequest;
}

/** What a model says to a ModelRequest: `json` where its text is JSON. */
export interface ModelAnswer {
  text: string;
  json?: unknown;
  /** Calls of the request's tools; `arguments` as an object or as its text. */
  tool_calls?: readonly { id: string; name: string; arguments: unknown }[];
  usage?: { input_tokens: number; output_tokens: number; cost_microusd?: number };
  /** Which model answered. */
  model?: string;
}

/** Why an effect failed; throw one from a model or a tool to name a code of your own. */
export class EffectFailure extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly retryAfterMs = 0,
  ) {
    super(message);
    this.name = 'EffectFailure';
  }
}

export type ModelCall = (effect: ModelEffect, signal: AbortSignal) => Promise<ModelAnswer>;
/** `request` is what the workflow's own file says: only its author knows the type. */
export type ToolCall = (request: any, signal: AbortSignal) => unknown;

export type RunStatus = 'running' | 'done' | 'failed' | 'cancelled' | 'continued' | 'parked';

export interface RunEvent {
  seq: number;
  /** ms since 1970 */
  at: number;
  kind: string;
  step?: string;
  instance?: number;
  payload: unknown;
}

export interface Question {
  /** What answer() takes. */
  id: string;
  question: unknown;
}

export interface RunView {
  id: string;
  workflow: string;
  sha256: string;
  status: RunStatus;
  startedAt: number;
  endedAt: number;
  /** How many events its history has. */
  events: number;
  /** The result, or {code, message, step}; null while it is running. */
  outcome: unknown;
  questions: Question[];
  stateHash: string;
  /** Why it stands still where it should not: its journal or its definition failed. */
  error: { code: string; message: string } | null;
}

export interface RunHostOptions {
  core: WorkflowCore;
  journal: Journal;
  /** Names that workflows may call, separated by commas, and what they do (JSON in, JSON out). */
  builtins: string;
  builtin(name: string, request: string): string;
  /** What runs may start as children and hand over to, and each of them by its name. */
  workflowNames: readonly string[];
  workflow(name: string): object | undefined;
  model?: ModelCall;
  tools?: Readonly<Record<string, ToolCall>>;
  /** ms since 1970 */
  now(): number;
  /** Calls back once after `delayMs`; returns what cancels it. */
  schedule(callback: () => void, delayMs: number): () => void;
  onChange(view: RunView): void;
}

/** Runs that are carried out at the same time. */
const running_max = 256;
/** Inputs of one run that wait to be given. */
const inputs_max = 4096;
/** Children of children. */
const depth_max = 16;
/** A page may be left at any time, also while it takes a run up; hardly so often in a row. */
const take_ups_max = 3;
/** Browsers' timers hold no more. */
const delay_ms_max = 2 ** 31 - 1;

interface ImportedRun {
  run: number;
  definition: number;
  id: string;
  workflow: string;
  /** The definition's JSON. */
  file: string;
  sha256: string;
}

interface MemoryAnswer {
  answer: unknown;
  written: MemoryEntry[];
  dropped: string[];
}

interface Input {
  kind: string;
  name: string;
  value: string;
}

interface State {
  status: RunStatus;
  /** There is more to be done of what came in last. */
  busy: boolean;
  nextTimer: number;
  seq: number;
}

/** Answers and failures as an input's value. */
function failure(code: string, message: string, retryAfterMs = 0): string {
  return JSON.stringify({
    code,
    message,
    ...(retryAfterMs > 0 ? { retry_after_ms: Math.ceil(retryAfterMs) } : {}),
  });
}

/**
 * Comes back after whatever else waits for this thread: messages, timers, requests. Not a timer where
 * it can be helped, because browsers let nested ones wait for 4 ms.
 */
const pause: () => Promise<void> = (() => {
  const immediate = (globalThis as { setImmediate?: (callback: () => void) => void }).setImmediate;
  if (immediate) return () => new Promise<void>((resolve) => immediate(resolve));
  if (typeof MessageChannel === 'undefined') {
    return () => new Promise<void>((resolve) => setTimeout(resolve));
  }
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve);
      port2.postMessage(null);
    });
})();

/** Works one piece of work after the other. */
class Line {
  private last: Promise<unknown> = Promise.resolve();
  next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }
}

function tooManyRuns(): EngineError {
  return new EngineError('out_of_memory', 'Too many runs are open: remove some that are over.', {
    expected: `at most ${running_max}`,
  });
}

/** A child's chance follows from its id, as its id from its parent. */
const seedOf = (id: string) => String(Number.parseInt(id.slice(0, 8), 16));

class Carried {
  private readonly inputs: Input[] = [];
  private readonly open = new Map<string, AbortController>();
  private readonly questions = new Map<string, unknown>();
  private pieces: Uint8Array[] = [];
  private draining: Promise<void> | null = null;
  private cancelTimer: () => void = () => {};
  private error: RunView['error'] = null;
  private closed = false;
  private changed = false;

  constructor(
    private readonly options: RunHostOptions,
    private readonly host: RunHost,
    readonly stored: StoredRun,
    private readonly definition: number,
    readonly run: number,
    history: Uint8Array,
    /** Whether the journal knows the run as it is, or another one in its place, or none. */
    private kept: 'here' | 'other' | 'none',
  ) {
    this.pieces = [history];
  }

  get history(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of this.pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.pieces = [whole];
    return whole;
  }

  private face<T>(use: (face: WorkflowFace) => T): T {
    return call(this.options.core, use);
  }
  private state(): State {
    return JSON.parse(this.face((face) => face.state(this.run))) as State;
  }

  view(): RunView {
    const { id, workflow, sha256, startedAt, endedAt } = this.stored;
    const { status, seq } = this.state();
    const { outcome, stateHash } = JSON.parse(this.face((face) => face.result(this.run))) as {
      outcome: unknown;
      stateHash: string;
    };
    return {
      id,
      workflow,
      sha256,
      status,
      startedAt,
      endedAt,
      events: seq,
      outcome,
      questions: [...this.questions].map(([question, asked]) => ({
        id: question,
        question: asked,
      })),
      stateHash,
      error: this.error,
    };
  }

  events(from: number): RunEvent[] {
    const text = this.face((face) => face.events(this.definition, this.history, from));
    return JSON.parse(text) as RunEvent[];
  }

  /** Keeps a run that was imported, and goes on with it; one that is over has nothing to take. */
  async adopt(): Promise<void> {
    await this.drain();
    if (this.kept === 'here') return;
    this.stored.endedAt = Math.floor(this.options.now());
    const { journal } = this.options;
    await journal[this.kept === 'other' ? 'replace' : 'create'](this.stored, this.history);
    this.kept = 'here';
    this.options.onChange(this.view());
  }

  /** Puts an input in line; refused when too many wait. */
  push(input: Input): void {
    if (this.closed || this.error) return;
    if (input.kind === 'cancel') {
      // Whoever cancels does not wait for what others have asked of it.
      this.inputs.unshift(input);
      void this.drain();
      return;
    }
    if (this.inputs.length >= inputs_max) {
      throw new EngineError('out_of_memory', `Too many inputs wait for run ${this.stored.id}.`, {
        expected: `at most ${inputs_max}`,
      });
    }
    this.inputs.push(input);
    void this.drain();
  }

  /** Gives what is in line, one input after the other, each kept before the next. */
  drain(): Promise<void> {
    this.draining ??= this.work().finally(() => {
      this.draining = null;
      // What came between the last look and now would wait for ever.
      if (this.inputs.length > 0 && !this.closed && !this.error) return this.drain();
      return undefined;
    });
    return this.draining;
  }

  private async work(): Promise<void> {
    try {
      await this.finishTurns();
      this.tell();
      for (let input = this.inputs.shift(); input && !this.closed; input = this.inputs.shift()) {
        this.give(input);
        await this.finishTurns();
        if (this.inputs.length === 0) this.tell();
      }
      this.wait();
    } catch (cause) {
      this.stop(cause);
    }
  }

  /** Does what is left of an input, a turn at a time: others have theirs between. */
  private async finishTurns(): Promise<void> {
    await this.keep();
    // Who lists the runs, or waits for this one, sees it while it works.
    if (!this.closed && this.state().busy) this.tell();
    while (!this.closed && this.state().busy) {
      await pause();
      if (this.closed) return;
      this.face((face) => face.goOn(this.run));
      await this.keep();
    }
  }

  /** Tells what has changed since it was told last: once for all the inputs that waited together. */
  private tell(): void {
    if (!this.changed || this.closed) return;
    this.changed = false;
    this.options.onChange(this.view());
  }

  private give({ kind, name, value }: Input): void {
    const state = this.state();
    if (state.status !== 'running') return;
    const now = Math.floor(this.options.now());
    try {
      this.face((face) => face.give(this.run, kind, now, name, value));
    } catch (error) {
      // Refused inputs leave the run as it was; whoever answered a question is told by `refused`.
      if (!(error instanceof EngineError) || this.options.core.dead) throw error;
      this.refused.get(name)?.(error);
    }
    this.refused.delete(name);
  }
  /** Who is to be told that an input was refused, by its name. */
  private readonly refused = new Map<string, (error: EngineError) => void>();

  /** Keeps the events that wait, then begins the effects beside them. */
  private async keep(): Promise<void> {
    const taken = JSON.parse(this.face((face) => face.take(this.run))) as {
      count: number;
      effects: Effect[];
      withdrawn: string[];
    };
    if (taken.count > 0) {
      const events = this.face((face) => face.takenEvents()).slice();
      const { status } = this.state();
      const over = status !== 'running' && status !== 'parked';
      const endedAt = over ? Math.floor(this.options.now()) : 0;
      if (this.kept === 'here') {
        await this.options.journal.append(this.stored.id, events, endedAt);
      } else {
        const first = new Uint8Array(this.history.length + events.length);
        first.set(this.history);
        first.set(events, this.history.length);
        const write = this.kept === 'other' ? 'replace' : 'create';
        await this.options.journal[write]({ ...this.stored, endedAt }, first);
        this.kept = 'here';
      }
      this.stored.endedAt = endedAt;
      this.pieces.push(events);
    }
    if (this.closed) return;
    for (const id of taken.withdrawn) this.drop(id);
    for (const effect of taken.effects) this.begin(effect);
    this.changed ||= taken.count > 0;
  }

  private drop(id: string): void {
    this.open.get(id)?.abort();
    this.open.delete(id);
    this.questions.delete(id);
  }

  private begin(effect: Effect): void {
    switch (effect.kind) {
      case 'builtin':
        return this.beginBuiltin(effect);
      case 'model': {
        const { model } = this.options;
        if (!model) return this.fail(effect.id, 'no_model', 'no model can be asked here');
        return this.beginAsync(effect, (signal) => model(effect as ModelEffect, signal));
      }
      case 'tool': {
        const tool = Object.hasOwn(this.options.tools ?? {}, effect.target)
          ? this.options.tools?.[effect.target]
          : undefined;
        if (!tool) return this.fail(effect.id, 'no_tool', `there is no tool ${effect.target} here`);
        return this.beginAsync(effect, async (signal) => tool(effect.request, signal));
      }
      case 'ask': {
        const asked = effect.request as { question?: unknown } | null;
        this.questions.set(effect.id, asked?.question ?? null);
        return;
      }
      case 'child':
        return this.beginAsync(effect, (signal) => this.host.child(effect, this.stored.id, signal));
      default:
        return this.fail(effect.id, 'not_here', `${effect.kind} steps are not carried out here`);
    }
  }

  private beginBuiltin(effect: Effect): void {
    if (effect.target.startsWith('memory.')) return this.beginMemory(effect);
    try {
      const value = this.options.builtin(effect.target, JSON.stringify(effect.request));
      this.inputs.push({ kind: 'completed', name: effect.id, value });
    } catch (error) {
      const { code, message } = error as EngineError;
      this.fail(effect.id, code ?? 'internal', message);
    }
  }

  /** Calls of one host come one after the other: none works on entries that another is changing. */
  private beginMemory(effect: Effect): void {
    const { journal, now } = this.options;
    const call = async () => {
      const kept = JSON.stringify(await journal.memories());
      const request = JSON.stringify(effect.request);
      const text = this.face((face) =>
        face.memory(kept, effect.target, request, effect.key, Math.floor(now())),
      );
      const { answer, written, dropped } = JSON.parse(text) as MemoryAnswer;
      await journal.remember(written, dropped);
      return answer;
    };
    this.beginAsync(effect, () => this.host.memoryLine.next(call));
  }

  private beginAsync(effect: Effect, work: (signal: AbortSignal) => Promise<unknown>): void {
    const controller = new AbortController();
    this.open.set(effect.id, controller);
    const over = () => {
      if (this.closed || this.open.get(effect.id) !== controller) return true;
      this.open.delete(effect.id);
      return false;
    };
    work(controller.signal).then(
      (value) => {
        if (!over()) {
          const text = JSON.stringify(value ?? null);
          this.push({ kind: 'completed', name: effect.id, value: text });
        }
      },
      (error: unknown) => {
        if (over()) return;
        const known = error instanceof EffectFailure ? error : null;
        const message = String((error as Error)?.message ?? error);
        this.push({
          kind: 'failed',
          name: effect.id,
          value: failure(
            known?.code ?? (error instanceof EngineError ? error.code : 'failed'),
            message,
            known?.retryAfterMs,
          ),
        });
      },
    );
  }

  /** Into the line without a new drain: it is called from one. */
  private fail(id: string, code: string, message: string): void {
    this.inputs.push({ kind: 'failed', name: id, value: failure(code, message) });
  }

  private wait(): void {
    this.cancelTimer();
    if (this.closed) return;
    const { status, nextTimer } = this.state();
    if (status !== 'running' || nextTimer === 0) return;
    const delay = Math.min(Math.max(nextTimer - this.options.now(), 0), delay_ms_max);
    this.cancelTimer = this.options.schedule(
      () => this.push({ kind: 'tick', name: '', value: '' }),
      delay,
    );
  }

  /** It cannot go on: nothing more is begun, what was kept stays as it is. */
  private stop(cause: unknown): void {
    if (this.closed) return;
    const { code, message } = cause as Partial<EngineError>;
    this.error = { code: code ?? 'internal', message: message ?? String(cause) };
    for (const controller of this.open.values()) controller.abort();
    this.open.clear();
    this.cancelTimer();
    if (this.options.core.dead === null) this.options.onChange(this.view());
  }

  /** Parks the run, once what waits is kept, and gives it as one file. */
  async export(): Promise<Uint8Array<ArrayBuffer>> {
    await this.drain();
    const state = this.state();
    if (state.status === 'running') {
      const now = Math.floor(this.options.now());
      this.face((face) => face.park(this.run, now));
      await this.drain();
    }
    if (this.error) throw new EngineError('journal_failed', this.error.message);
    for (const id of [...this.open.keys()]) this.drop(id);
    const { history } = this;
    return this.face((face) => face.exportBundle(this.run, history)).slice();
  }

  /** The question of this id, or the only open one of the step of this name. */
  private questionOf(name: string): string {
    if (this.questions.has(name)) return name;
    const open = [...this.questions.keys()];
    const ids = open.filter((id) => id.slice(0, id.search(/[[~#]/)) === name);
    const [id, another] = ids;
    if (id !== undefined && another === undefined) return id;
    const { id: run } = this.stored;
    throw id === undefined
      ? new EngineError('unknown_effect', `Run ${run} asks no question ${name}.`, {
          path: 'id',
          expected: open.join(', '),
          got: name,
        })
      : new EngineError(
          'ambiguous_question',
          `The step ${name} of run ${run} asks ${ids.length} questions: name one of them.`,
          { path: 'id', expected: ids.join(', '), got: name },
        );
  }

  answer(name: string, value: unknown): Promise<void> {
    const id = this.questionOf(name);
    return new Promise((resolve, reject) => {
      this.refused.set(id, reject);
      this.push({ kind: 'answer', name: id, value: JSON.stringify(value ?? null) });
      void this.drain().then(() => {
        this.questions.delete(id);
        resolve();
      });
    });
  }

  close(): void {
    this.closed = true;
    this.cancelTimer();
    for (const controller of this.open.values()) controller.abort();
    this.open.clear();
    if (this.options.core.dead === null) {
      this.face((face) => {
        face.close(this.run);
        face.drop(this.definition);
      });
    }
  }
}

export class RunHost {
  private readonly carried = new Map<string, Carried>();

  /** @internal */
  readonly memoryLine = new Line();
  /** Which run waits for a child. */
  private readonly parents = new Map<string, string>();
  private readonly waiting = new Map<string, Set<() => void>>();
  /** Runs that could not be taken up. */
  private readonly setAside = new Map<string, StoredRun>();
  /** Runs that do not come to an end here, and why. */
  private readonly givenUp = new Map<string, EffectFailure>();
  private readonly options: RunHostOptions;

  constructor(options: RunHostOptions) {
    this.options = {
      ...options,
      onChange: (view) => {
        options.onChange(view);
        this.changed(view);
      },
    };
  }

  private changed({ id, status, error }: RunView): void {
    if (status === 'running' && !error) return;
    if (status === 'continued') void this.follow(id);
    this.tellWaiting(id);
  }

  private tellWaiting(id: string): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    waiting?.forEach((tell) => tell());
  }

  /** The run will not come to an end here: whoever waits for it is told why. */
  private giveUp(id: string, why: EffectFailure): void {
    this.givenUp.set(id, why);
    this.tellWaiting(id);
  }

  private around(pinned: boolean): string {
    const builtins = this.options.builtins.split(',');
    return JSON.stringify({ builtins, workflows: this.options.workflowNames, pinned });
  }

  /** A run that ended in a handoff goes on in another one, begun once however often this is asked. */
  private async follow(id: string): Promise<void> {
    const one = this.of(id);
    const next = this.face((face) => face.successorId(id));
    const { workflow, input } = one.view().outcome as { workflow: string; input: unknown };
    const own = one.stored.workflow === workflow ? JSON.parse(one.stored.definition) : undefined;
    const file: object | undefined = own ?? this.options.workflow(workflow);
    if (this.carried.has(next)) return;
    if (!file) {
      const message = `no workflow is called ${workflow} here`;
      return this.giveUp(next, new EffectFailure('unknown_workflow', message));
    }
    try {
      if ((await this.options.journal.history(next)) !== null) return;
      await this.start(file, input, next, seedOf(next), one.run);
    } catch (error) {
      if (this.options.core.dead) throw error;
      // It is tried again when the page returns; whoever waits now is told.
      const { code, message } = error as EngineError;
      if (!this.carried.has(next)) this.giveUp(next, new EffectFailure(code ?? 'failed', message));
    }
  }

  /** Carries a child effect out: the run that it stands for, started or found, and its outcome. */
  async child(effect: Effect, parent: string, signal: AbortSignal): Promise<unknown> {
    const id = this.face((face) => face.childId(effect.key));
    this.parents.set(id, parent);
    let depth = 0;
    for (let at = this.parents.get(id); at !== undefined; at = this.parents.get(at)) depth++;
    if (depth > depth_max) throw new EffectFailure('too_deep', 'children go no deeper');
    if (!this.carried.has(id) && (await this.options.journal.history(id)) === null) {
      const file = this.options.workflow(effect.target);
      if (!file) {
        throw new EffectFailure('unknown_workflow', `no workflow is called ${effect.target} here`);
      }
      await this.start(file, effect.request, id, seedOf(id));
    }
    signal.addEventListener('abort', () => void this.cancelChild(id));
    return this.outcome(id);
  }

  private async cancelChild(id: string): Promise<void> {
    const one = this.carried.get(id);
    if (one?.view().status === 'running') await this.cancel(id, 'the step that began it');
  }

  /** Waits until the run is over, and those that it goes on in. */
  private async outcome(id: string): Promise<unknown> {
    for (;;) {
      const gone = this.givenUp.get(id);
      if (gone) throw gone;
      const view = this.carried.get(id)?.view();
      const { outcome, status, error } = view ?? { outcome: null, status: 'running', error: null };
      if (status === 'parked') {
        throw new EffectFailure('child_parked', 'the run was exported, and goes on elsewhere');
      }
      if (status === 'running' && error) throw new EffectFailure(error.code, error.message);
      if (status === 'done') return outcome;
      if (status === 'failed') {
        const { code, message } = outcome as { code: string; message: string };
        throw new EffectFailure(code, message);
      }
      if (status === 'cancelled') {
        throw new EffectFailure('child_cancelled', 'the run was cancelled');
      }
      if (status === 'continued') {
        id = this.face((face) => face.successorId(id));
        continue;
      }
      await new Promise<void>((resolve) => {
        const waiting = this.waiting.get(id) ?? new Set();
        this.waiting.set(id, waiting.add(resolve));
      });
    }
  }

  private face<T>(use: (face: WorkflowFace) => T): T {
    return call(this.options.core, use);
  }

  /** Every fault of a workflow file, with its place; empty where it can be run. */
  faults(file: object): { code: string; message: string; path?: string }[] {
    const text = JSON.stringify(file);
    return JSON.parse(this.face((face) => face.faults(text, this.around(false))));
  }

  private define(
    file: string,
    pinned = false,
  ): { definition: number; name: string; sha256: string } {
    const definition = this.face((face) => face.define(file, this.around(pinned)));
    const { name, sha256 } = JSON.parse(this.face((face) => face.describe(definition)));
    return { definition, name, sha256 };
  }

  /** `before`: the run that this one goes on for; a chain of runs has the bounds of one. */
  async start(
    file: object,
    input: unknown,
    id: string,
    seed: string,
    before = 0,
  ): Promise<RunView> {
    if (this.carried.size >= running_max) throw tooManyRuns();
    if (this.carried.has(id) || (await this.options.journal.history(id)) !== null) {
      throw new EngineError('bad_argument', `A run with the id ${id} is there already.`, {
        path: 'id',
        got: id,
      });
    }
    const text = JSON.stringify(file);
    const { definition, name, sha256 } = this.define(text);
    const startedAt = Math.floor(this.options.now());
    let run: number;
    try {
      run = this.face((face) =>
        face.start(definition, JSON.stringify(input ?? null), id, seed, startedAt, before),
      );
    } catch (error) {
      this.face((face) => face.drop(definition));
      throw error;
    }
    const header = this.face((face) => face.header(definition)).slice();
    const stored = { id, workflow: name, sha256, definition: text, startedAt, endedAt: 0 };
    return this.carry(new Carried(this.options, this, stored, definition, run, header, 'none'));
  }

  private async carry(one: Carried): Promise<RunView> {
    const { id } = one.stored;
    this.givenUp.delete(id);
    this.carried.set(id, one);
    await one.drain();
    if (this.carried.get(id) !== one) {
      throw new EngineError('run_over', `Run ${id} was removed.`, { path: id, got: 'removed' });
    }
    return one.view();
  }

  /**
   * Takes up every run that the journal keeps; those that were under way go on. One that cannot be
   * taken up, or over which the last host died, is left as it is and told of with its error.
   */
  async resume(): Promise<void> {
    for (const stored of await this.options.journal.list()) {
      if (this.carried.has(stored.id)) continue;
      try {
        if ((stored.takeUps ?? 0) >= take_ups_max) {
          throw new EngineError(
            'run_set_aside',
            `The page ended ${take_ups_max} times while run ${stored.id} was taken up: it is left alone until it is resumed or removed.`,
            { path: 'id', got: stored.id },
          );
        }
        await this.takeUp(stored);
      } catch (error) {
        if (this.options.core.dead) throw error;
        this.leave(stored, error as EngineError);
      }
    }
  }

  private leave(stored: StoredRun, { code, message }: EngineError): void {
    const { id, workflow, sha256, startedAt, endedAt } = stored;
    this.setAside.set(id, stored);
    this.giveUp(id, new EffectFailure(code, message));
    this.options.onChange({
      id,
      workflow,
      sha256,
      status: 'parked',
      startedAt,
      endedAt,
      events: 0,
      outcome: null,
      questions: [],
      stateHash: '',
      error: { code, message },
    });
  }

  /** Tries once more to take up a run that resume() left alone. */
  async retry(id: string): Promise<RunView> {
    const stored = this.setAside.get(id);
    if (!stored) {
      throw new EngineError('bad_argument', `Run ${describeValue(id)} is not set aside.`, {
        path: 'id',
        expected: [...this.setAside.keys()].join(', '),
        got: id,
      });
    }
    this.setAside.delete(id);
    try {
      await this.takeUp({ ...stored, takeUps: 0 });
    } catch (error) {
      if (!this.options.core.dead) this.leave(stored, error as EngineError);
      throw error;
    }
    return this.view(id);
  }

  /** Turns of a replay or an import, until it gives something; it is given up when one fails. */
  private async inTurns<T>(work: number, turn: (face: WorkflowFace) => T | 0): Promise<T> {
    try {
      for (;;) {
        const done = this.face(turn);
        if (done !== 0) return done;
        await pause();
      }
    } finally {
      if (!this.options.core.dead) this.face((face) => face.endWork(work));
    }
  }

  private async takeUp(stored: StoredRun): Promise<void> {
    const { journal, core } = this.options;
    if (this.carried.size >= running_max) throw tooManyRuns();
    await journal.mark(stored.id, (stored.takeUps ?? 0) + 1);
    try {
      await this.readAndGoOn(stored);
    } finally {
      // A core that died of the run leaves the mark for the next host.
      if (core.dead === null) await journal.mark(stored.id, 0);
    }
  }

  private async readAndGoOn(stored: StoredRun): Promise<void> {
    const { journal } = this.options;
    let history = await journal.history(stored.id);
    if (history === null) return;
    const kept = history;
    const whole = this.face((face) => face.wholeBytes(kept));
    if (whole < history.length) {
      await journal.cut(stored.id, whole);
      history = history.slice(0, whole);
    }
    const { definition } = this.define(stored.definition, true);
    let run: number;
    try {
      const bytes = history;
      const replay = this.face((face) => face.beginReplay(definition, bytes));
      run = await this.inTurns(replay, (face) => face.replayOn(replay));
    } catch (error) {
      if (!this.options.core.dead) this.face((face) => face.drop(definition));
      throw error;
    }
    const one = new Carried(this.options, this, stored, definition, run, history, 'here');
    this.carried.set(stored.id, one);
    one.push({ kind: 'resumed', name: '', value: '' });
    await one.drain();
    this.options.onChange(one.view());
  }

  export(id: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.of(id).export();
  }

  /** Takes a run over from its bundle; `clockOffset`: this clock minus the exporter's, in ms. */
  async import(bundle: Uint8Array, clockOffset: number): Promise<RunView> {
    const now = Math.floor(this.options.now());
    const around = this.around(true);
    // Which run it is stands in the bundle; the core refuses one that is under way here.
    const id = this.face((face) => face.bundleRun(bundle));
    const before = this.carried.get(id);
    const known = before?.run ?? 0;
    const work = this.face((face) => face.beginImport(bundle, around, now, clockOffset, known));
    const text = await this.inTurns(work, (face) => face.importOn(work) || 0);
    const told = JSON.parse(text) as ImportedRun;
    const history = this.face((face) => face.takenEvents()).slice();
    if (this.carried.get(id) !== before) {
      this.face((face) => {
        face.close(told.run);
        face.drop(told.definition);
      });
      throw new EngineError('bad_argument', `Run ${id} went on here while it was imported.`, {
        path: 'id',
        got: id,
      });
    }
    before?.close();
    this.givenUp.delete(id);
    const there = before !== undefined || (await this.options.journal.history(told.id)) !== null;
    const stored = {
      id: told.id,
      workflow: told.workflow,
      sha256: told.sha256,
      definition: told.file,
      startedAt: before?.stored.startedAt ?? now,
      endedAt: 0,
    };
    const one = new Carried(
      this.options,
      this,
      stored,
      told.definition,
      told.run,
      history,
      there ? 'other' : 'none',
    );
    this.carried.set(told.id, one);
    await one.adopt();
    return one.view();
  }

  private of(id: string): Carried {
    const found = this.carried.get(id);
    if (found) return found;
    throw new EngineError('bad_argument', `There is no run ${describeValue(id)}.`, {
      path: 'id',
      got: id,
    });
  }

  list(): RunView[] {
    return [...this.carried.values()].map((one) => one.view());
  }
  view(id: string): RunView {
    return this.of(id).view();
  }
  events(id: string, from = 0): RunEvent[] {
    return this.of(id).events(from);
  }
  history(id: string): Uint8Array<ArrayBuffer> {
    return this.of(id).history.slice();
  }
  answer(id: string, question: string, value: unknown): Promise<void> {
    return this.of(id).answer(question, value);
  }
  async signal(id: string, name: string, value: unknown): Promise<void> {
    const one = this.of(id);
    one.push({ kind: 'signal', name, value: JSON.stringify(value ?? null) });
    await one.drain();
  }
  async cancel(id: string, reason: string): Promise<void> {
    const one = this.of(id);
    one.push({ kind: 'cancel', name: reason, value: '' });
    await one.drain();
  }
  async remove(id: string): Promise<void> {
    if (!this.setAside.delete(id)) this.of(id).close();
    this.carried.delete(id);
    this.parents.delete(id);
    this.giveUp(id, new EffectFailure('removed', 'the run was removed'));
    await this.options.journal.remove(id);
  }
  dispose(): void {
    for (const one of this.carried.values()) one.close();
    this.carried.clear();
  }
}
