/**
 * How much main-thread script a frame costs. Every entry into our code (a message from the worker,
 * an animation frame, a timer, an input) runs inside `timed`; the time up to the end of the
 * microtasks that it queued counts too, since that is where Preact renders. measure_report.ts reads it.
 */

/** The script of this frame so far. */
export const script = { counted: false, depth: 0, spentMs: 0 };

/** Runs one entry into our code and counts its time. */
export function timed<T>(work: () => T): T {
  if (!script.counted || script.depth > 0) return work();
  script.depth++;
  const start = performance.now();
  try {
    return work();
  } finally {
    script.depth--;
    // Two rounds: the first microtasks queue renders, the second is where those have run.
    const end = () => (script.spentMs += performance.now() - start);
    queueMicrotask(() => queueMicrotask(end));
  }
}
