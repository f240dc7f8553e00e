/** Where enemies meet: agents of different teams within reach, gathered into clusters to ring. */

import type { AgentsView } from '@redoubt/engine';
import { distance, type Layout } from './geometry';

/** One cell beyond touching: who is that near fights in a moment. */
const REACH_CELLS = 2;

export interface Cluster {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

export function contestedClusters(layout: Layout, agents: AgentsView): Cluster[] {
  const root = Array.from({ length: agents.count }, (_, i) => i);
  const find = (i: number): number => {
    while (root[i] !== i) i = root[i];
    return i;
  };
  for (let i = 0; i < agents.count; i++) {
    for (let j = i + 1; j < agents.count; j++) {
      if (agents.team[i] === agents.team[j]) continue;
      if (distance(layout.columns, agents.cell[i], agents.cell[j]) > REACH_CELLS) continue;
      root[find(j)] = find(i);
    }
  }
  const groups = new Map<number, number[]>();
  for (let i = 0; i < agents.count; i++) {
    const group = groups.get(find(i));
    if (group) group.push(agents.cell[i]);
    else groups.set(find(i), [agents.cell[i]]);
  }
  const clusters: Cluster[] = [];
  for (const cells of groups.values()) {
    if (cells.length < 2) continue;
    const x = cells.reduce((sum, cell) => sum + layout.x[cell], 0) / cells.length;
    const y = cells.reduce((sum, cell) => sum + layout.y[cell], 0) / cells.length;
    const spread = Math.max(
      ...cells.map((cell) => Math.hypot(layout.x[cell] - x, layout.y[cell] - y)),
    );
    clusters.push({ x, y, radius: spread + layout.radius * 1.5 });
  }
  return clusters;
}
