// A bot of one's own: what a team may know goes in, its orders come out. It collects what is near,
// claims the nearest ground that is not its own, and builds another explorer when it can.
import { RESOURCES, ROLES } from '@redoubt/engine';

const NO_LOAD = 255;
const OBSTACLE = 2;
const BUILD = {
  collector: { speed: 700, health: 400, attack: 100, defense: 300, carryCapacity: 1000 },
  explorer: { speed: 1000, health: 500, attack: 300, defense: 400, carryCapacity: 100 },
};
/** What each of these costs at most, of each resource. */
const STORE_MIN = 16;
const AGENTS_MAX = 12;

/** Steps between two cells; rows are shifted by half a cell, the odd ones to the right. */
function steps(map, from, to) {
  const axial = (cell) => {
    const row = Math.floor(cell / map.width);
    return [(cell % map.width) - ((row - (row & 1)) >> 1), row];
  };
  const [[q1, r1], [q2, r2]] = [axial(from), axial(to)];
  return (Math.abs(q1 - q2) + Math.abs(r1 - r2) + Math.abs(q1 + r1 - q2 - r2)) / 2;
}

function nearest(map, from, cells) {
  let best = null;
  for (const cell of cells) {
    if (best === null || steps(map, from, cell) < steps(map, from, best)) best = cell;
  }
  return best;
}

/** `sight` is engine.sight(team). */
export function think(map, sight) {
  const { team, agents, owner } = sight;
  const sites = sight.sites.filter(({ stock }) => stock > 0).map(({ cell }) => cell);
  const claimable = new Set();
  for (let cell = 0; cell < owner.length; ++cell) {
    if (map.terrain[cell] !== OBSTACLE && owner[cell] !== team) claimable.add(cell);
  }
  const orders = [];
  let living = 0;
  for (let i = 0; i < agents.count; ++i) {
    if (agents.team[i] !== team) continue;
    living += 1;
    const [agent, cell] = [agents.id[i], agents.cell[i]];
    const collects = ROLES[agents.role[i]] === 'collector';
    const isFull = agents.loadType[i] !== NO_LOAD && agents.load[i] >= agents.capacity[i];
    const site = collects ? nearest(map, cell, sites) : null;
    const ground = nearest(map, cell, claimable);
    if (isFull) orders.push({ kind: 'return', team, agent });
    else if (site !== null) orders.push({ kind: 'collect', team, agent, cell: site });
    else if (ground !== null) orders.push({ kind: 'capture', team, agent, cell: ground });
    // No two of them for the same cell.
    if (site === null) claimable.delete(ground);
  }
  const affordable = RESOURCES.every((resource) => sight.store[resource] >= STORE_MIN);
  if (affordable && living < AGENTS_MAX && sight.tick >= sight.spawnReadyTick) {
    const role = living % 3 === 2 ? 'collector' : 'explorer';
    orders.push({ kind: 'spawn', team, role, attributes: BUILD[role] });
  }
  return orders;
}
