/**
 * The clock of a match: when a tick is due, when players think, what waits for whom. Pure: the
 * simulation and the time come in, so that tests need no worker and no waiting.
 *
 * 1. A tick is due every 100 ms / speed. Who falls behind by more than `behind_ms_max` owes no more.
 * 2. Players think in the gaps, in slices. A tick whose plan is not ready waits for it, at most
 *    `late_plan_ms_max` of thought; then the game goes on and the plan acts when it is done
 *    (Simulation says so in exact()). What counts is thought, not time: a machine that stops the
 *    worker for a while must not make another match of it.
 * 3. run() comes back after `slice_ms` at the latest, plus one tick or one slice of thought.
 */

/** What the runner drives: a match and a playhead in its recording. */
export interface Simulation {
  /** A replay cannot go beyond its recording. */
  readonly replay: boolean;
  shownTick(): number;
  headTick(): number;
  /** The shown world is the end of the match. */
  over(): boolean;
  beginThoughts(): void;
  /** 0 nobody thinks, 1 a thought is open, 2 and its orders are due now. */
  thinking(): 0 | 1 | 2;
  think(units: number): void;
  /** One live tick. */
  advance(): void;
  seek(tick: number): void;
}

export interface RunnerOutput {
  /** Another tick is shown. */
  frame(): void;
  /** All thoughts of this tick are done. */
  thought(): void;
  /** Playing, paused or ended. */
  changed(): void;
}

export const tick_ms = 100;
export const slice_ms = 4;
export const behind_ms_max = 250;
export const late_plan_ms_max = 200;
/** A slice that took longer was stopped by the machine: it counts as so much thought. */
export const slice_counted_ms_max = 4 * slice_ms;
export const step_ticks_max = 10_000;
const slice_units_min = 128;
const slice_units_max = 1 << 20;
const slice_units_start = 256;

export type RunState = 'playing' | 'paused' | 'ended';

export class Runner {
  speed = 1;
  private playing = false;
  private dueAt: number | null = null;
  /** Thought that the due tick has waited for. */
  private lateMs = 0;
  private sliceUnits = slice_units_start;

  constructor(
    private readonly sim: Simulation,
    private readonly clock: () => number,
    private readonly out: RunnerOutput,
  ) {}

  get state(): RunState {
    if (this.atEnd()) return 'ended';
    return this.playing ? 'playing' : 'paused';
  }

  play(speed = this.speed): void {
    this.speed = speed;
    this.playing = !this.atEnd();
    this.dueAt = null;
    this.out.changed();
  }

  pause(): void {
    this.playing = false;
    this.out.changed();
  }

  /** Plays `ticks` ticks at once, waiting for every plan. */
  step(ticks: number): void {
    this.playing = false;
    for (let i = 0; i < ticks && !this.atEnd(); ++i) {
      if (this.showsPast()) this.sim.seek(this.sim.shownTick() + 1);
      else {
        this.thinkUntil((state) => state === 2);
        this.sim.advance();
      }
    }
    this.out.frame();
    this.out.changed();
  }

  seek(tick: number): void {
    this.sim.seek(tick);
    this.dueAt = null;
    this.lateMs = 0;
    this.out.frame();
    this.out.changed();
  }

  /** Ends every thought under way, so that the match can be saved. */
  settle(): void {
    while (this.sim.thinking() !== 0) this.think();
  }

  /** Does what is due. Says in how many ms to call again; null: not until something changes. */
  run(): number | null {
    const until = this.clock() + slice_ms;
    while (this.playing) {
      const wait = this.work();
      if (wait > 0) return wait;
      if (this.clock() >= until) return 0;
    }
    return null;
  }

  /** One tick or one slice of thought; how long until there is more to do. */
  private work(): number {
    const now = this.clock();
    this.dueAt ??= now;
    if (now - this.dueAt > behind_ms_max) this.dueAt = now;
    const early = this.dueAt - now;
    if (this.showsPast()) {
      if (early > 0) return early;
      this.sim.seek(this.sim.shownTick() + 1);
      this.ticked();
      return 0;
    }
    this.sim.beginThoughts();
    const thinking = this.sim.thinking();
    if (thinking !== 0 && early > 0) {
      this.think();
      return 0;
    }
    if (early > 0) return early;
    if (thinking === 2 && this.lateMs < late_plan_ms_max) {
      this.lateMs += Math.min(this.think(), slice_counted_ms_max);
      return 0;
    }
    this.sim.advance();
    this.ticked();
    return 0;
  }

  private ticked(): void {
    this.dueAt! += tick_ms / this.speed;
    this.lateMs = 0;
    this.out.frame();
    if (this.atEnd()) {
      this.playing = false;
      this.out.changed();
    }
  }

  /** One slice; how long it took. */
  private think(): number {
    const from = this.clock();
    this.sim.think(this.sliceUnits);
    const took = this.clock() - from;
    if (took < slice_ms / 4) this.sliceUnits = Math.min(this.sliceUnits * 2, slice_units_max);
    if (took > (slice_ms * 3) / 4) this.sliceUnits = Math.max(this.sliceUnits / 2, slice_units_min);
    if (this.sim.thinking() === 0) this.out.thought();
    return took;
  }

  private thinkUntil(wanted: (state: 0 | 1 | 2) => boolean): void {
    this.sim.beginThoughts();
    while (wanted(this.sim.thinking())) this.think();
  }

  private showsPast(): boolean {
    return this.sim.replay || this.sim.shownTick() < this.sim.headTick();
  }
  private atEnd(): boolean {
    return this.sim.over() || (this.sim.replay && this.sim.shownTick() >= this.sim.headTick());
  }
}
