/**
 * How much of something that began at `start` is over, 0..1: a frame's time may lie before what the
 * page has begun since, and long after it where the tab was hidden.
 */
export function progress(now: number, start: number, durationMs: number): number {
  if (durationMs <= 0) return 1;
  return Math.min(1, Math.max(0, (now - start) / durationMs));
}
