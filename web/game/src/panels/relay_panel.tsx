import { signal } from '@preact/signals';
import type { Game } from '../game';
import { TEAM_NAMES } from '../render/palette';
import { relayShown } from '../state';
import { clock, latency } from '../text/format';
import { TeamMark } from './marks';

const STATES = {
  connecting: 'Looking for the relay',
  online: 'Connected',
  slow: 'Connected, slow',
  lost: 'Lost; built-in strategist plays',
  offline: 'No network; built-in strategist plays',
  none: 'None found; built-in strategist plays',
} as const;

/** Where strategies come from: the relay's state, its model, pace and cost, and the last answers. */
export function RelayPanel({ game }: { game: Game }) {
  const relay = game.state.relay.value;
  return (
    <div class="relay">
      <dl class="facts">
        <dt>Relay</dt>
        <dd>{STATES[relayShown(relay)]}</dd>
        <dt>Model</dt>
        <dd>{relay.model ?? 'none: the relay answers from its engine'}</dd>
        <dt>Median answer</dt>
        <dd class="number">
          {relay.latencyP50Ms === null ? '\u2013' : latency(relay.latencyP50Ms)}
        </dd>
        <dt>Spent</dt>
        <dd class="number">${(relay.costMicroUsd / 1e6).toFixed(4)}</dd>
        {relay.lastError && relay.state !== 'online' ? (
          <>
            <dt>Last error</dt>
            <dd>{relay.lastError}</dd>
          </>
        ) : null}
      </dl>
      <h3>Answers</h3>
      <Answers game={game} />
      <OwnModel game={game} />
    </div>
  );
}

const money = (microUsd: number) => (microUsd === 0 ? '\u2013' : `$${(microUsd / 1e6).toFixed(4)}`);

/** Loaded when the tab is opened: it brings the wire formats of every provider. */
const ownModel = signal<typeof import('./own_model_panel') | null>(null);

function OwnModel({ game }: { game: Game }) {
  const panel = ownModel.value;
  if (panel) return <panel.OwnModelPanel game={game} />;
  void import('./own_model_panel').then((loaded) => (ownModel.value = loaded));
  return null;
}

function Answers({ game }: { game: Game }) {
  const answers = game.state.answers.value;
  if (answers.length === 0) {
    return (
      <p class="empty">
        None yet. Each team&rsquo;s strategy is asked for every 25 s of match time.
      </p>
    );
  }
  return (
    <table class="answers">
      <thead>
        <tr>
          <th>At</th>
          <th>Team</th>
          <th>From</th>
          <th class="right">Cost</th>
          <th class="right">Took</th>
        </tr>
      </thead>
      <tbody>
        {answers.map((answer, i) => (
          <tr key={i} title={answer.note ?? undefined}>
            <td class="number">{clock(answer.tick)}</td>
            <td>
              <TeamMark team={answer.team} /> {TEAM_NAMES[answer.team]}
            </td>
            <td>{answer.source}</td>
            <td class="number right">{money(answer.costMicroUsd)}</td>
            <td class="number right">{latency(answer.latencyMs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
