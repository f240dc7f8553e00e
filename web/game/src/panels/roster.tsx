import { useSignal } from '@preact/signals';
import type { Game } from '../game';
import { filterRoster, type RosterRow } from '../match/roster';
import { TEAM_NAMES } from '../render/palette';
import { RoleMark } from './marks';

const ROLES = ['collector', 'explorer', 'defender', 'attacker'] as const;

/** Every agent with its order, load and health; a click follows it on the map. */
export function Roster({ game }: { game: Game }) {
  const team = useSignal<number | null>(null);
  const role = useSignal<string | null>(null);
  const rows = filterRoster(game.state.roster.value, { team: team.value, role: role.value });
  return (
    <div class="roster">
      <div class="filters">
        <select
          aria-label="Team"
          value={team.value ?? ''}
          onChange={(event) =>
            (team.value =
              event.currentTarget.value === '' ? null : Number(event.currentTarget.value))
          }
        >
          <option value="">All teams</option>
          {game.state.players.value.map((_, t) => (
            <option key={t} value={t}>
              {TEAM_NAMES[t]}
            </option>
          ))}
        </select>
        <select
          aria-label="Role"
          value={role.value ?? ''}
          onChange={(event) => (role.value = event.currentTarget.value || null)}
        >
          <option value="">All roles</option>
          {ROLES.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <span class="meta">{rows.length === 1 ? '1 agent' : `${rows.length} agents`}</span>
      </div>
      {rows.length === 0 ? (
        <p class="empty">No such agent on the map at the moment.</p>
      ) : (
        <ul class="roster-rows">
          {rows.map((row) => (
            <Row key={row.id} game={game} row={row} />
          ))}
        </ul>
      )}
    </div>
  );
}

function Row({ game, row }: { game: Game; row: RosterRow }) {
  const followed = game.state.followed.value === row.id;
  return (
    <li>
      <button
        type="button"
        class="roster-row"
        aria-pressed={followed}
        title={row.doing}
        onClick={() => (game.state.followed.value = followed ? null : row.id)}
      >
        <RoleMark role={row.role} team={row.team} />
        <span class="roster-id number">{row.id}</span>
        <span class="roster-order">
          <span class="visually-hidden">
            {TEAM_NAMES[row.team]} {row.role}:{' '}
          </span>
          {row.doing}
        </span>
        <span class="roster-load number">{row.load ?? ''}</span>
        <span class="health" title={`Health ${Math.round(row.healthPermille / 10)} %`}>
          <span class="visually-hidden">Health {Math.round(row.healthPermille / 10)} %</span>
          <span class="health-fill" style={{ width: `${row.healthPermille / 10}%` }} />
        </span>
      </button>
    </li>
  );
}
