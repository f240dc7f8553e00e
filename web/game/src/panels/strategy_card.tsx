import type { Explanation, PlanArrow, Reason } from '@redoubt/engine';
import type { Game } from '../game';
import type { Badge } from '../state';
import { TEAM_NAMES } from '../render/palette';
import { arrowLabel, latency, sentence, signed } from '../text/format';
import { TeamMark } from './marks';

const REASONS_SHOWN = 3;

/** Always visible: what each team goes for, who said so, how sure, and why. */
export function StrategyCards({ game }: { game: Game }) {
  const { players, ending } = game.state;
  const dense = players.value.length > 2 || ending.value !== null;
  return (
    <section class={dense ? 'cards dense' : 'cards'} aria-label="Strategies">
      {players.value.map((player, team) => (
        <StrategyCard key={team} game={game} team={team} player={player} />
      ))}
    </section>
  );
}

function StrategyCard({ game, team, player }: { game: Game; team: number; player: string }) {
  const explanation = game.state.explanations.value[team] ?? null;
  return (
    <article class={`card team-${team}`} aria-label={`${TEAM_NAMES[team]}'s strategy`}>
      <header class="card-head">
        <TeamMark team={team} />
        <h2>{TEAM_NAMES[team]}</h2>
        <span class="meta card-player">{player}</span>
        <SourceBadge explanation={explanation} badge={game.state.badges.value[team]} />
      </header>
      {explanation ? (
        <Explained game={game} team={team} explanation={explanation} />
      ) : (
        <p class="meta card-empty">
          {player === 'strategist'
            ? 'Thinking about its first plan.'
            : 'A scripted side: it gives no reasons.'}
        </p>
      )}
    </article>
  );
}

function SourceBadge({ explanation, badge }: { explanation: Explanation | null; badge?: Badge }) {
  const outside = badge?.source === 'relay' && explanation?.source !== 'engine';
  if (!outside) return <span class="badge">built-in</span>;
  const pace = badge.latencyMs === null ? '' : ` ${latency(badge.latencyMs)}`;
  return <span class="badge outside">{`${badge.model ?? 'relay'}${pace}`}</span>;
}

function Explained({
  game,
  team,
  explanation,
}: {
  game: Game;
  team: number;
  explanation: Explanation;
}) {
  const reasons = [...explanation.reasons]
    .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
    .slice(0, REASONS_SHOWN);
  return (
    <>
      <p class="card-strategy">
        <strong>{sentence(explanation.strategy)}</strong>
        <span class="card-focus">{sentence(explanation.focus).toLowerCase()}</span>
        <Confidence value={explanation.confidence} />
      </p>
      <p class="card-description">{explanation.description}</p>
      <PlanLine game={game} team={team} arrows={explanation.plan} />
      <ul class="reasons">
        {reasons.map((reason) => (
          <li key={reason.feature}>
            <ReasonButton game={game} reason={reason} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Confidence({ value }: { value: number }) {
  const permille = Math.round(value * 100);
  return (
    <span class="confidence" title="Confidence">
      <span class="meter" aria-hidden="true">
        <span style={{ width: `${permille}%` }} />
      </span>
      <span class="visually-hidden">Confidence </span>
      <span class="number">{permille} %</span>
    </span>
  );
}

function PlanLine({
  game,
  team,
  arrows,
}: {
  game: Game;
  team: number;
  arrows: readonly PlanArrow[];
}) {
  if (arrows.length === 0 || !game.state.plansShown.value[team]) {
    return <p class="card-plan meta">No plan on the map.</p>;
  }
  return (
    <p class="card-plan">
      {arrows.slice(0, 3).map((arrow, i) => (
        <button
          type="button"
          key={i}
          class="plan-chip"
          title={`${arrow.label}: show it on the map`}
          onClick={() => {
            game.pulse([arrow.to]);
            game.state.obeying.value = new Set(arrow.agents);
            setTimeout(() => (game.state.obeying.value = new Set()), 2000);
          }}
        >
          {arrowLabel(arrow)}
        </button>
      ))}
    </p>
  );
}

function ReasonButton({ game, reason }: { game: Game; reason: Reason }) {
  const strength = Math.max(4, Math.min(1, Math.abs(reason.weight)) * 100);
  const against = reason.weight < 0;
  return (
    <button
      type="button"
      class="reason"
      disabled={reason.cells.length === 0}
      title={reason.cells.length === 0 ? reason.text : `${reason.text} (click: show the cells)`}
      onClick={() => game.pulse(reason.cells)}
    >
      <span class={`weight ${against ? 'against' : 'for'}`} aria-hidden="true">
        <span style={{ width: `${strength}%` }} />
      </span>
      <span class="number reason-value">{signed(reason.weight)}</span>
      <span class="reason-text">{reason.text}</span>
    </button>
  );
}
