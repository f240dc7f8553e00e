/**
 * With `?measure` in the address, `window.redoubtMeasure.report()` gives the distribution of script
 * and time over animation frames.
 */

import { script } from './measure';

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

function quantiles(values: readonly number[]): MeasureReport['script'] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted[sorted.length - 1] ?? 0 };
}

interface Counts {
  /** Of each frame, ms. */
  scripts: number[];
  intervals: number[];
  longTasks: number;
  last: number | null;
}

const noCounts = (): Counts => ({ scripts: [], intervals: [], longTasks: 0, last: null });

/** Counts from here on; what it returns must be called at the start of each animation frame. */
export function startMeasure(): (now: number) => void {
  let counts = noCounts();
  script.counted = true;
  if (PerformanceObserver.supportedEntryTypes.includes('longtask')) {
    const count = (list: PerformanceObserverEntryList) =>
      (counts.longTasks += list.getEntries().length);
    new PerformanceObserver(count).observe({ type: 'longtask' });
  }
  window.redoubtMeasure = {
    reset() {
      counts = noCounts();
      script.spentMs = 0;
    },
    report: () => reportOf(counts),
  };
  return (now) => countFrame(counts, now);
}

function countFrame(counts: Counts, now: number): void {
  if (counts.last !== null && counts.intervals.length < FRAMES_MAX) {
    counts.intervals.push(now - counts.last);
    counts.scripts.push(script.spentMs);
  }
  script.spentMs = 0;
  counts.last = now;
}

function reportOf({ scripts, intervals, longTasks }: Counts): MeasureReport {
  const total = intervals.reduce((sum, ms) => sum + ms, 0);
  return {
    frames: intervals.length,
    seconds: total / 1000,
    framesPerSecond: total > 0 ? (intervals.length * 1000) / total : 0,
    script: quantiles(scripts),
    interval: quantiles(intervals),
    longTasks,
  };
}
