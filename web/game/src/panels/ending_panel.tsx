import type { Game } from '../game';
import { describeEnding, describeTurning } from '../match/ending';
import type { Ending } from '../state';
import { TeamMark } from './marks';

/** Who won and why, where the match turned, and the way back there. Beside the map, not over it. */
export function EndingPanel({
  game,
  again,
  saveReplay,
}: {
  game: Game;
  again: () => void;
  saveReplay: () => void;
}) {
  const ending = game.state.ending.value;
  if (!ending) return null;
  const { winner } = ending.outcome;
  const words = describeEnding(ending.outcome, game.state.scores.value);
  return (
    <section
      class={`ending ${winner === null ? '' : `team-${winner}`}`}
      aria-label="End of the match"
    >
      <h2>
        {winner === null ? null : <TeamMark team={winner} size={16} />}
        {words.title}
      </h2>
      <p>{words.why}</p>
      <Turning game={game} ending={ending} />
      <div class="row">
        {ending.turning ? (
          <button
            type="button"
            class="button primary"
            onClick={() => {
              game.seek(ending.turning!.tick);
              game.play();
            }}
          >
            Watch from there
          </button>
        ) : null}
        <button type="button" class="button" onClick={again}>
          Another seed
        </button>
        <button type="button" class="button" onClick={saveReplay}>
          Save replay
        </button>
      </div>
    </section>
  );
}

const WIDTH = 320;
const HEIGHT = 56;

/** The winner's and the best rival's territory, with the turning point on the curve. */
function Turning({ game, ending }: { game: Game; ending: Ending }) {
  const { turning } = ending;
  const { winner } = ending.outcome;
  if (!turning || winner === null) return null;
  const course = game.course();
  const length = course.seconds.length;
  const x = (i: number) => (i / Math.max(1, length - 1)) * WIDTH;
  const y = (permille: number) => HEIGHT - 3 - (permille / 1000) * (HEIGHT - 6);
  const every = Math.max(1, Math.floor(length / WIDTH));
  const line = (list: readonly number[]) =>
    list
      .map((value, i) =>
        i % every === 0 || i === length - 1 ? `${x(i).toFixed(1)},${y(value).toFixed(1)}` : '',
      )
      .filter(Boolean)
      .join(' ');
  const at = Math.min(length - 1, Math.round(turning.tick / 10));
  return (
    <>
      <svg
        class="turning"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label="Territory over time"
      >
        {course.teams.map((team, t) => (
          <polyline key={t} class={`line team-${t}`} points={line(team.territory)} />
        ))}
        <line class="turning-line" x1={x(at)} x2={x(at)} y1="0" y2={HEIGHT} />
        <circle
          class="turning-dot"
          cx={x(at)}
          cy={y(course.teams[winner].territory[at] ?? 0)}
          r="4"
        />
      </svg>
      <p class="meta">{describeTurning(turning, winner)}</p>
    </>
  );
}
