/** The body of POST /api/team-strategy, made from what a team may know. */
import { RESOURCES, ROLES } from './types.js';
import type { MapInfo, TeamId, TeamSight, TeamStrategyRequest } from './types.js';

/** How teams are called on the wire. */
export const TEAM_NAMES = ['red', 'blue', 'green', 'yellow'] as const;

/** Where an enemy was longer ago is no longer news. */
const remembered_ticks_max = 100;

const nameOf = (team: number): string => TEAM_NAMES[team as TeamId];

export function situationOf(map: MapInfo, sight: TeamSight): TeamStrategyRequest {
  const teams = Array.from({ length: map.teams }, (_, team) => team);
  return {
    team_id: nameOf(sight.team),
    territory_control: Object.fromEntries(
      teams.map((team) => [nameOf(team), percent(sight.held[team]!, map.reachableCells)]),
    ),
    // Other teams' stores cannot be seen, so they are left out.
    resources: { [nameOf(sight.team)]: sight.store },
    agents: Object.fromEntries(teams.map((team) => [nameOf(team), agentsOf(map, sight, team)])),
    resource_distribution: stockOf(sight),
  };
}

function percent(part: number, whole: number): number {
  return Math.round((1000 * part) / Math.max(whole, 1)) / 10;
}

function agentsOf(map: MapInfo, sight: TeamSight, team: number) {
  const { agents, seenTick } = sight;
  const rows = [];
  for (let i = 0; i < agents.count; ++i) {
    if (agents.team[i] !== team || sight.tick - seenTick[i]! > remembered_ticks_max) continue;
    rows.push({
      id: agents.id[i]!,
      type: ROLES[agents.role[i]!]!,
      health: Math.round((100 * agents.health[i]!) / Math.max(agents.healthMax[i]!, 1)),
      x: agents.cell[i]! % map.width,
      y: Math.floor(agents.cell[i]! / map.width),
    });
  }
  return rows;
}

function stockOf(sight: TeamSight): Record<string, number> {
  const sums: Record<string, number> = Object.fromEntries(RESOURCES.map((type) => [type, 0]));
  for (const site of sight.sites) sums[site.type]! += site.stock;
  return { ...sums, total: RESOURCES.reduce((sum, type) => sum + sums[type]!, 0) };
}
