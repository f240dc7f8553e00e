/**
 * The course of a match: what the score board said every SAMPLE_TICKS, for charts, markers and the
 * turning point. A sample that was skipped (folded frames at high speed) repeats the one before.
 */

import { TEAM_FIELDS_COUNT, type FrameTeams } from './scores';

export const SAMPLE_TICKS = 10;
/** Ten minutes at the default limit; a map with a longer one keeps its first part. */
export const SAMPLES_MAX = 3000;

export interface TeamCourse {
  /** Held cells, permille of the reachable ones. */
  readonly territory: number[];
  readonly deposits: number[];
  readonly living: number[];
  /** Sum of the three stores. */
  readonly store: number[];
}

export interface Course {
  /** Seconds of match time. */
  readonly seconds: number[];
  readonly teams: TeamCourse[];
}

export function emptyCourse(teams: number): Course {
  return {
    seconds: [],
    teams: Array.from({ length: teams }, () => ({
      territory: [],
      deposits: [],
      living: [],
      store: [],
    })),
  };
}

/** Adds the sample of a tick; earlier ticks (a seek) leave the course as it is. */
export function record(
  course: Course,
  tick: number,
  teams: FrameTeams,
  reachable: number,
): boolean {
  const index = Math.floor(tick / SAMPLE_TICKS);
  if (index < course.seconds.length || index >= SAMPLES_MAX) return false;
  while (course.seconds.length <= index) {
    const gap = course.seconds.length < index;
    course.seconds.push((course.seconds.length * SAMPLE_TICKS) / 10);
    course.teams.forEach((team, t) => {
      const at = t * TEAM_FIELDS_COUNT;
      const last = team.living.length - 1;
      const take = (list: number[], value: number) =>
        list.push(gap && last >= 0 ? list[last] : value);
      take(team.territory, (teams[at + 4] * 1000) / Math.max(1, reachable));
      take(team.deposits, teams[at + 3]);
      take(team.living, teams[at + 5]);
      take(team.store, teams[at] + teams[at + 1] + teams[at + 2]);
    });
  }
  return true;
}

/** A course from the engine's own history: rows of teams x TEAM_FIELDS numbers from tick 0 on. */
export function courseOf(
  history: { everyTicks: number; rows: Int32Array },
  teams: number,
  reachable: number,
): Course {
  const course = emptyCourse(teams);
  const row = teams * TEAM_FIELDS_COUNT;
  for (let i = 0; (i + 1) * row <= history.rows.length; i++) {
    record(
      course,
      i * history.everyTicks,
      history.rows.subarray(i * row, (i + 1) * row),
      reachable,
    );
  }
  return course;
}

/** Forgets what came after a tick (the match was branched there). */
export function cut(course: Course, tick: number): void {
  const length = Math.floor(tick / SAMPLE_TICKS) + 1;
  course.seconds.length = Math.min(course.seconds.length, length);
  for (const team of course.teams) {
    for (const list of [team.territory, team.deposits, team.living, team.store]) {
      list.length = Math.min(list.length, length);
    }
  }
}
