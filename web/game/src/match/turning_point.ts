/**
 * Where a finished match turned: the moment the winner took the territory lead for good. A winner
 * that led from the start turned it where its lead grew fastest.
 */

import { SAMPLE_TICKS, type Course } from './course';

/** Window of the fastest growth: 20 s. */
const WINDOW_SAMPLES = 20;

export interface TurningPoint {
  readonly tick: number;
  readonly kind: 'lead_for_good' | 'fastest_growth';
  /** Permille of the map by which the winner was ahead WINDOW later. */
  readonly gain: number;
}

function leadAt(course: Course, winner: number, i: number): number {
  let rival = 0;
  course.teams.forEach((team, t) => {
    if (t !== winner) rival = Math.max(rival, team.territory[i]);
  });
  return course.teams[winner].territory[i] - rival;
}

export function turningPoint(course: Course, winner: number | null): TurningPoint | null {
  const length = course.seconds.length;
  if (winner === null || length < 3 || !course.teams[winner]) return null;
  let crossing = -1;
  for (let i = 1; i < length; i++) {
    if (leadAt(course, winner, i - 1) <= 0 && leadAt(course, winner, i) > 0) crossing = i;
  }
  // A lead taken in the opening, when bases are all there is, says nothing yet.
  if (crossing > WINDOW_SAMPLES) {
    const later = Math.min(length - 1, crossing + WINDOW_SAMPLES);
    return {
      tick: crossing * SAMPLE_TICKS,
      kind: 'lead_for_good',
      gain: leadAt(course, winner, later),
    };
  }
  let best = 0;
  let bestGain = -Infinity;
  for (let i = 0; i + WINDOW_SAMPLES < length; i++) {
    const gain = leadAt(course, winner, i + WINDOW_SAMPLES) - leadAt(course, winner, i);
    if (gain > bestGain) {
      bestGain = gain;
      best = i;
    }
  }
  if (!Number.isFinite(bestGain)) return null;
  return { tick: best * SAMPLE_TICKS, kind: 'fastest_growth', gain: bestGain };
}
