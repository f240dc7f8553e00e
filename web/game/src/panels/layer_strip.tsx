import type { Game } from '../game';
import { isShown, LAYER_LIST } from '../match/layers';
import { TEAM_NAMES } from '../render/palette';
import { heatLegend } from '../text/heat_legend';

/** Above the map: what is drawn on it, and on the right what the heat map, hint or cursor says. */
export function LayerStrip({ game }: { game: Game }) {
  const { layers } = game.state;
  return (
    <section class="strip" aria-label="Layers">
      <div class="strip-layers" role="group" aria-label="Shown on the map">
        {LAYER_LIST.map((layer, i) => (
          <button
            type="button"
            key={layer.name}
            class="toggle"
            aria-pressed={isShown(layers.value, layer.name)}
            title={`${layer.label} (${i + 1})`}
            onClick={() => game.toggle(layer.name)}
          >
            <kbd aria-hidden="true">{i + 1}</kbd>
            {layer.label}
          </button>
        ))}
      </div>
      <StripText game={game} />
    </section>
  );
}

function StripText({ game }: { game: Game }) {
  const { hint, layers, cellText } = game.state;
  if (layers.value.heat) return <Legend game={game} />;
  if (hint.value) return <p class="strip-text hint wide-only">{hint.value}</p>;
  return <p class="strip-text meta desk-only">{cellText}</p>;
}

function Legend({ game }: { game: Game }) {
  const { heat, heatTeam } = game.state.layers.value;
  const teams = game.state.players.value.length;
  if (!heat) return null;
  const upper = game.state.heatUpper.value;
  if (upper === null) {
    return (
      <p class="strip-text meta">
        {TEAM_NAMES[heatTeam]} is played by a script: it has no such map.
      </p>
    );
  }
  const legend = heatLegend(heat, heatTeam, teams, upper);
  return (
    <div class="strip-text legend">
      <span class="legend-low">{legend.low}</span>
      <span
        class={`legend-ramp ramp-${heat} team-${heatTeam} ${teams === 2 ? `versus-${1 - heatTeam}` : ''}`}
      />
      <span>{legend.high}</span>
      <label class="legend-team">
        <span class="visually-hidden">Heat map of team</span>
        <select
          value={heatTeam}
          onChange={(event) => game.setHeatTeam(Number(event.currentTarget.value))}
        >
          {game.state.players.value.map((_, team) => (
            <option key={team} value={team}>
              {TEAM_NAMES[team]}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
