import { describe, expect, it } from 'vitest';
import { emptyLooks } from '../../../web/game/src/render/dirty';
import { layOut } from '../../../web/game/src/render/geometry';
import { borderDirections, captureAngle } from '../../../web/game/src/render/ground';

const grid = { width: 5, height: 5, orientation: 'pointy_top' } as const;
const layout = layOut(grid, { width: 500, height: 500 });
const CENTRE = 12;
const [EAST, WEST] = [13, 11];

describe('ground', () => {
  it('has borders towards what the team does not hold, and none towards obstacles', () => {
    const { holder } = emptyLooks(25);
    const terrain = new Uint8Array(25);
    holder[CENTRE] = 0;
    const directions = () => borderDirections(layout.neighbours, terrain, holder, CENTRE);
    expect(directions()).toEqual([0, 1, 2, 3, 4, 5]);
    holder[EAST] = 0;
    expect(directions()).toEqual([1, 2, 3, 4, 5]);
    holder[WEST] = 1;
    expect(directions()).toEqual([1, 2, 3, 4, 5]);
    terrain[WEST] = 2;
    expect(directions()).toEqual([1, 2, 4, 5]);
  });

  it('has no borders at the rim of the map', () => {
    const { holder } = emptyLooks(25);
    expect(borderDirections(layout.neighbours, new Uint8Array(25), holder.fill(0), 0)).toEqual([]);
  });

  it('is captured from the side that the capturer comes from', () => {
    const looks = emptyLooks(25);
    looks.holder[CENTRE] = 0;
    expect(captureAngle(layout, looks, CENTRE)).toBe(0);
    looks.holder[EAST] = 0;
    expect(Math.abs(captureAngle(layout, looks, CENTRE))).toBeCloseTo(Math.PI);
  });
});
