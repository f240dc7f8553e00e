import { describe, expect, it } from 'vitest';
import {
  placeLabel,
  type Point,
  type Surroundings,
} from '../../../web/game/src/render/label_place';

const line = (x1: number, y1: number, x2: number, y2: number): Point[] =>
  Array.from({ length: 41 }, (_, i) => [x1 + ((x2 - x1) * i) / 40, y1 + ((y2 - y1) * i) / 40]);
const size = { width: 60, height: 18 };
const empty: Surroundings = {
  board: { width: 600, height: 400 },
  taken: [],
  crowd: [],
  radius: 8,
};

describe('a label', () => {
  it('stands in the middle of its arrow where nothing else is', () => {
    expect(placeLabel(line(100, 200, 500, 200), size, empty)).toEqual({ x: 270, y: 191, ...size });
  });

  it('stands above an arrow that it would hide', () => {
    const { y } = placeLabel(line(100, 200, 140, 200), size, empty);
    expect(y + size.height).toBeLessThan(200);
  });

  it('makes room for agents, and stays off other labels first', () => {
    const points = line(100, 200, 500, 200);
    const crowd: Point[] = [[300, 200]];
    const beside = placeLabel(points, size, { ...empty, crowd });
    expect(Math.abs(beside.x + size.width / 2 - 300)).toBeGreaterThan(size.width / 2 + 8);
    // Agents everywhere on the arrow: the label goes beside it.
    const everywhere = points.filter((_, i) => i % 2 === 0);
    expect(placeLabel(points, size, { ...empty, crowd: everywhere }).y).not.toBe(191);
    // No place without an agent: then at least none on another label.
    const full = {
      ...empty,
      crowd: [] as Point[],
      taken: [{ x: 0, y: 150, width: 260, height: 100 }],
    };
    for (let x = 0; x < 600; x += 10) for (let y = 0; y < 400; y += 10) full.crowd.push([x, y]);
    expect(placeLabel(points, size, full).x).toBeGreaterThan(260);
  });

  it('never leaves the board', () => {
    for (const points of [line(0, 0, 30, 0), line(600, 400, 590, 400), line(0, 400, 600, 0)]) {
      const box = placeLabel(points, size, empty);
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.y).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(600);
      expect(box.y + box.height).toBeLessThanOrEqual(400);
    }
  });
});
