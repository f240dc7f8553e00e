import { describe, expect, it } from 'vitest';
import { offsetToCentre, placeBoard, spareHeight } from '../../../web/game/src/board/placing';
import { agentOn } from '../../../web/game/src/board/pointing';
import { madeUpMap, madeUpMatch } from './fixture/frames';

const wide = { width: 40, height: 10, orientation: 'pointy_top' } as const;

describe('the board in its area', () => {
  it('is turned only where the area is narrow and hexes become larger', () => {
    expect(placeBoard(wide, { width: 400, height: 800 }, false).rotated).toBe(true);
    expect(placeBoard(wide, { width: 800, height: 1600 }, false).rotated).toBe(false);
  });

  it('is larger while an agent is followed', () => {
    const area = { width: 800, height: 600 };
    const whole = placeBoard(wide, area, false);
    expect(whole.width).toBeLessThanOrEqual(area.width);
    expect(placeBoard(wide, area, true).width / whole.width).toBeCloseTo(2.2);
  });

  it('gives the chart the height that a wide map cannot use', () => {
    const spare = spareHeight(wide, { width: 800, height: 300 });
    expect(spare).toBeGreaterThan(0);
    expect(placeBoard(wide, { width: 800, height: 300 - spare }, false).radius).toBeCloseTo(
      placeBoard(wide, { width: 800, height: 300 }, false).radius,
    );
    expect(spareHeight(wide, { width: 800, height: 2000 })).toBe(140);
    expect(spareHeight(wide, { width: 800, height: 100 })).toBe(0);
    expect(spareHeight(wide, { width: 600, height: 2000 })).toBe(0);
  });

  it('lies in the middle, or has a point there but never its rim', () => {
    expect(offsetToCentre(500, 400, 10)).toBe(50);
    expect(offsetToCentre(500, 1000, 500)).toBe(-250);
    expect(offsetToCentre(500, 1000, 0)).toBe(8);
    expect(offsetToCentre(500, 1000, 1000)).toBe(-508);
  });
});

describe('pointing at the board', () => {
  it('finds the first living agent on a cell', () => {
    const map = madeUpMap(20, 14, 2, 3);
    const { agents } = madeUpMatch(map, 2)();
    expect(agentOn(agents, map.bases[1])).toBe(1);
    expect(agentOn({ ...agents, count: 1 }, map.bases[1])).toBeNull();
    expect(agentOn(undefined, 0)).toBeNull();
  });
});
