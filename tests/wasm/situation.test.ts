import { describe, expect, it } from 'vitest';
import { situationOf } from '../../wasm/src/situation.js';
import type { MapInfo, TeamSight } from '../../wasm/src/types.js';

const map = { width: 10, teams: 2, reachableCells: 400 } as MapInfo;
const sight = {
  tick: 500,
  team: 0,
  store: { energy: 3, materials: 4, data: 5 },
  held: [100, 33],
  agents: {
    count: 3,
    id: Uint32Array.of(4, 7, 9),
    team: Uint8Array.of(0, 1, 1),
    role: Uint8Array.of(0, 3, 2),
    cell: Uint16Array.of(25, 31, 99),
    health: Float32Array.of(60, 30, 10),
    healthMax: Float32Array.of(120, 120, 120),
  },
  seenTick: Int32Array.of(500, 450, 399),
  sites: [
    { cell: 1, type: 'energy', stock: 6, seenTick: -1 },
    { cell: 2, type: 'data', stock: 2, seenTick: 500 },
  ],
} as unknown as TeamSight;

describe('the situation of a team', () => {
  it('tells shares, own store, agents seen lately and what lies on the map', () => {
    expect(situationOf(map, sight)).toEqual({
      team_id: 'red',
      territory_control: { red: 25, blue: 8.3 },
      resources: { red: { energy: 3, materials: 4, data: 5 } },
      agents: {
        red: [{ id: 4, type: 'collector', health: 50, x: 5, y: 2 }],
        blue: [{ id: 7, type: 'attacker', health: 25, x: 1, y: 3 }],
      },
      resource_distribution: { energy: 6, materials: 0, data: 2, total: 8 },
    });
  });
});
