/** The upper end of a heat map's legend: a round number that most of the map lies below. Pure. */

const STEPS = [250, 500, 1000, 1500, 2000, 3000, 4000, 5000, 8000, 10000, 15000, 20000, 30000];
/** The largest two in a hundred may be cut off. */
const BELOW = 0.98;

export function upperEnd(values: ArrayLike<number>, before: number | null): number {
  const sizes = Array.from(values, Math.abs).filter((v) => v > 0);
  sizes.sort((a, b) => a - b);
  const high = sizes[Math.floor((sizes.length - 1) * BELOW)] ?? 0;
  // A legend that jumps with every frame cannot be read: it changes when it no longer fits.
  if (before !== null && high <= before && high > before / 3) return before;
  return STEPS.find((step) => step >= high) ?? STEPS[STEPS.length - 1];
}
