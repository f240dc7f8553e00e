import { useSignal } from '@preact/signals';
import type { Game } from '../game';
import { PLAYERS, SHIPPED_MAPS, teamsOf, type MatchChoice } from '../match/choice';
import type { Matches } from '../matches';
import { TEAM_NAMES } from '../render/palette';
import { Icon, TeamMark } from './marks';

/** A new match (map, seed, players), files in and out. */
export function MatchPanel({ game, matches }: { game: Game; matches: Matches }) {
  const choice = useSignal(game.state.choice.value);
  const set = (part: Partial<MatchChoice>) => (choice.value = { ...choice.value, ...part });
  const teams = teamsOf(choice.value.map) ?? game.state.players.value.length;
  return (
    <form
      class="match"
      onSubmit={(event) => {
        event.preventDefault();
        matches.begin({ ...choice.value, players: players(choice.value, teams) });
      }}
    >
      <label class="field">
        <span>Map</span>
        <select
          value={choice.value.map}
          onChange={(event) => set({ map: event.currentTarget.value })}
        >
          {SHIPPED_MAPS.map((map) => (
            <option key={map.id} value={map.id}>
              {map.label}
            </option>
          ))}
          {SHIPPED_MAPS.some((map) => map.id === choice.value.map) ? null : (
            <option value={choice.value.map}>{game.state.map.value?.name ?? 'This map'}</option>
          )}
        </select>
      </label>
      <label class="field">
        <span>Seed</span>
        <span class="joined">
          <input
            class="number"
            inputMode="numeric"
            pattern="[0-9]{1,20}"
            value={choice.value.seed}
            onInput={(event) => set({ seed: event.currentTarget.value })}
          />
          <button
            type="button"
            class="button"
            onClick={() => set({ seed: String(Math.floor(Math.random() * 1e9)) })}
          >
            Random
          </button>
        </span>
      </label>
      {Array.from({ length: teams }, (_, team) => (
        <label class="field" key={team}>
          <span>
            <TeamMark team={team} /> {TEAM_NAMES[team]}
          </span>
          <select
            value={players(choice.value, teams)[team]}
            onChange={(event) => {
              const next = players(choice.value, teams);
              next[team] = event.currentTarget.value as (typeof PLAYERS)[number];
              set({ players: next });
            }}
          >
            {PLAYERS.map((player) => (
              <option key={player} value={player}>
                {player}
              </option>
            ))}
          </select>
        </label>
      ))}
      <div class="row">
        <button type="submit" class="button primary">
          Start match
        </button>
      </div>
      <h3>Files</h3>
      <p class="meta">
        A map (Tiled, Wesnoth or compact JSON) or a replay; dropping it on the page works too.
      </p>
      <div class="row">
        <label class="button file">
          <Icon name="open" />
          Open file
          <input
            type="file"
            class="visually-hidden"
            onChange={(event) => {
              matches.openFiles(event.currentTarget.files);
              event.currentTarget.value = '';
            }}
          />
        </label>
        <button type="button" class="button" onClick={matches.saveReplay}>
          <Icon name="save" />
          Save replay
        </button>
      </div>
      <BranchRow game={game} />
      {game.state.installable.value ? (
        <>
          <h3>This device</h3>
          <div class="row">
            <button type="button" class="button" onClick={matches.install}>
              Install Redoubt
            </button>
          </div>
        </>
      ) : null}
    </form>
  );
}

function players(choice: MatchChoice, teams: number): (typeof PLAYERS)[number][] {
  return Array.from({ length: teams }, (_, team) => choice.players[team] ?? 'strategist');
}

/** Going on from a moment of the past drops what came after it. */
function BranchRow({ game }: { game: Game }) {
  return (
    <>
      <h3>This moment</h3>
      <p class="meta">Play on from the tick that is shown; what was played after it is dropped.</p>
      <div class="row">
        <button
          type="button"
          class="button"
          onClick={() => void game.branchHere().catch(game.tell)}
        >
          Play from here
        </button>
      </div>
    </>
  );
}
