/**
 * What panels show, read from frames and from the engine. A slow clock does one part a round, so
 * that no single frame pays for all of it; after a jump everything is read at once.
 */

import { batch } from '@preact/signals';
import type { EngineClient, Frame, MapInfo, TeamId } from '@redoubt/engine/worker';
import { courseOf, cut, emptyCourse, record, SAMPLE_TICKS, type Course } from './match/course';
import { upperEnd } from './match/heat_scale';
import {
  cutMarkers,
  noMarkers,
  withDeath,
  withPlan,
  withScores,
  type MarkerState,
} from './match/markers';
import { readRoster } from './match/roster';
import { readScores, TEAM_FIELDS_COUNT } from './match/scores';
import { turningPoint } from './match/turning_point';
import { timed } from './measure';
import type { Heat } from './render/heat';
import { TEAM_NAMES } from './render/palette';
import type { Shown, State } from './state';

const SLOW_CLOCK_MS = 125;
/** A second of the slow clock. */
const ROUNDS = 8;
const HISTORY_EVERY_TICKS = 10;
/** A larger hole in the course (a link into a match) is filled from the engine's history. */
const GAP_TICKS_MAX = 100;

export interface Readings {
  course(): Course;
  heat(): Heat | null;
  /** Notes what a frame adds to the course. `jumped`: it does not follow the one before. */
  take(frame: Frame, jumped: boolean): void;
  /** Another match is shown; `past`: it has one already. */
  reset(map: MapInfo, past: boolean): void;
  /** What came after a tick is gone. */
  cutAfter(tick: number): void;
  readHeat(): void;
}

export interface Sources {
  readonly state: State;
  readonly shown: Shown;
  readonly engine: () => EngineClient | null;
  /** Where an engine's refusal is told. */
  readonly tell: (error: unknown) => void;
  /** Done in every round. */
  readonly look: () => void;
}

export function createReadings({ state, shown, engine, tell, look }: Sources): Readings {
  let course = emptyCourse(2);
  let heat: Heat | null = null;
  let round = 0;
  let drawnSamples = -1;
  const run = (work: Promise<void>): void => void work.catch(tell);

  async function readExplanations(): Promise<void> {
    const running = engine();
    const map = state.map.value;
    if (!running || !map) return;
    const tick = state.tick.value;
    const teams = Array.from({ length: map.teams }, (_, team) => team as TeamId);
    const answers = teams.map((team) => running.explain(team));
    const next = await Promise.all(answers).catch((error: unknown) => {
      // Another match may have begun meanwhile, with fewer teams.
      if (map === state.map.value) throw error;
      return null;
    });
    if (!next || map !== state.map.value) return;
    timed(() =>
      batch(() => {
        state.explanations.value = next;
        next.forEach((explanation, team) => {
          if (!explanation) return;
          const plan = `${explanation.strategy}, ${explanation.focus}`;
          state.markers.value = withPlan(state.markers.value, tick, team, plan, TEAM_NAMES[team]);
        });
      }),
    );
  }

  async function readHeat(): Promise<void> {
    const { heat: name, heatTeam: team } = state.layers.value;
    const running = engine();
    if (!running || !name) {
      heat = null;
      return;
    }
    // A scripted side has no fields; the legend says so.
    const values = await running.heatMap(team as TeamId, name).catch(() => null);
    const now = state.layers.value;
    if (now.heat !== name || now.heatTeam !== team) return;
    const before = heat?.name === name && heat.team === team ? heat.upper : null;
    heat = values && { name, team, values, upper: upperEnd(values, before) };
    state.heatUpper.value = heat?.upper ?? null;
  }

  /** A replay or a kept match knows its whole course at once. */
  async function readHistory(): Promise<void> {
    const map = state.map.value;
    const history = await engine()?.history(HISTORY_EVERY_TICKS);
    if (!history || !map || map !== state.map.value) return;
    course = courseOf(history, map.teams, map.reachableCells);
    state.markers.value = markersOf(history, map);
    state.courseVersion.value++;
    // A link may lead straight to the end: where the match turned is only known now.
    const ending = state.ending.value;
    if (!ending) return;
    state.ending.value = { ...ending, turning: turningPoint(course, ending.outcome.winner) };
  }

  function showScores(frame: Frame, map: MapInfo): void {
    batch(() => {
      const scores = readScores(frame.teams, map.teams, map.reachableCells);
      state.scores.value = scores;
      state.markers.value = withScores(state.markers.value, frame.tick, scores, TEAM_NAMES);
    });
  }

  function showRoster(frame: Frame, map: MapInfo): void {
    if (state.tab.value !== 'roster') return;
    state.roster.value = readRoster(frame.agents, map, state.explanations.value);
  }

  function showCourse(): void {
    if (course.seconds.length === drawnSamples) return;
    drawnSamples = course.seconds.length;
    state.courseVersion.value++;
  }

  function slow(): void {
    const map = state.map.value;
    const frame = shown.frame;
    round = (round + 1) % ROUNDS;
    look();
    if (!map || !frame || engine()?.status.state === 'lost') return;
    if (round % 2 === 0) showScores(frame, map);
    if (round === 1) run(readExplanations());
    if (round === 3) run(readHeat());
    if (round === 5) showRoster(frame, map);
    if (round === 7) showCourse();
  }
  setInterval(() => timed(slow), SLOW_CLOCK_MS);

  function showAll(frame: Frame, map: MapInfo): void {
    showScores(frame, map);
    showRoster(frame, map);
    showCourse();
    run(readExplanations());
    run(readHeat());
  }

  return {
    course: () => course,
    heat: () => heat,
    take(frame, jumped) {
      const map = state.map.value;
      if (!map) return;
      const missing = frame.tick - course.seconds.length * SAMPLE_TICKS > GAP_TICKS_MAX;
      if (missing) run(readHistory());
      else record(course, frame.tick, frame.teams, map.reachableCells);
      if (jumped) return showAll(frame, map);
      for (const event of frame.events) {
        if (event.kind === 'died') state.markers.value = withDeath(state.markers.value, event.tick);
      }
    },
    reset(map, past) {
      heat = null;
      course = emptyCourse(map.teams);
      state.markers.value = noMarkers;
      state.courseVersion.value++;
      if (past) run(readHistory());
    },
    cutAfter(tick) {
      cut(course, tick);
      state.markers.value = cutMarkers(state.markers.value, tick);
      state.courseVersion.value++;
    },
    readHeat: () => run(readHeat()),
  };
}

function markersOf(
  history: {
    everyTicks: number;
    rows: Int32Array;
    events: readonly { kind: string; tick: number }[];
  },
  map: MapInfo,
): MarkerState {
  let markers = noMarkers;
  for (const event of history.events) {
    if (event.kind === 'died') markers = withDeath(markers, event.tick);
  }
  const row = map.teams * TEAM_FIELDS_COUNT;
  for (let i = 0; (i + 1) * row <= history.rows.length; i++) {
    const numbers = history.rows.subarray(i * row, (i + 1) * row);
    const scores = readScores(numbers, map.teams, map.reachableCells);
    markers = withScores(markers, i * history.everyTicks, scores, TEAM_NAMES);
  }
  return markers;
}
