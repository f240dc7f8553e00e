#!/usr/bin/env node
// A bot for `redoubt arena`: explorers claim the nearest ground, collectors pay for them.
//
//   redoubt arena strategist 'exec:node tools/arena/examples/expander.mjs' --games 4
import { createInterface } from 'node:readline';

const SCOUT = { speed: 1000, health: 300, attack: 100, defense: 200, carry_capacity: 100 };
const WORKER = { speed: 600, health: 300, attack: 100, defense: 200, carry_capacity: 1000 };
const GUARD = { speed: 300, health: 900, attack: 900, defense: 800, carry_capacity: 100 };
const HELD = 2000;

let team, map, home;

const axial = (cell) => {
  const row = Math.floor(cell / map.width);
  return [(cell % map.width) - (row - (row % 2)) / 2, row];
};

const distance = (a, b) => {
  const [[qa, ra], [qb, rb]] = [axial(a), axial(b)];
  return Math.max(Math.abs(qa - qb), Math.abs(ra - rb), Math.abs(qa - qb + ra - rb));
};

const nearest = (from, cells) =>
  cells.length === 0
    ? null
    : cells.reduce((a, b) => (distance(from, b) < distance(from, a) ? b : a));

const isHeld = (view, cell) => view.owner[cell] === String(team) && view.control[cell] >= HELD;

function claim(view, agent, taken) {
  const { kind, cell } = agent.order;
  if (kind === 'capture' && !isHeld(view, cell)) return null; // still at it
  const free = [...Array.from(map.terrain).keys()].filter(
    (c) => map.terrain[c] !== '#' && !map.bases.includes(c) && !taken.has(c) && !isHeld(view, c),
  );
  const goal = nearest(agent.cell, free);
  if (goal === null) return null;
  taken.add(goal);
  return { kind: 'capture', cell: goal };
}

function collect(view, agent, taken) {
  if (agent.order.kind === 'collect' && (agent.load > 0 || agent.cell !== home)) return null;
  const sites = view.sites.filter((s) => s.stock > 2 && !taken.has(s.cell)).map((s) => s.cell);
  const goal = nearest(home, sites);
  if (goal === null) return claim(view, agent, taken);
  taken.add(goal);
  return { kind: 'collect', cell: goal };
}

function decide(view) {
  const taken = new Set(view.own.map((a) => a.order.cell).filter((c) => c !== null));
  const count = { collector: 0, explorer: 0, defender: 0, attacker: 0 };
  const orders = [];
  for (const agent of view.own) {
    count[agent.role] += 1;
    const order = (agent.role === 'collector' ? collect : claim)(view, agent, taken);
    if (order) orders.push({ agent: agent.id, ...order });
  }
  let [role, attributes] = ['defender', GUARD];
  if (count.explorer < 5) [role, attributes] = ['explorer', SCOUT];
  if (count.collector < 3) [role, attributes] = ['collector', WORKER];
  if (view.tick >= view.spawn_ready_tick) orders.push({ kind: 'spawn', role, attributes });
  return orders;
}

const say = (message) => process.stdout.write(JSON.stringify(message) + '\n');

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.type === 'hello') {
    ({ team, map } = message);
    home = map.bases[team];
    say({ type: 'ready', name: 'expander.mjs' });
  } else if (message.type === 'view') {
    say({ type: 'orders', tick: message.tick, orders: decide(message) });
  }
}
