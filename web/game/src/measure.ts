/**
 * How much main-thread script a frame costs. Every entry into our code (a message from the worker,
 * an animation frame, a timer, an input) runs inside `timed`; the time up to the end of the
 * microtasks that it queued counts too, since that is where Preact renders. With `?measure` in the
 * address, `window.redoubtMeasure.report()` gives the distribution for each animation frame.
 */

/** Ten minutes at 60 frames a second. */
const FRAMES_MAX = 36_000;

export interface MeasureReport {
  readonly frames: number;
  readonly seconds: number;
  readonly framesPerSecond: number;
  /** Script a frame, ms. */
  readonly script: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
  /** Time between frames, ms. */
  readonly interval: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
  /** Tasks over 50 ms that the browser itself saw. */
  readonly longTasks: number;
}

export interface Measure {
  reset(): void;
  report(): MeasureReport;
}

declare global {
  interface Window {
    redoubtMeasure?: Measure;
  }
}

let enabled = false;
let depth = 0;
let spent = 0;

/** Runs one entry into our code and counts its time. */
export function timed<T>(work: () => T): T {
  if (!enabled || depth > 0) return work();
  depth++;
  const start = performance.now();
  try {
    return work();
  } finally {
    depth--;
    // Two rounds: the first microtasks queue renders, the second is where those have run.
    const end = () => (spent += performance.now() - start);
    queueMicrotask(() => queueMicrotask(end));
  }
}

function quantiles(values: readonly number[]): MeasureReport['script'] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted[sorted.length - 1] ?? 0 };
}

/** Counts from here on; `frame` must then be called at the start of each animation frame. */
export function startMeasure(): (now: number) => void {
  enabled = true;
  let scripts: number[] = [];
  let intervals: number[] = [];
  let longTasks = 0;
  let last: number | null = null;
  if (PerformanceObserver.supportedEntryTypes.includes('longtask')) {
    new PerformanceObserver((list) => (longTasks += list.getEntries().length)).observe({
      type: 'longtask',
    });
  }
  window.redoubtMeasure = {
    reset() {
      scripts = [];
      intervals = [];
      longTasks = 0;
      last = null;
      spent = 0;
    },
    report() {
      const total = intervals.reduce((sum, ms) => sum + ms, 0);
      return {
        frames: intervals.length,
        seconds: total / 1000,
        framesPerSecond: total > 0 ? (intervals.length * 1000) / total : 0,
        script: quantiles(scripts),
        interval: quantiles(intervals),
        longTasks,
      };
    },
  };
  return (now) => {
    if (last !== null && intervals.length < FRAMES_MAX) {
      intervals.push(now - last);
      scripts.push(spent);
    }
    spent = 0;
    last = now;
  };
}
