/** The roster's rows, read from a frame. Pure. */

import type { AgentsView, Explanation } from '@redoubt/engine';
import { cellName, type Place } from '../text/format';

const ROLES = ['collector', 'explorer', 'defender', 'attacker'] as const;
const ORDERS = [
  'idle',
  'move',
  'collect',
  'return',
  'capture',
  'attack',
  'guard',
  'spawn',
] as const;
const RESOURCES = ['energy', 'materials', 'data'] as const;
const NONE = 65535;

export interface RosterRow {
  readonly id: number;
  readonly team: number;
  readonly role: (typeof ROLES)[number];
  /** The strategist's word for it where it has one, else the order, and where to. */
  readonly doing: string;
  readonly cell: number;
  readonly goal: number | null;
  readonly healthPermille: number;
  readonly load: string | null;
}

export interface RosterFilter {
  readonly team: number | null;
  readonly role: string | null;
}

export function readRoster(
  agents: AgentsView,
  map: Place,
  explanations: readonly (Explanation | null)[],
): RosterRow[] {
  const tasks = new Map<number, string>();
  for (const explanation of explanations) {
    for (const entry of explanation?.tasks ?? []) tasks.set(entry.agent, entry.task);
  }
  return Array.from({ length: agents.count }, (_, i) => {
    const goal = agents.orderCell[i] === NONE ? null : agents.orderCell[i];
    const what = tasks.get(agents.id[i]) ?? ORDERS[agents.order[i]] ?? 'idle';
    return {
      id: agents.id[i],
      team: agents.team[i],
      role: ROLES[agents.role[i]],
      doing: goal === null ? what : `${what}, ${cellName(map, goal)}`,
      cell: agents.cell[i],
      goal,
      healthPermille: Math.round((agents.health[i] / agents.healthMax[i]) * 1000),
      load:
        agents.load[i] > 0
          ? `${agents.load[i]}/${agents.capacity[i]} ${RESOURCES[agents.loadType[i]] ?? ''}`.trim()
          : null,
    };
  }).sort((a, b) => a.team - b.team || a.id - b.id);
}

export function filterRoster(rows: readonly RosterRow[], filter: RosterFilter): RosterRow[] {
  return rows.filter(
    (row) =>
      (filter.team === null || row.team === filter.team) &&
      (filter.role === null || row.role === filter.role),
  );
}
