import { describe, expect, it } from 'vitest';
import {
  generatedSize,
  mapSource,
  sourceOfText,
  teamsOf,
} from '../../../web/game/src/match/choice';
import { courseOf, cut, emptyCourse, record } from '../../../web/game/src/match/course';
import { describeEnding, describeTurning } from '../../../web/game/src/match/ending';
import { initialLayers, isShown, toggleLayer } from '../../../web/game/src/match/layers';
import {
  cutMarkers,
  MARKERS_MAX,
  noMarkers,
  withDeath,
  withPlan,
  withRelayLost,
  withScores,
  type MarkerState,
} from '../../../web/game/src/match/markers';
import { paintedMap } from '../../../web/game/src/match/painted_map';
import { filterRoster, readRoster } from '../../../web/game/src/match/roster';
import { leader, readScores, type TeamScore } from '../../../web/game/src/match/scores';
import { turningPoint } from '../../../web/game/src/match/turning_point';
import { isDue } from '../../../web/game/src/relay/cadence';
import { madeUpMap, madeUpMatch } from './fixture/frames';

const NAMES = ['Red', 'Blue'];
const row = (held: number[]) => held.flatMap((h) => [10, 20, 30, 5, h, 4, 0, 0]);
const scores = (...held: number[]): TeamScore[] => readScores(row(held), held.length, 1000);

/** A course whose red territory is given a sample (permille), blue's being 1000 less that. */
function courseWith(red: readonly number[]) {
  const course = emptyCourse(2);
  red.forEach((value, i) => record(course, i * 10, row([value, 1000 - value]), 1000));
  return course;
}

describe('scores', () => {
  it('are read from the flat numbers', () => {
    expect(scores(250, 100)[0]).toMatchObject({
      energy: 10,
      deposits: 5,
      held: 250,
      sharePermille: 250,
      living: 4,
    });
  });
  it('have a leader only where one is alone at the top', () => {
    expect(leader(scores(5, 9))).toBe(1);
    expect(leader(scores(9, 9))).toBeNull();
  });
});

describe('the course', () => {
  it('takes a sample each second and ignores the past', () => {
    const course = courseWith([500, 510, 520]);
    expect(course.seconds).toEqual([0, 1, 2]);
    expect(record(course, 5, row([1, 1]), 1000)).toBe(false);
    expect(course.teams[0].territory).toEqual([500, 510, 520]);
  });
  it('repeats the sample before where ticks were folded', () => {
    const course = courseWith([500]);
    record(course, 40, row([700, 300]), 1000);
    expect(course.teams[0].territory).toEqual([500, 500, 500, 500, 700]);
  });
  it('is made from the engine\u2019s history and cut where a match is branched', () => {
    const rows = Int32Array.from([0, 1, 2, 3].flatMap((i) => row([500 + i, 400])));
    const course = courseOf({ everyTicks: 10, rows }, 2, 1000);
    expect(course.teams[0].territory).toEqual([500, 501, 502, 503]);
    cut(course, 15);
    expect(course.teams[0].territory).toEqual([500, 501]);
    expect(course.seconds).toEqual([0, 1]);
  });
});

describe('the turning point', () => {
  it('is where the winner takes the lead for good', () => {
    const red = Array.from({ length: 120 }, (_, i) => (i < 30 ? 520 : i < 60 ? 450 : 560 + i));
    const turning = turningPoint(courseWith(red), 0);
    expect(turning).toMatchObject({ tick: 600, kind: 'lead_for_good' });
    expect(turning!.gain).toBe(2 * (560 + 80) - 1000);
    expect(describeTurning(turning!, 0)).toBe(
      'Turning point at 1:00: Red takes the lead for good, 28 % ahead 20 s later.',
    );
  });
  it('is where the lead grew fastest for who always led', () => {
    const red = Array.from({ length: 100 }, (_, i) =>
      i < 50 ? 510 : Math.min(900, 510 + (i - 50) * 15),
    );
    expect(turningPoint(courseWith(red), 0)).toMatchObject({ kind: 'fastest_growth', tick: 500 });
  });
  it('is nowhere in a draw or in a match that hardly began', () => {
    expect(turningPoint(courseWith([500, 600, 700]), null)).toBeNull();
    expect(turningPoint(courseWith([500, 600]), 0)).toBeNull();
  });
});

describe('the ending', () => {
  it('says who won and why', () => {
    const outcome = { by: 'territory' as const, winner: 1 as const, tick: 2400, rank: [2, 1] };
    expect(describeEnding(outcome, scores(200, 760))).toEqual({
      title: 'Blue wins by territory',
      why: 'Blue held 76 % of the map long enough. 4:00 played.',
    });
    expect(
      describeEnding({ by: 'time_limit', winner: null, tick: 6000, rank: [1, 1] }, []).title,
    ).toBe('A draw');
  });
});

describe('markers', () => {
  const play = (state: MarkerState, from: number, ticks: number, red: number, blue: number) => {
    let next = state;
    for (let t = from; t < from + ticks; t += 5)
      next = withScores(next, t, scores(red, blue), NAMES);
    return next;
  };
  it('mark a lead that lasts, at the moment it was taken', () => {
    let state = play(noMarkers, 0, 100, 60, 50);
    expect(state.markers).toEqual([]);
    state = play(state, 100, 10, 50, 60);
    state = play(state, 110, 50, 60, 50);
    expect(state.markers).toEqual([]);
    state = play(state, 200, 60, 50, 60);
    expect(state.markers).toEqual([
      { tick: 200, kind: 'lead', team: 1, text: 'Blue takes the lead' },
    ]);
  });
  it('mark a changed plan, not the first one', () => {
    let state = withPlan(noMarkers, 10, 0, 'balanced', 'Red');
    state = withPlan(state, 20, 0, 'balanced', 'Red');
    expect(state.markers).toEqual([]);
    state = withPlan(state, 300, 0, 'aggressive', 'Red');
    expect(state.markers[0]).toMatchObject({ tick: 300, kind: 'plan', team: 0 });
  });
  it('mark four deaths within five seconds, and count on from there', () => {
    let state = noMarkers;
    for (const tick of [10, 100, 110, 120]) state = withDeath(state, tick);
    expect(state.markers).toEqual([]);
    state = withDeath(state, 125);
    expect(state.markers).toMatchObject([{ tick: 100, kind: 'deaths' }]);
    expect(state.deaths).toEqual([]);
  });
  it('stay in order, once each, within their bound, and are cut by a branch', () => {
    let state = withRelayLost(withRelayLost(noMarkers, 500), 503);
    expect(state.markers).toHaveLength(1);
    state = withRelayLost(state, 100);
    expect(state.markers.map((m) => m.tick)).toEqual([100, 500]);
    expect(cutMarkers(state, 200).markers.map((m) => m.tick)).toEqual([100]);
    for (let t = 1000; t < 20000; t += 20) state = withRelayLost(state, t);
    expect(state.markers).toHaveLength(MARKERS_MAX);
  });
});

describe('layers', () => {
  it('toggle, and heat maps exclude each other', () => {
    let layers = toggleLayer(initialLayers, 'threat');
    expect(isShown(layers, 'threat')).toBe(true);
    layers = toggleLayer(layers, 'influence');
    expect([isShown(layers, 'threat'), isShown(layers, 'influence')]).toEqual([false, true]);
    layers = toggleLayer(toggleLayer(layers, 'influence'), 'plan');
    expect([layers.heat, layers.plan]).toEqual([null, false]);
  });
});

describe('the roster', () => {
  const map = madeUpMap(20, 14, 2, 3);
  const frame = madeUpMatch(map, 4)();
  it('lists agents by team with order, task, load and health', () => {
    const task = { agent: 0, task: 'raid the north', cell: 3 };
    const rows = readRoster(frame.agents, map, [{ tasks: [task] } as never, null]);
    expect(rows.map((r) => r.team)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect(rows[0]).toMatchObject({
      id: 0,
      role: 'collector',
      load: '3/6 energy',
      healthPermille: 1000,
    });
    expect(rows[0].doing).toMatch(/^raid the north, row/);
    expect(rows[1].doing).toMatch(/^capture, row \d+, column \d+$/);
  });
  it('filters by team and role', () => {
    const rows = readRoster(frame.agents, map, []);
    expect(filterRoster(rows, { team: 1, role: null })).toHaveLength(4);
    expect(filterRoster(rows, { team: 1, role: 'attacker' })).toHaveLength(1);
    expect(filterRoster(rows, { team: null, role: null })).toHaveLength(8);
  });
});

describe('maps', () => {
  const file = {
    format: 'redoubt-map',
    version: 1,
    name: 'tiny',
    rows: ['..#', '~..'],
    bases: [
      [0, 0],
      [2, 1],
    ],
    sites: [[1, 1, 'data']],
  };
  it('are painted from a compact file before the engine is there', () => {
    const map = paintedMap(JSON.stringify(file))!;
    expect([map.width, map.height, map.teams, map.reachableCells]).toEqual([3, 2, 2, 5]);
    expect([...map.terrain]).toEqual([0, 0, 2, 1, 0, 0]);
    expect([...map.bases]).toEqual([0, 5]);
    expect(map.sites).toEqual([{ cell: 4, type: 'data' }]);
  });
  it('are left to the engine where they cannot be painted', () => {
    expect(paintedMap('not json')).toBeNull();
    expect(paintedMap('{}')).toBeNull();
    expect(paintedMap(JSON.stringify({ ...file, rows: ['..', '...'] }))).toBeNull();
  });
  it('are told apart by content', () => {
    expect(sourceOfText(JSON.stringify(file), 'x')).toHaveProperty('compact');
    expect(sourceOfText('{"orientation":"hexagonal"}', 'x')).toHaveProperty('tiled');
    expect(sourceOfText('Gg, Gg, 1 Kh', 'x')).toEqual({ wesnoth: 'Gg, Gg, 1 Kh', name: 'x' });
  });
  it('say how many play on them', () => {
    expect(teamsOf('crossroads')).toBe(4);
    expect(teamsOf('gen:41x29x4')).toBe(4);
    expect(teamsOf('gen:40x28')).toBe(2);
    expect(teamsOf('imported')).toBeNull();
    expect(generatedSize('gen:40')).toBeNull();
    expect(mapSource({ map: 'gen:30x24', seed: '9', players: [], work: 500 }, null)).toEqual({
      generate: { width: 30, height: 24, teams: 2, seed: '9' },
    });
  });
});

describe('asking the relay', () => {
  it('begins soon, team by team, and comes again every 25 s of match time', () => {
    expect(isDue(0, 10, 0, undefined)).toBe(false);
    expect(isDue(0, 30, 0, undefined)).toBe(true);
    expect(isDue(1, 30, 0, undefined)).toBe(false);
    expect(isDue(1, 50, 0, undefined)).toBe(true);
    const asked = { tick: 30, atMs: 1000, waiting: false };
    expect(isDue(0, 279, 60_000, asked)).toBe(false);
    expect(isDue(0, 280, 60_000, asked)).toBe(true);
  });
  it('waits for an answer, and for five real seconds however fast the match runs', () => {
    expect(isDue(0, 900, 60_000, { tick: 30, atMs: 1000, waiting: true })).toBe(false);
    expect(isDue(0, 900, 5_999, { tick: 30, atMs: 1000, waiting: false })).toBe(false);
    expect(isDue(0, 900, 6_000, { tick: 30, atMs: 1000, waiting: false })).toBe(true);
  });
});
