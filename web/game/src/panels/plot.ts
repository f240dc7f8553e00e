/** A chart as uPlot draws it. Loaded with it, when the first chart is shown. */

import { effect } from '@preact/signals';
import Plot from 'uplot';
import type { Game } from '../game';
import type { TeamCourse } from '../match/course';
import { timed } from '../measure';
import { BOARD, TEAM_COLOURS, withAlpha } from '../render/palette';
import { clock } from '../text/format';

export type CurveName = keyof TeamCourse;
/** Permille of the map, or plain numbers. */
export type Unit = 'permille' | 'count';

const LINES = '#2a3441';
/** Steps of the time axis. */
const SECONDS = [1, 5, 10, 15, 30, 60, 120, 300];
const TEXT_DIM = '#a3b0bd';
/** All charts of the page share one cursor. */
const SYNC_KEY = 'match';
const AXIS: Plot.Axis = {
  stroke: TEXT_DIM,
  font: '11px "Inter Variable", sans-serif',
  grid: { stroke: LINES, width: 1 },
  ticks: { show: false },
};

/** Draws a curve of all teams into `host`; returns what ends it. */
export function mountPlot(
  host: HTMLDivElement,
  game: Game,
  curve: CurveName,
  unit: Unit,
): () => void {
  let plot: Plot | null = null;
  let teams = 0;

  function data(): Plot.AlignedData {
    const course = game.course();
    return [course.seconds, ...course.teams.map((team) => team[curve])] as Plot.AlignedData;
  }

  function build(): void {
    plot?.destroy();
    teams = game.course().teams.length;
    const { width, height } = host.getBoundingClientRect();
    const size = { width: Math.max(60, width), height: Math.max(40, height) };
    const seek = (seconds: number) => game.seek(seconds * 10);
    plot = new Plot({ ...optionsOf(teams, unit, seek), ...size }, data(), host);
  }

  build();
  const stop = effect(() => {
    void game.state.courseVersion.value;
    timed(() => {
      if (game.course().teams.length !== teams) build();
      else plot?.setData(data());
    });
  });
  const observer = new ResizeObserver(() => {
    const { width, height } = host.getBoundingClientRect();
    if (width > 60 && height > 30) plot?.setSize({ width, height });
  });
  observer.observe(host);
  return () => {
    stop();
    observer.disconnect();
    plot?.destroy();
  };
}

function optionsOf(
  teams: number,
  unit: Unit,
  seek: (seconds: number) => void,
): Omit<Plot.Options, 'width' | 'height'> {
  const least = unit === 'permille' ? 100 : 4;
  return {
    legend: { show: false },
    padding: [6, 18, 0, 0],
    cursor: {
      sync: { key: SYNC_KEY },
      drag: { x: false, y: false },
      points: { size: 6 },
      bind: {
        click: (self) => () => {
          const at = self.cursor.left ?? -1;
          if (at >= 0) seek(self.posToVal(at, 'x'));
          return null;
        },
      },
    },
    scales: {
      x: { time: false },
      y: { range: (_self, _min, max) => [0, Math.max(least, max * 1.1)] },
    },
    axes: axesOf(unit),
    series: [{}, ...Array.from({ length: teams }, (_, team) => seriesOf(team, teams))],
  };
}

function axesOf(unit: Unit): Plot.Axis[] {
  const value = (v: number) =>
    unit === 'permille' ? `${Math.round(v / 10)} %` : String(Math.round(v));
  return [
    {
      ...AXIS,
      size: 20,
      gap: 3,
      space: 70,
      incrs: SECONDS,
      values: (_self, splits) => splits.map((s) => clock(s * 10)),
    },
    { ...AXIS, size: 42, gap: 4, space: 24, values: (_self, splits) => splits.map(value) },
  ];
}

function seriesOf(team: number, teams: number): Plot.Series {
  return {
    stroke: TEAM_COLOURS[team],
    width: 1.75,
    // Of more than two teams the areas would hide each other.
    fill: teams === 2 ? withAlpha(TEAM_COLOURS[team], 0.07) : undefined,
    points: { show: false, fill: BOARD },
    paths: Plot.paths.linear!(),
  };
}
