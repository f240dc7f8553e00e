import type { Game } from '../game';
import { titleOf } from '../match/choice';
import { relayShown } from '../state';
import { TEAM_NAMES } from '../render/palette';
import { percent } from '../text/format';
import { Icon, TeamMark } from './marks';

/** The name, whose territory is how large, and what opens other things. */
export function TopBar({ game, share }: { game: Game; share: () => void }) {
  return (
    <header class="top">
      <h1 class="brand">
        <svg width="22" height="22" viewBox="0 0 24 24" aria-hidden="true">
          <path class="brand-hex" d="M12 1.5 21.1 6.75v10.5L12 22.5 2.9 17.25V6.75z" />
          <path class="brand-keep" d="M7.5 16.5v-8h2v1.6h1.5V8.5h2v1.6h1.5V8.5h2v8z" />
        </svg>
        <span>Redoubt</span>
      </h1>
      <Subject game={game} />
      <Score game={game} />
      <nav class="top-actions" aria-label="Match">
        <RelayChip game={game} />
        <button type="button" class="button" onClick={share} title="Copy a link to this moment (S)">
          <Icon name="share" />
          <span class="wide-text">Share</span>
        </button>
        <button
          type="button"
          class="button"
          aria-pressed={game.state.tab.value === 'match'}
          onClick={() => {
            game.state.tab.value = 'match';
            game.state.sheetOpen.value = true;
          }}
        >
          <Icon name="plus" />
          <span class="wide-text">New match</span>
        </button>
        <button
          type="button"
          class="button icon-only desk-only"
          aria-label="Keyboard"
          title="Keyboard (?)"
          aria-pressed={game.state.tab.value === 'keys'}
          onClick={() =>
            (game.state.tab.value = game.state.tab.value === 'keys' ? 'roster' : 'keys')
          }
        >
          <Icon name="keys" />
        </button>
      </nav>
    </header>
  );
}

function Subject({ game }: { game: Game }) {
  const map = game.state.map.value;
  if (!map) return <p class="subject" />;
  const replay = game.state.mode.value === 'replay';
  return (
    <p class="subject">
      <span class="subject-map">{titleOf(map.name) || `${map.width}\u00d7${map.height}`}</span>
      <span class="meta">
        {replay ? 'Replay' : 'Seed'} {game.state.seed.value}
      </span>
    </p>
  );
}

function Score({ game }: { game: Game }) {
  const scores = game.state.scores.value;
  const taken = scores.reduce((sum, score) => sum + score.sharePermille, 0);
  return (
    <section class="score" aria-label="Territory">
      <ul class="score-teams">
        {scores.map((score) => (
          <li key={score.team}>
            <TeamMark team={score.team} />
            <span class="score-name">{TEAM_NAMES[score.team]}</span>
            <strong class="number">{percent(score.sharePermille)}</strong>
          </li>
        ))}
      </ul>
      <div class="score-bar" aria-hidden="true">
        {scores.map((score) => (
          <span
            key={score.team}
            class={`fill team-${score.team}`}
            style={{ flexGrow: Math.round(score.sharePermille) }}
          />
        ))}
        <span class="rest" style={{ flexGrow: Math.max(0, Math.round(1000 - taken)) }} />
      </div>
    </section>
  );
}

const CHIP = {
  connecting: 'Relay\u2026',
  online: 'Relay',
  slow: 'Relay slow',
  lost: 'Built-in',
  offline: 'Offline',
  none: 'Built-in',
} as const;

function RelayChip({ game }: { game: Game }) {
  const relay = game.state.relay.value;
  const shown = relayShown(relay);
  return (
    <button
      type="button"
      class={`chip relay-${shown}`}
      title="Where strategies come from"
      onClick={() => {
        game.state.tab.value = 'relay';
        game.state.sheetOpen.value = true;
      }}
    >
      <span class="dot" aria-hidden="true" />
      <span class="chip-text">{CHIP[shown]}</span>
    </button>
  );
}
