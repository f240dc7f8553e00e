import type { Game } from '../game';
import type { RelayView } from '../state';
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
  const { words, state, seen } = relay.value;
  // A page that never had a relay lacks nothing: that is no warning.
  const tone = state === 'online' ? 'ok' : seen || state === 'offline' ? 'warning' : 'meta';
  if (words) return <p class={`status ${tone}`}>{words}</p>;
  const usual = phase.value === 'running' ? usualLine(relay.value, mode.value) : '';
  if (!hint.value) return <p class="status meta">{usual}</p>;
  // Beside a wide strip the opening's line stands there.
  return (
    <p class="status">
      <span class="narrow-only">{hint.value}</span>
      <span class="wide-only meta">{usual}</span>
    </p>
  );
}

function usualLine(relay: RelayView, mode: 'live' | 'replay'): string {
  if (mode === 'replay') return 'Replay: recorded orders, played again.';
  if (relay.state !== 'online') return 'Built-in strategist plays in this page.';
  return relay.model
    ? `Relay connected. ${relay.model} advises the strategists.`
    : 'Relay connected. Its built-in strategist advises.';
}
