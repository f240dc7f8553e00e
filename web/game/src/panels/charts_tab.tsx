import type { Game } from '../game';
import { SAMPLE_TICKS } from '../match/course';
import { TEAM_NAMES } from '../render/palette';
import { clock, percent } from '../text/format';
import { Chart } from './chart';

/** A row each 30 s. */
const ROW_SAMPLES = 30;

/** Territory, deposits and agents over time, with one shared cursor, or the same as a table. */
export function ChartsTab({ game }: { game: Game }) {
  const { chartsAsTable } = game.state;
  return (
    <div class="charts">
      <div class="filters">
        <button
          type="button"
          class="button small"
          aria-pressed={chartsAsTable.value}
          onClick={() => (chartsAsTable.value = !chartsAsTable.value)}
        >
          Show as table
        </button>
        <span class="meta">A click in a chart goes there.</span>
      </div>
      {chartsAsTable.value ? (
        <CourseTable game={game} />
      ) : (
        <>
          <Chart
            game={game}
            curve="territory"
            label="Territory, share of the map"
            height={120}
            unit="permille"
          />
          <Chart
            game={game}
            curve="deposits"
            label="Deposits, units delivered"
            height={100}
            unit="count"
          />
          <Chart game={game} curve="living" label="Agents alive" height={100} unit="count" />
        </>
      )}
    </div>
  );
}

function CourseTable({ game }: { game: Game }) {
  void game.state.courseVersion.value;
  const course = game.course();
  const last = course.seconds.length - 1;
  const rows: number[] = [];
  for (let i = 0; i <= last; i += ROW_SAMPLES) rows.push(i);
  if (last >= 0 && last % ROW_SAMPLES !== 0) rows.push(last);
  return (
    <table class="course">
      <caption class="visually-hidden">Territory, deposits and agents over time</caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          {course.teams.map((_, team) => (
            <th scope="col" class="right" key={team}>
              {TEAM_NAMES[team]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.reverse().map((i) => (
          <tr key={i}>
            <th scope="row" class="number">
              {clock(i * SAMPLE_TICKS)}
            </th>
            {course.teams.map((team, t) => (
              <td class="right number" key={t}>
                {percent(team.territory[i])}
                <span class="meta">
                  {' '}
                  {team.deposits[i]} del., {team.living[i]} ag.
                </span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
