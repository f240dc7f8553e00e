import type { Game } from '../game';
import { Icon } from './marks';

/** One place for what is going on: a notice, the opening's line, what the relay says, or nothing new. */
export function StatusLine({ game }: { game: Game }) {
  const { notice, hint, relay, mode, phase } = game.state;
  if (notice.value) {
    return (
      <p class={`status ${notice.value.tone}`}>
        <span>{notice.value.text}</span>
        <button
          type="button"
          class="bare"
          aria-label="Dismiss"
          onClick={() => (notice.value = null)}
        >
          <Icon name="close" />
        </button>
      </p>
    );
  }
  const { words, state, model, latencyP50Ms } = relay.value;
  if (words) return <p class={`status ${state === 'online' ? 'ok' : 'warning'}`}>{words}</p>;
  if (hint.value) return <p class="status hint narrow-only">{hint.value}</p>;
  if (phase.value !== 'running') return <p class="status meta" />;
  if (mode.value === 'replay')
    return <p class="status meta">Replay: recorded orders, played again.</p>;
  if (state === 'online') {
    const pace = latencyP50Ms === null ? '' : `, ${Math.round(latencyP50Ms)} ms`;
    return (
      <p class="status meta">{`Relay connected${pace}. ${model ? `Model ${model}.` : 'No model: its built-in strategist answers.'}`}</p>
    );
  }
  return <p class="status meta">Built-in strategist plays in this page.</p>;
}
