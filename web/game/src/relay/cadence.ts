/** When a team's strategy is asked for again: by match time, never more often than a real pace. Pure. */

/** 25 s of match time. */
export const ASK_INTERVAL_TICKS = 250;
/** At sixteenfold speed match time alone would be a flood. */
export const ASK_INTERVAL_MS_MIN = 5000;
const FIRST_ASK_TICKS = 30;
/** The teams take turns, so that answers do not come all at once. */
const STAGGER_TICKS = 20;

export interface Asked {
  readonly tick: number;
  readonly atMs: number;
  readonly waiting: boolean;
}

export function isDue(
  team: number,
  tick: number,
  nowMs: number,
  asked: Asked | undefined,
): boolean {
  if (!asked) return tick >= FIRST_ASK_TICKS + team * STAGGER_TICKS;
  if (asked.waiting || nowMs - asked.atMs < ASK_INTERVAL_MS_MIN) return false;
  // A seek into the past does not stop the asking for good.
  return tick - asked.tick >= ASK_INTERVAL_TICKS || tick < asked.tick - ASK_INTERVAL_TICKS;
}
