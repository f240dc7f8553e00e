import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cellAt,
  DIRECTIONS,
  distance,
  layOut,
  neighbourTable,
  neighbourTowards,
  shouldRotate,
  type Grid,
} from '../../../web/game/src/render/geometry';

const grid = (width: number, height: number, flat = false): Grid => ({
  width,
  height,
  orientation: flat ? 'flat_top' : 'pointy_top',
});
const DESK = { width: 1080, height: 668 };
const PHONE = { width: 390, height: 600 };

const anyLayout = fc
  .record({
    width: fc.integer({ min: 2, max: 50 }),
    height: fc.integer({ min: 2, max: 50 }),
    flat: fc.boolean(),
    rotated: fc.boolean(),
  })
  .map(({ width, height, flat, rotated }) => layOut(grid(width, height, flat), DESK, { rotated }));

describe('layout', () => {
  it('gives a 40x28 map the size that the width of a desktop allows', () => {
    const layout = layOut(grid(40, 28), DESK);
    expect(layout.radius).toBeCloseTo(1080 / (Math.sqrt(3) * 40.5), 5);
    expect(layout.width).toBeLessThanOrEqual(1080.001);
    expect(layout.height).toBeLessThanOrEqual(668);
  });

  it('keeps every hex within the board, whatever the orientation and rotation', () => {
    fc.assert(
      fc.property(anyLayout, (layout) => {
        const over = [0, 2, 4, 6, 8, 10].flatMap((i) => [
          -(Math.min(...layout.x) + layout.corners[i]),
          -(Math.min(...layout.y) + layout.corners[i + 1]),
          Math.max(...layout.x) + layout.corners[i] - layout.width,
          Math.max(...layout.y) + layout.corners[i + 1] - layout.height,
        ]);
        expect(Math.max(...over)).toBeLessThan(0.01);
      }),
      { numRuns: 30 },
    );
  });

  it('puts all neighbours at the same distance, across the edge that is named after them', () => {
    fc.assert(
      fc.property(anyLayout, (layout) => {
        for (let cell = 0; cell < layout.x.length; cell += 7) {
          for (let d = 0; d < DIRECTIONS; d++) {
            const other = layout.neighbours[cell * DIRECTIONS + d];
            if (other < 0) continue;
            const dx = layout.x[other] - layout.x[cell];
            const dy = layout.y[other] - layout.y[cell];
            expect(Math.hypot(dx, dy)).toBeCloseTo(Math.sqrt(3) * layout.radius, 2);
            const e = d * 4;
            const middle = [
              (layout.edges[e] + layout.edges[e + 2]) / 2,
              (layout.edges[e + 1] + layout.edges[e + 3]) / 2,
            ];
            expect(middle[0]).toBeCloseTo(dx / 2, 2);
            expect(middle[1]).toBeCloseTo(dy / 2, 2);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it('turns a wide map on a phone, because its hexes become larger, and no square one', () => {
    expect(shouldRotate(grid(40, 28), PHONE)).toBe(true);
    expect(shouldRotate(grid(40, 28), DESK)).toBe(false);
    expect(shouldRotate(grid(20, 34), PHONE)).toBe(false);
  });

  it('draws a flat_top map with its axes swapped', () => {
    const layout = layOut(grid(10, 20, true), DESK);
    const pointy = layOut(grid(10, 20), DESK);
    expect(layout.width / layout.radius).toBeCloseTo(pointy.height / pointy.radius, 4);
    // The next row of the stored grid lies to the right, the next column below.
    expect(layout.x[10]).toBeGreaterThan(layout.x[0]);
    expect(layout.y[1]).toBeGreaterThan(layout.y[0]);
  });
});

describe('picking', () => {
  it('finds the cell under any point inside a hex', () => {
    fc.assert(
      fc.property(
        anyLayout,
        fc.nat(),
        fc.double({ min: 0, max: 2 * Math.PI, noNaN: true }),
        fc.double({ min: 0, max: 0.85, noNaN: true }),
        (layout, nth, angle, share) => {
          const cell = nth % layout.x.length;
          // 0.866 radii is the distance to an edge.
          const r = share * 0.866 * layout.radius;
          const x = layout.x[cell] + Math.cos(angle) * r;
          const y = layout.y[cell] + Math.sin(angle) * r;
          expect(cellAt(layout, x, y)).toBe(cell);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('finds nothing beside the map', () => {
    const layout = layOut(grid(8, 6), DESK);
    expect(cellAt(layout, -20, 30)).toBeNull();
    expect(cellAt(layout, layout.width + 20, 30)).toBeNull();
    expect(cellAt(layout, 30, layout.height + 20)).toBeNull();
  });
});

describe('neighbours', () => {
  it('are mutual and one step away', () => {
    const table = neighbourTable(9, 7);
    for (let cell = 0; cell < 63; cell++) {
      for (let d = 0; d < DIRECTIONS; d++) {
        const other = table[cell * DIRECTIONS + d];
        if (other < 0) continue;
        expect(table[other * DIRECTIONS + ((d + 3) % DIRECTIONS)]).toBe(cell);
        expect(distance(9, cell, other)).toBe(1);
      }
    }
  });

  it('lead straight up and down in the same column pair, and there and back again', () => {
    const layout = layOut(grid(10, 10), DESK);
    const start = 5 * 10 + 5;
    let at = start;
    for (let i = 0; i < 4; i++) at = neighbourTowards(layout, at, 0, -1)!;
    expect(Math.floor(at / 10)).toBe(1);
    expect(Math.abs((at % 10) - 5)).toBeLessThanOrEqual(1);
    for (let i = 0; i < 4; i++) at = neighbourTowards(layout, at, 0, 1)!;
    expect(at).toBe(start);
    expect(neighbourTowards(layout, start, 1, 0)).toBe(start + 1);
    expect(neighbourTowards(layout, 0, -1, 0)).toBeNull();
  });
});
