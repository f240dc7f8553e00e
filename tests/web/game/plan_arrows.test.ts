import { describe, expect, it } from 'vitest';
import type { PlanArrow } from '../../../wasm/src/types';
import { layOut } from '../../../web/game/src/render/geometry';
import {
  beginningOf,
  curve,
  follow,
  isMoving,
  revealed,
  type DrawnArrow,
} from '../../../web/game/src/render/plan_arrows';

const grid = { width: 20, height: 14, orientation: 'pointy_top' } as const;
const layout = layOut(grid, { width: 800, height: 600 });
const arrow = (from: number, to: number, label = 'raid'): PlanArrow => ({
  kind: 'raid',
  label,
  from,
  to,
  agents: [],
});
const follows = (known: DrawnArrow[], next: PlanArrow, now: number, still = false) =>
  follow(layout, known, 0, next, now, still);

describe('plan arrows', () => {
  it('draw themselves when new', () => {
    const item = follows([], arrow(0, 30), 1000);
    expect(revealed(item, 1000)).toBe(0);
    expect(revealed(item, 1450)).toBe(0.5);
    expect(isMoving(item, 1899)).toBe(true);
    expect(isMoving(item, 1900)).toBe(false);
  });

  it('are there at once where nothing is to move', () => {
    const item = follows([], arrow(0, 30), 1000, true);
    expect([revealed(item, 1000), isMoving(item, 1000)]).toEqual([1, false]);
  });

  it('glide with their agents', () => {
    const item = follows([follows([], arrow(0, 30), 0)], arrow(0, 31), 5000);
    expect([revealed(item, 5000), isMoving(item, 5000)]).toEqual([1, true]);
    const tip = (now: number) => curve(layout, item, now).at(-1)![0];
    expect(tip(5000)).toBeCloseTo(layout.x[30], 3);
    expect(tip(5225)).toBeCloseTo((layout.x[30] + layout.x[31]) / 2, 3);
    expect(tip(9000)).toBeCloseTo(layout.x[31], 3);
  });

  it('are new where they point elsewhere', () => {
    const item = follows([follows([], arrow(0, 5), 0)], arrow(0, 275), 5000);
    expect(revealed(item, 5000)).toBe(0);
  });

  it('stay as they are while nothing changes', () => {
    const first = follows([], arrow(0, 30), 0);
    expect(follows([first], arrow(0, 30), 5000)).toEqual(first);
  });

  it('begin with two points at least', () => {
    const points = curve(layout, follows([], arrow(0, 30), 0), 0);
    expect(beginningOf(points, 0)).toHaveLength(2);
    expect(beginningOf(points, 0.5)).toHaveLength(21);
    expect(beginningOf(points, 1)).toEqual(points);
  });
});
