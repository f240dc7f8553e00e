/** What the grid cursor reads out: "Row 12, column 4, Red 80 %, attacker health 60". */

import type { Frame, MapInfo } from '@redoubt/engine';
import { TEAM_NAMES } from '../render/palette';
import { cellName, sentence } from './format';

const ROLES = ['collector', 'explorer', 'defender', 'attacker'] as const;
const CONTROL_MAX = 10000;

export function describeCell(map: MapInfo, frame: Frame | null, cell: number): string {
  const parts = [sentence(cellName(map, cell))];
  if (map.terrain[cell] === 2) return [...parts, 'obstacle'].join(', ');
  if (map.terrain[cell] === 1) parts.push('rough');
  const base = map.bases.indexOf(cell);
  if (base >= 0) parts.push(`${TEAM_NAMES[base]} base`);
  const control = frame ? frame.cells.control[cell] : 0;
  parts.push(
    control === 0
      ? 'nobody'
      : `${TEAM_NAMES[frame!.cells.owner[cell]]} ${Math.round((control / CONTROL_MAX) * 100)} %`,
  );
  const site = map.sites.findIndex((entry) => entry.cell === cell);
  if (site >= 0) parts.push(`${map.sites[site].type} ${frame ? frame.stock[site] : ''}`.trim());
  if (frame) parts.push(...agentsOn(frame, cell));
  return parts.join(', ');
}

function agentsOn(frame: Frame, cell: number): string[] {
  const { agents } = frame;
  const found: string[] = [];
  const several = frame.agents.cell.filter((at, i) => i < agents.count && at === cell).length > 1;
  for (let i = 0; i < agents.count; i++) {
    if (agents.cell[i] !== cell) continue;
    const owner =
      several || agents.team[i] !== frame.cells.owner[cell] ? `${TEAM_NAMES[agents.team[i]]} ` : '';
    found.push(`${owner}${ROLES[agents.role[i]]} health ${Math.round(agents.health[i])}`);
  }
  return found;
}
