/**
 * What panels show, read from frames and from the engine. A slow clock does one part a round, so
 * that no single frame pays for all of it; after a jump everything is read at once.
 */

import { batch } from '@preact/signals';
import type { EngineClient, Explanation, Frame, MapInfo, TeamId } from '@redoubt/engine/worker';
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

export interface Sources {
  readonly state: State;
  readonly shown: Shown;
  readonly engine: () => EngineClient | null;
  /** Where an engine's refusal is told. */
  readonly tell: (error: unknown) => void;
  /** Done in every round. */
  readonly look: () => void;
}

export interface Readings {
  readonly sources: Sources;
  course: Course;
  heat: Heat | null;
  round: number;
  /** Samples of the course that charts show. */
  drawnSamples: number;
}

export function startReadings(sources: Sources): Readings {
  const readings = { sources, course: emptyCourse(2), heat: null, round: 0, drawnSamples: -1 };
  setInterval(() => timed(() => readOne(readings)), SLOW_CLOCK_MS);
  return readings;
}

/** Notes what a frame adds to the course. `jumped`: it does not follow the one before. */
export function noteFrame(readings: Readings, frame: Frame, jumped: boolean): void {
  const { state } = readings.sources;
  const { course } = readings;
  const map = state.map.value;
  if (!map) return;
  const missing = frame.tick - course.seconds.length * SAMPLE_TICKS > GAP_TICKS_MAX;
  if (missing) run(readings, readHistory);
  else record(course, frame.tick, frame.teams, map.reachableCells);
  if (jumped) return readAll(readings, frame, map);
  for (const event of frame.events) {
    if (event.kind === 'died') state.markers.value = withDeath(state.markers.value, event.tick);
  }
}

/** Another match is shown; `past`: it has one already. */
export function resetReadings(readings: Readings, map: MapInfo, past: boolean): void {
  const { state } = readings.sources;
  readings.heat = null;
  readings.course = emptyCourse(map.teams);
  state.markers.value = noMarkers;
  state.courseVersion.value++;
  if (past) run(readings, readHistory);
}

/** What came after a tick is gone. */
export function cutReadings({ sources: { state }, course }: Readings, tick: number): void {
  cut(course, tick);
  state.markers.value = cutMarkers(state.markers.value, tick);
  state.courseVersion.value++;
}

export function refreshHeat(readings: Readings): void {
  run(readings, readHeat);
}

function run(readings: Readings, work: (readings: Readings) => Promise<void>): void {
  work(readings).catch(readings.sources.tell);
}

/** A round of the slow clock. */
function readOne(readings: Readings): void {
  const { state, shown, engine, look } = readings.sources;
  const map = state.map.value;
  const { frame } = shown;
  const round = (readings.round + 1) % ROUNDS;
  readings.round = round;
  look();
  if (!map || !frame || engine()?.status.state === 'lost') return;
  if (round % 2 === 0) showScores(state, frame, map);
  if (round === 1) run(readings, readExplanations);
  if (round === 3) run(readings, readHeat);
  if (round === 5) showRoster(state, frame, map);
  if (round === 7) showCourse(readings);
}

function readAll(readings: Readings, frame: Frame, map: MapInfo): void {
  const { state } = readings.sources;
  showScores(state, frame, map);
  showRoster(state, frame, map);
  showCourse(readings);
  run(readings, readExplanations);
  run(readings, readHeat);
}

async function readExplanations({ sources: { state, engine } }: Readings): Promise<void> {
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
  if (next && map === state.map.value) timed(() => batch(() => showPlans(state, next, tick)));
}

function showPlans(state: State, next: readonly (Explanation | null)[], tick: number): void {
  state.explanations.value = next;
  next.forEach((explanation, team) => {
    if (!explanation) return;
    const plan = `${explanation.strategy}, ${explanation.focus}`;
    state.markers.value = withPlan(state.markers.value, tick, team, plan, TEAM_NAMES[team]);
  });
}

async function readHeat(readings: Readings): Promise<void> {
  const { state, engine } = readings.sources;
  const { heat: name, heatTeam: team } = state.layers.value;
  const running = engine();
  if (!running || !name) {
    readings.heat = null;
    return;
  }
  // A scripted side has no fields; the legend says so.
  const values = await running.heatMap(team as TeamId, name).catch(() => null);
  const now = state.layers.value;
  if (now.heat !== name || now.heatTeam !== team) return;
  const { heat } = readings;
  const before = heat?.name === name && heat.team === team ? heat.upper : null;
  readings.heat = values && { name, team, values, upper: upperEnd(values, before) };
  state.heatUpper.value = readings.heat?.upper ?? null;
}

/** A replay or a kept match knows its whole course at once. */
async function readHistory(readings: Readings): Promise<void> {
  const { state, engine } = readings.sources;
  const map = state.map.value;
  const history = await engine()?.history(HISTORY_EVERY_TICKS);
  if (!history || !map || map !== state.map.value) return;
  readings.course = courseOf(history, map.teams, map.reachableCells);
  state.markers.value = markersOf(history, map);
  state.courseVersion.value++;
  // A link may lead straight to the end: where the match turned is only known now.
  const ending = state.ending.value;
  if (!ending) return;
  const turning = turningPoint(readings.course, ending.outcome.winner);
  state.ending.value = { ...ending, turning };
}

function showScores(state: State, frame: Frame, map: MapInfo): void {
  batch(() => {
    const scores = readScores(frame.teams, map.teams, map.reachableCells);
    state.scores.value = scores;
    state.markers.value = withScores(state.markers.value, frame.tick, scores, TEAM_NAMES);
  });
}

function showRoster(state: State, frame: Frame, map: MapInfo): void {
  if (state.tab.value !== 'roster') return;
  state.roster.value = readRoster(frame.agents, map, state.explanations.value);
}

function showCourse(readings: Readings): void {
  const samples = readings.course.seconds.length;
  if (samples === readings.drawnSamples) return;
  readings.drawnSamples = samples;
  readings.sources.state.courseVersion.value++;
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
