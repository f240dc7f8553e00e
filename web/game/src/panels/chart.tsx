import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import type { Game } from '../game';
import type { TeamCourse } from '../match/course';
import { timed } from '../measure';
import { BOARD, TEAM_COLOURS, withAlpha } from '../render/palette';
import { clock } from '../text/format';

export type CurveName = keyof TeamCourse;

const LINES = '#2a3441';
/** Steps of the time axis. */
const SECONDS = [1, 5, 10, 15, 30, 60, 120, 300];
const TEXT_DIM = '#a3b0bd';
/** All charts of the page share one cursor. */
const SYNC_KEY = 'match';

interface ChartProps {
  readonly game: Game;
  readonly curve: CurveName;
  readonly label: string;
  readonly height: number;
  /** Permille of the map, or plain numbers. */
  readonly unit: 'permille' | 'count';
}

/** A team's curve over match time. uPlot is loaded when the first chart is shown. */
export function Chart(props: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const { game, curve, unit } = props;
  useEffect(() => {
    let ended = false;
    let end = () => {};
    void loadPlot().then((Plot) => {
      if (!ended && host.current) end = mount(Plot, host.current, game, curve, unit);
    });
    return () => {
      ended = true;
      end();
    };
  }, [game, curve, unit]);
  return (
    <figure class="chart" aria-label={`${props.label} over time; as a table in the tab Charts`}>
      <figcaption>{props.label}</figcaption>
      <div class="chart-host" ref={host} />
    </figure>
  );
}

async function loadPlot(): Promise<typeof uPlot> {
  const { default: Plot } = await import('uplot');
  return Plot;
}

function mount(
  Plot: typeof uPlot,
  host: HTMLDivElement,
  game: Game,
  curve: CurveName,
  unit: 'permille' | 'count',
): () => void {
  let plot: uPlot | null = null;
  let teams = 0;

  function data(): uPlot.AlignedData {
    const course = game.course();
    return [course.seconds, ...course.teams.map((team) => team[curve])] as uPlot.AlignedData;
  }

  function build(): void {
    plot?.destroy();
    teams = game.course().teams.length;
    const { width, height } = host.getBoundingClientRect();
    plot = new Plot(
      options(Plot, teams, unit, Math.max(60, width), Math.max(40, height), (seconds) =>
        game.seek(seconds * 10),
      ),
      data(),
      host,
    );
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

function options(
  Plot: typeof uPlot,
  teams: number,
  unit: 'permille' | 'count',
  width: number,
  height: number,
  seek: (seconds: number) => void,
): uPlot.Options {
  const font = '11px "Inter Variable", sans-serif';
  const axis = {
    stroke: TEXT_DIM,
    font,
    grid: { stroke: LINES, width: 1 },
    ticks: { show: false },
  };
  const value = (v: number) =>
    unit === 'permille' ? `${Math.round(v / 10)} %` : String(Math.round(v));
  return {
    width,
    height,
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
      y: { range: (_self, _min, max) => [0, Math.max(unit === 'permille' ? 100 : 4, max * 1.1)] },
    },
    axes: [
      {
        ...axis,
        size: 20,
        gap: 3,
        space: 70,
        incrs: SECONDS,
        values: (_self, splits) => splits.map((s) => clock(s * 10)),
      },
      { ...axis, size: 42, gap: 4, space: 24, values: (_self, splits) => splits.map(value) },
    ],
    series: [
      {},
      ...Array.from({ length: teams }, (_, team) => ({
        stroke: TEAM_COLOURS[team],
        width: 1.75,
        fill: teams === 2 ? withAlpha(TEAM_COLOURS[team], 0.07) : undefined,
        points: { show: false, fill: BOARD },
        paths: Plot.paths.linear!(),
      })),
    ],
  };
}
