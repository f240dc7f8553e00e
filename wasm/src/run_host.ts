/**
 * RunHost: carries runs out. The engine's fleet says what is to be stored and done, and in which
 * order (engine/workflow/host/fleet.hpp); this does it, one function an action: the journal, models
 * and tools (effects.ts), timers, and what is told.
 *
 * Time, timers, models and tools come in as arguments; the rims are workflows.ts and
 * workflow-worker.ts.
 */
import { Effects } from './effects.js';
import type { EffectOptions } from './effects.js';
import { describeValue, EngineError } from './errors.js';
import type { FleetAction, FleetError, FleetView, RunRef, Store, Tell } from './fleet_actions.js';
import type { StoredRun } from './journal.js';
import { call } from './module.js';
import type { RunEvent, RunView } from './run_types.js';
import type { EngineErrorCode } from './types.js';
import type { Command, Completed, WorkflowFace } from './workflow_core.js';

export interface RunHostOptions extends EffectOptions {
  /** Names that workflows may call, separated by commas. */
  builtins: string;
  /** What runs may start as children and hand over to, and each of them by its name. */
  workflowNames: readonly string[];
  workflow(name: string): object | undefined;
  /** Calls back once after `delayMs`; returns what cancels it. */
  schedule(callback: () => void, delayMs: number): () => void;
  onChange(view: RunView): void;
}

/** A page may be left at any time, also while it takes a run up; hardly so often in a row. */
const take_ups_max = 3;
/** Browsers' timers hold no more. */
const delay_ms_max = 2 ** 31 - 1;
/** After which others have the thread. */
const slice_ms = 4;

/** What the fleet answers a command with. */
interface Answer {
  view?: FleetView;
  bytes?: Uint8Array<ArrayBuffer>;
}
interface Waiting {
  id: string;
  resolve(answer: Answer): void;
  reject(error: EngineError): void;
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

function viewOf(shown: FleetView, error: RunView['error'] = null): RunView {
  const { id, workflow, sha256, status, events, outcome, questions } = shown;
  return {
    id,
    workflow,
    sha256,
    status,
    startedAt: shown.started_ms,
    endedAt: shown.ended_ms,
    events,
    outcome,
    questions,
    stateHash: shown.state_hash,
    error,
  };
}

/** Of one that was not taken up. */
function viewOfStored({ id, workflow, sha256, startedAt, endedAt }: StoredRun): RunView {
  return {
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
    error: null,
  };
}

function whyOf(cause: unknown): { code: string; message: string } {
  const { code, message } = (cause ?? {}) as Partial<EngineError>;
  return { code: String(code ?? 'internal'), message: message ?? String(cause) };
}
function unknownRun(id: string): EngineError {
  return new EngineError('bad_argument', `There is no run ${describeValue(id)}.`, {
    path: 'id',
    got: id,
  });
}
function runIsThere(id: string): EngineError {
  return new EngineError('bad_argument', `A run with the id ${id} is there already.`, {
    path: 'id',
    got: id,
  });
}

/** The fleet's error as callers know it. */
function refusal(id: string, error: FleetError): EngineError {
  const { code, message } = error;
  switch (code) {
    case 'unknown_run':
      return unknownRun(id);
    case 'removed':
      return new EngineError('run_over', `Run ${id} was removed.`, { path: id, got: code });
    case 'too_many_runs':
      return new EngineError(
        'out_of_memory',
        'Too many runs are under way: cancel or remove some.',
        error,
      );
    case 'too_many_inputs':
      return new EngineError('out_of_memory', `Too many inputs wait for run ${id}.`, error);
    default:
      return new EngineError(code, message, error);
  }
}

/** The question of this id, or the only open one of the step of this name. */
function questionOf({ id: run, questions }: FleetView, name: string): string {
  const open = questions.map(({ id }) => id);
  if (open.includes(name)) return name;
  const ids = open.filter((id) => id.slice(0, id.search(/[[~#]/)) === name);
  const [id, another] = ids;
  if (id !== undefined && another === undefined) return id;
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

const nothing = () => {};

export class RunHost {
  private readonly fleet: number;
  private readonly effects: Effects;
  /** What the journal has. */
  private readonly kept = new Map<string, StoredRun>();
  /** Runs that stand still until they are resumed or removed, each with its error. */
  private readonly aside = new Map<string, RunView>();
  /** Of these, those in whose place another is being imported. */
  private readonly givingWay = new Set<string>();
  /** Commands without an answer yet, by their numbers. */
  private readonly waiting = new Map<number, Waiting>();
  private lastCall = 0;
  private cancelTick = nothing;
  /** What wakes the runs that have left the memory. */
  private readonly wakes = new Map<string, () => void>();
  private settling = false;
  /** It goes on once others have had the thread. */
  private pausing = false;
  private sliceEnd = 0;
  /** Why nothing goes on any more. */
  private ended: EngineError | null = null;

  constructor(private readonly options: RunHostOptions) {
    this.fleet = this.face((face) => face.open(options.builtins));
    for (const name of options.workflowNames) {
      const file = JSON.stringify(options.workflow(name)) ?? '';
      this.face((face) => face.offer(this.fleet, name, file));
    }
    this.effects = new Effects(options, ({ id, serial, effect }, failed, value) =>
      this.completed((face, now) =>
        face.done(this.fleet, now, id, serial, effect.id, failed, value),
      ),
    );
  }

  // --- commands ---

  async start(file: object, input: unknown, id: string, seed: string): Promise<RunView> {
    if (this.kept.has(id) || (await this.options.journal.history(id)) !== null) {
      throw runIsThere(id);
    }
    this.aside.delete(id);
    const text = JSON.stringify(file);
    const given = JSON.stringify(input ?? null);
    try {
      const { view } = await this.ask(id, (face, now, call) =>
        face.start(this.fleet, now, id, call, seed, text, given),
      );
      return viewOf(view!);
    } catch (error) {
      if ((error as EngineError).code === 'run_here') throw runIsThere(id);
      return this.stillOr(id, error);
    }
  }

  async answer(id: string, question: string, value: unknown): Promise<void> {
    const { view } = await this.command(id, 'look');
    await this.give(id, 'answer', questionOf(view!, question), JSON.stringify(value ?? null));
  }
  signal(id: string, name: string, value: unknown): Promise<void> {
    return this.give(id, 'signal', name, JSON.stringify(value ?? null));
  }
  cancel(id: string, reason: string): Promise<void> {
    return this.give(id, 'cancel', reason, '');
  }

  private async give(
    id: string,
    kind: 'answer' | 'signal' | 'cancel',
    name: string,
    value: string,
  ): Promise<void> {
    this.refuseAside(id);
    try {
      await this.command(id, kind, name, value);
    } catch (error) {
      const { code } = error as EngineError;
      // It was too late, and its view tells so.
      const late = kind !== 'answer' && (code === 'run_over' || code === 'run_parked');
      if (!late) this.stillOr(id, error);
    }
  }

  async export(id: string): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.command(id, 'export')).bytes!;
  }

  /** Takes a run over from its bundle; `clockOffset`: this clock minus the exporter's, in ms. */
  async import(bundle: Uint8Array, clockOffset: number): Promise<RunView> {
    const { view } = await this.ask('', (face, now, call) =>
      face.importRun(this.fleet, now, bundle, call, clockOffset),
    );
    return viewOf(view!);
  }

  async remove(id: string): Promise<void> {
    await this.ask(id, (face, now, call) =>
      face.command(this.fleet, now, id, call, 'remove', '', ''),
    );
  }

  async events(id: string, from = 0): Promise<RunEvent[]> {
    await this.command(id, 'wake');
    const history = await this.history(id);
    const text = this.face((face) => face.events(this.fleet, id, history, from));
    return JSON.parse(text) as RunEvent[];
  }
  async history(id: string): Promise<Uint8Array<ArrayBuffer>> {
    const history = await this.options.journal.history(id);
    if (history === null) throw unknownRun(id);
    return history;
  }

  /** Of a run that does not stand still. */
  private async command(id: string, what: Command, name = '', value = ''): Promise<Answer> {
    this.refuseAside(id);
    return this.ask(id, (face, now, call) =>
      face.command(this.fleet, now, id, call, what, name, value),
    );
  }

  private ask(
    id: string,
    command: (face: WorkflowFace, now: number, call: number) => void,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const number = ++this.lastCall;
      this.face((face) => command(face, this.now(), number));
      this.waiting.set(number, { id, resolve, reject });
      this.settle();
    });
  }

  // --- runs that stand still ---

  /**
   * Takes up every run that the journal keeps; those that were under way go on. One that cannot be
   * taken up, or over which the last host died, is left as it is and told of with its error.
   */
  async resume(): Promise<void> {
    for (const run of await this.options.journal.list()) this.kept.set(run.id, run);
    for (const run of [...this.kept.values()]) {
      if (!this.kept.has(run.id)) continue; // it was removed meanwhile
      await this.takeUp(viewOfStored(run)).catch((error: unknown) => {
        if (this.ended) throw error;
      });
    }
  }

  /** Tries once more to take up a run that stands still. */
  async retry(id: string): Promise<RunView> {
    const view = this.aside.get(id);
    if (!view) {
      throw new EngineError('bad_argument', `Run ${describeValue(id)} is not set aside.`, {
        path: 'id',
        expected: [...this.aside.keys()].join(', '),
        got: id,
      });
    }
    this.aside.delete(id);
    const run = this.kept.get(id);
    if (run) run.takeUps = 0;
    return this.takeUp(view);
  }

  private async takeUp(before: RunView): Promise<RunView> {
    try {
      const view = viewOf((await this.command(before.id, 'look')).view!);
      this.show(view);
      return view;
    } catch (error) {
      if (this.ended) throw error;
      const still = this.aside.get(before.id);
      if (still) return still; // its journal failed it when it was there
      this.setAside(before, error);
      throw error;
    }
  }

  private setAside(view: RunView, cause: unknown): void {
    const still = { ...view, error: whyOf(cause) };
    this.aside.set(view.id, still);
    this.show(still);
  }

  private refuseAside(id: string): void {
    const error = this.aside.get(id)?.error;
    if (error) throw new EngineError(error.code as EngineErrorCode, error.message, { path: id });
  }

  /** A run that came to stand still is told of by its view, not by whoever gave it something. */
  private stillOr(id: string, error: unknown): RunView {
    const still = this.aside.get(id);
    if (still) return still;
    throw error;
  }

  // --- what the fleet wants done ---

  private now(): number {
    return Math.floor(this.options.now());
  }
  private face<T>(use: (face: WorkflowFace) => T): T {
    if (this.ended) throw this.ended;
    return call(this.options.core, use);
  }

  private completed(use: (face: WorkflowFace, now: number) => void): void {
    if (this.ended) return;
    try {
      this.face((face) => use(face, this.now()));
    } catch (error) {
      return this.end(error as EngineError);
    }
    this.settle();
  }

  /** Does what is to be done; others have the thread after each slice. */
  private settle(): void {
    if (this.settling || this.pausing || this.ended) return;
    this.settling = true;
    try {
      while (!this.pausing && this.turn()) {
        if (performance.now() >= this.sliceEnd) this.goOnLater();
      }
    } catch (error) {
      this.end(error as EngineError);
    } finally {
      this.settling = false;
    }
  }

  private goOnLater(): void {
    this.pausing = true;
    void pause().then(() => {
      this.pausing = false;
      this.sliceEnd = performance.now() + slice_ms;
      this.settle();
    });
  }

  /** One turn of the fleet; false where nothing waits. */
  private turn(): boolean {
    if (this.ended) return false;
    const text = this.face((face) => face.work(this.fleet, this.now()));
    if (text === '') return false;
    const actions = JSON.parse(text) as FleetAction[];
    const pieces = this.piecesOf(actions);
    actions.forEach((action, i) => this.carryOut(action, pieces[i]));
    return true;
  }

  /** The bytes of those actions that have any: copies, as the next call may move them. */
  private piecesOf(actions: readonly FleetAction[]): Uint8Array<ArrayBuffer>[] {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    let all: Uint8Array | undefined;
    let at = 0;
    actions.forEach((action, i) => {
      if (!('bytes' in action) || action.bytes === undefined) return;
      all ??= this.face((face) => face.bytes());
      pieces[i] = all.slice(at, (at += action.bytes));
    });
    return pieces;
  }

  private carryOut(action: FleetAction, piece?: Uint8Array<ArrayBuffer>): void {
    switch (action.do) {
      case 'store':
        return this.store(action, piece!);
      case 'load':
        return void this.load(action);
      case 'release':
        return this.release(action);
      case 'erase':
        return void this.erase(action);
      case 'readHistory':
        return void this.readHistory(action);
      case 'readEpochs':
        return this.readEpochs(action);
      case 'begin':
        return this.effects.begin(action);
      case 'withdraw':
        return this.effects.withdraw(action.serial, action.effect);
      case 'tell':
        return this.tell(action, piece);
      case 'changed':
        return this.show(viewOf(action.view));
      case 'left':
        return this.wakeLater(action.id, action.wakeAt);
      case 'wake':
        this.cancelTick();
        this.cancelTick = this.at(action.at, (face, now) => face.tick(this.fleet, now));
    }
  }

  private tell({ call, view, error }: Tell, bytes?: Uint8Array<ArrayBuffer>): void {
    const caller = this.waiting.get(call);
    this.waiting.delete(call);
    if (error) caller?.reject(refusal(caller.id, error));
    else caller?.resolve({ view, bytes });
  }

  private show(view: RunView): void {
    try {
      this.options.onChange(view);
    } catch (error) {
      void Promise.reject(error); // a listener's own fault: told to its page, and no run's
    }
  }

  /** Calls the fleet then; 0: never. */
  private at(ms: number, use: (face: WorkflowFace, now: number) => void): () => void {
    if (ms === 0) return nothing;
    const delay = Math.min(Math.max(ms - this.options.now(), 0), delay_ms_max);
    return this.options.schedule(() => this.completed(use), delay);
  }

  private wakeLater(id: string, ms: number): void {
    if (ms === 0) return;
    this.wakes.set(
      id,
      this.at(ms, (face, now) => face.command(this.fleet, now, id, 0, 'wake', '', '')),
    );
  }

  // --- the journal ---

  private store(order: Store, frames: Uint8Array): void {
    this.keep(order, frames).then(
      () => this.didIn('store', order),
      (cause: unknown) => this.notStored(order, cause),
    );
  }
  /** What came of an action in the journal. */
  private didIn(what: Completed, { id, serial }: RunRef, code = '', message = ''): void {
    this.completed((face, now) =>
      face.completion(this.fleet, now, id, serial, what, code, message),
    );
  }
  private failedIn(what: Completed, run: RunRef, cause: unknown): void {
    const { code, message } = whyOf(cause);
    this.didIn(what, run, code, message);
  }

  private async keep(order: Store, frames: Uint8Array): Promise<void> {
    const { journal } = this.options;
    const { id, workflow, sha256, definition, startedAt, endedAt, rests } = order;
    const known = this.kept.get(id);
    if (definition === undefined) {
      await journal.append(id, frames, endedAt);
      if (!known) return;
      known.endedAt = endedAt;
      if (rests && known.takeUps) await this.mark(known, 0);
      return;
    }
    const run = { id, workflow, sha256, definition, startedAt, endedAt } as StoredRun;
    // One that could not be read gives way to one that was imported.
    await journal[order.replaces || known ? 'replace' : 'create'](run, frames);
    this.kept.set(id, run);
    this.aside.delete(id);
  }

  private notStored(order: Store, cause: unknown): void {
    if (this.ended) return;
    try {
      const shown = JSON.parse(this.face((face) => face.view(this.fleet, order.id))) as FleetView;
      this.setAside(viewOf(shown), cause);
    } catch {
      // It was removed meanwhile.
    }
    this.failedIn('store', order, cause);
  }

  private async load(order: RunRef): Promise<void> {
    this.wakes.get(order.id)?.();
    this.wakes.delete(order.id);
    let run: StoredRun | undefined;
    try {
      run = this.toBeRead(order.id);
    } catch (cause) {
      return this.failedIn('load', order, cause);
    }
    if (!run) return this.didIn('load', order);
    try {
      await this.mark(run, (run.takeUps ?? 0) + 1);
      await this.read(order, run);
    } catch (cause) {
      // A core that died of the run leaves the mark for the next host.
      if (this.options.core.dead === null) this.release(order);
      return this.failedIn('load', order, cause);
    }
    this.settle();
  }

  /** Undefined where there is none. */
  private toBeRead(id: string): StoredRun | undefined {
    if (this.givingWay.delete(id)) return undefined;
    this.refuseAside(id);
    const run = this.kept.get(id);
    if (!run?.takeUps || run.takeUps < take_ups_max) return run;
    throw new EngineError(
      'run_set_aside',
      `The page ended ${take_ups_max} times while run ${id} was taken up: it is left alone until it is resumed or removed.`,
      { path: 'id', got: id },
    );
  }

  private async read({ id, serial }: RunRef, run: StoredRun): Promise<void> {
    const { journal } = this.options;
    const whole = await journal.history(id);
    if (whole === null) throw unknownRun(id);
    const text = this.face((face) => face.kept(id, whole));
    const { bytes, successor } = JSON.parse(text) as { bytes: number; successor?: string };
    if (bytes < whole.length) await journal.cut(id, bytes);
    const history = whole.subarray(0, bytes);
    const { workflow, definition, startedAt } = run;
    // It is over once the run that goes on for it is kept, too.
    const goesOn = successor !== undefined && !this.kept.has(successor);
    const endedAt = goesOn ? 0 : run.endedAt;
    this.face((face) => {
      const now = this.now();
      face.loaded(this.fleet, now, id, serial, workflow, definition, startedAt, endedAt, history);
    });
  }

  private mark(run: StoredRun, takeUps: number): Promise<void> {
    run.takeUps = takeUps;
    return this.options.journal.mark(run.id, takeUps);
  }

  private release({ id }: RunRef): void {
    const run = this.kept.get(id);
    // A mark that stays says no more than that the page may have died once.
    if (run?.takeUps) this.mark(run, 0).catch(nothing);
  }

  private async erase(order: RunRef): Promise<void> {
    try {
      await this.options.journal.remove(order.id);
      const wasKept = this.kept.delete(order.id);
      const wasAside = this.aside.delete(order.id);
      this.didIn(wasKept || wasAside ? 'erase' : 'absent', order);
    } catch (cause) {
      this.failedIn('erase', order, cause);
    }
  }

  private async readHistory(order: RunRef): Promise<void> {
    const { id, serial } = order;
    try {
      const history = await this.history(id);
      this.completed((face, now) => face.historyRead(this.fleet, now, id, serial, history));
    } catch (cause) {
      this.failedIn('readHistory', order, cause);
    }
  }

  /** A run is being imported. */
  private readEpochs(order: RunRef): void {
    if (this.aside.has(order.id)) this.givingWay.add(order.id);
    this.didIn('readEpochs', order);
  }

  // --- the end ---

  /** Nothing goes on any more, and whoever waits is told why. */
  private end(why: EngineError): void {
    if (this.ended) return;
    this.ended = why;
    this.cancelTick();
    for (const cancel of this.wakes.values()) cancel();
    this.effects.end();
    for (const { reject } of this.waiting.values()) reject(why);
    this.waiting.clear();
    const { core } = this.options;
    if (core.dead === null) call(core, (face) => face.close(this.fleet));
  }
  dispose(): void {
    this.end(new EngineError('disposed', 'These workflows were disposed of.'));
  }
}
