import { useSignal } from '@preact/signals';
import type { Game } from '../game';
import { PLAYERS, playersFor, SHIPPED_MAPS, teamsOf, type MatchChoice } from '../match/choice';
import type { Matches } from '../matches';
import { TEAM_NAMES } from '../render/palette';
import { Icon, TeamMark } from './marks';

interface FieldProps {
  readonly choice: MatchChoice;
  readonly set: (part: Partial<MatchChoice>) => void;
}

/** A new match (map, seed, players), files in and out. */
export function MatchPanel({ game, matches }: { game: Game; matches: Matches }) {
  const choice = useSignal(game.state.choice.value);
  const set = (part: Partial<MatchChoice>) => (choice.value = { ...choice.value, ...part });
  const teams = teamsOf(choice.value.map) ?? game.state.players.value.length;
  const players = playersFor(choice.value, teams);
  const field = { choice: choice.value, set };
  return (
    <form
      class="match"
      onSubmit={(event) => {
        event.preventDefault();
        matches.begin({ ...choice.value, players });
      }}
    >
      <MapField {...field} otherName={game.state.map.value?.name ?? 'This map'} />
      <SeedField {...field} />
      {players.map((player, team) => (
        <PlayerField
          key={team}
          team={team}
          player={player}
          choose={(next) => set({ players: players.map((one, i) => (i === team ? next : one)) })}
        />
      ))}
      <div class="row">
        <button type="submit" class="button primary">
          Start match
        </button>
      </div>
      <FilesRow matches={matches} />
      <BranchRow game={game} />
      {game.state.installable.value ? <InstallRow install={matches.install} /> : null}
    </form>
  );
}

/** `otherName`: of a map that is none of the page's. */
function MapField({ choice, set, otherName }: FieldProps & { otherName: string }) {
  return (
    <label class="field">
      <span>Map</span>
      <select value={choice.map} onChange={(event) => set({ map: event.currentTarget.value })}>
        {SHIPPED_MAPS.map((map) => (
          <option key={map.id} value={map.id}>
            {map.label}
          </option>
        ))}
        {SHIPPED_MAPS.some((map) => map.id === choice.map) ? null : (
          <option value={choice.map}>{otherName}</option>
        )}
      </select>
    </label>
  );
}

function SeedField({ choice, set }: FieldProps) {
  return (
    <label class="field">
      <span>Seed</span>
      <span class="joined">
        <input
          class="number"
          inputMode="numeric"
          pattern="[0-9]{1,20}"
          value={choice.seed}
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
  );
}

interface PlayerProps {
  readonly team: number;
  readonly player: (typeof PLAYERS)[number];
  readonly choose: (player: (typeof PLAYERS)[number]) => void;
}

function PlayerField({ team, player, choose }: PlayerProps) {
  return (
    <label class="field">
      <span>
        <TeamMark team={team} /> {TEAM_NAMES[team]}
      </span>
      <select
        value={player}
        onChange={(event) => choose(event.currentTarget.value as (typeof PLAYERS)[number])}
      >
        {PLAYERS.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </label>
  );
}

function FilesRow({ matches }: { matches: Matches }) {
  return (
    <>
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
    </>
  );
}

function InstallRow({ install }: { install: () => void }) {
  return (
    <>
      <h3>This device</h3>
      <div class="row">
        <button type="button" class="button" onClick={install}>
          Install Redoubt
        </button>
      </div>
    </>
  );
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
