import { describe, expect, it } from 'vitest';
import { layOut } from '../../../web/game/src/render/geometry';
import {
  advance,
  emptyPlaced,
  emptyTween,
  lastPosition,
  pair,
  place,
  positionAt,
} from '../../../web/game/src/render/interpolate';
import { contestedClusters } from '../../../web/game/src/render/contested';
import { madeUpMap, madeUpMatch } from './fixture/frames';

const map = madeUpMap(20, 14, 2, 3);
const layout = layOut(map, { width: 800, height: 600 });

describe('interpolation', () => {
  it('places an agent between the cell it leaves and the one it enters', () => {
    const { agents } = madeUpMatch(map, 1)();
    const moving = { ...agents, count: 1 };
    moving.cell[0] = 22;
    moving.next[0] = 23;
    moving.progress[0] = 250;
    const out = emptyPlaced(8);
    place(layout, moving, out);
    expect(out.x[0]).toBeCloseTo(layout.x[22] + (layout.x[23] - layout.x[22]) / 4, 3);
    expect(out.y[0]).toBeCloseTo(layout.y[22], 3);
  });

  it('fans out agents that stand in one cell', () => {
    const { agents } = madeUpMatch(map, 4)();
    agents.cell.fill(30);
    agents.next.fill(65535);
    const out = emptyPlaced(16);
    place(layout, agents, out);
    const places = new Set<string>();
    for (let i = 0; i < out.count; i++) {
      places.add(`${out.x[i].toFixed(1)} ${out.y[i].toFixed(1)}`);
      expect(Math.hypot(out.x[i] - layout.x[30], out.y[i] - layout.y[30])).toBeLessThan(
        layout.radius * 0.6,
      );
    }
    expect(places.size).toBe(out.count);
  });

  it('moves agents from the last but one tick to the last, and new ones from nowhere', () => {
    const step = madeUpMatch(map, 1);
    const tween = emptyTween(8);
    const { agents } = step();
    agents.next.fill(65535);
    const at = (cell: number) => ({ ...agents, cell: agents.cell.slice().fill(cell) });
    advance(tween, layout, { ...at(22), count: 1 }, false);
    expect(positionAt(tween, 0, 0.5).x).toBe(layout.x[22]);
    advance(tween, layout, { ...at(24), count: 1 }, false);
    expect(positionAt(tween, 0, 0.5).x).toBeCloseTo((layout.x[22] + layout.x[24]) / 2, 3);
    advance(tween, layout, { ...at(26), count: 1 }, true);
    expect(positionAt(tween, 0, 0.5).x).toBe(layout.x[26]);
  });

  it('remembers where an agent was that is no longer there', () => {
    const { agents } = madeUpMatch(map, 1)();
    const tween = emptyTween(8);
    advance(tween, layout, agents, false);
    advance(tween, layout, { ...agents, count: 1 }, false);
    expect(lastPosition(tween, agents.id[1])?.x).toBe(layout.x[map.bases[1]]);
    expect(lastPosition(tween, 77)).toBeNull();
  });

  it('pairs agents by id over births and deaths', () => {
    const before = emptyPlaced(4);
    const after = emptyPlaced(4);
    before.id.set([1, 4, 9]);
    before.count = 3;
    after.id.set([1, 9, 10]);
    after.count = 3;
    const partner = new Int32Array(4);
    pair(before, after, partner);
    expect([...partner.subarray(0, 3)]).toEqual([0, 2, -1]);
  });
});

describe('contested clusters', () => {
  it('ring enemies that are near each other, and nobody else', () => {
    const { agents } = madeUpMatch(map, 2)();
    agents.cell.set([22, 23, 200, 60]);
    agents.team.set([0, 1, 0, 1]);
    const clusters = contestedClusters(layout, agents);
    expect(clusters).toHaveLength(1);
    expect(clusters[0].x).toBeCloseTo((layout.x[22] + layout.x[23]) / 2, 1);
    agents.team.fill(0);
    expect(contestedClusters(layout, agents)).toEqual([]);
  });
});
