import { describe, expect, it } from 'vitest';
import {
  emptyLooks,
  LEVELS,
  levelOf,
  NO_TEAM,
  updateLooks,
} from '../../../web/game/src/render/dirty';
import { neighbourTable } from '../../../web/game/src/render/geometry';

const neighbours = neighbourTable(5, 5);
const CENTRE = 12;
const AROUND = [6, 7, 11, 13, 16, 17];

function world() {
  return { owner: new Uint8Array(25).fill(NO_TEAM), control: new Uint16Array(25) };
}

function update(looks: ReturnType<typeof emptyLooks>, cells: ReturnType<typeof world>) {
  const dirty = new Set<number>();
  const taken: number[] = [];
  updateLooks(looks, cells, neighbours, dirty, taken);
  return { dirty: [...dirty].sort((a, b) => a - b), taken };
}

describe('dirty cells', () => {
  it('are none while nothing changes', () => {
    const looks = emptyLooks(25);
    const cells = world();
    expect(update(looks, cells).dirty).toEqual([]);
    cells.owner[CENTRE] = 0;
    cells.control[CENTRE] = 5000;
    update(looks, cells);
    expect(update(looks, cells).dirty).toEqual([]);
  });

  it('are only the cell itself while its strength grows below the holding line', () => {
    const looks = emptyLooks(25);
    const cells = world();
    cells.owner[CENTRE] = 1;
    cells.control[CENTRE] = 1000;
    expect(update(looks, cells)).toEqual({ dirty: [CENTRE], taken: [] });
  });

  it('include the six around when a cell gets another holder, because of the borders', () => {
    const looks = emptyLooks(25);
    const cells = world();
    cells.owner[CENTRE] = 1;
    cells.control[CENTRE] = 2000;
    const { dirty, taken } = update(looks, cells);
    expect(dirty).toEqual([...AROUND, CENTRE].sort((a, b) => a - b));
    expect(taken).toEqual([CENTRE]);
  });

  it('notice the holding line even where the level stays the same', () => {
    const looks = emptyLooks(25);
    const cells = world();
    cells.owner[CENTRE] = 0;
    cells.control[CENTRE] = 1999;
    update(looks, cells);
    cells.control[CENTRE] = 2000;
    expect(levelOf(1999)).toBe(levelOf(2000));
    expect(update(looks, cells).taken).toEqual([CENTRE]);
  });

  it('ignore changes too small to see', () => {
    const looks = emptyLooks(25);
    const cells = world();
    cells.owner[CENTRE] = 0;
    cells.control[CENTRE] = 5000;
    update(looks, cells);
    cells.control[CENTRE] = 5010;
    expect(update(looks, cells).dirty).toEqual([]);
  });

  it('give up a cell that nobody has any strength on', () => {
    const looks = emptyLooks(25);
    const cells = world();
    cells.owner[CENTRE] = 0;
    cells.control[CENTRE] = 9000;
    update(looks, cells);
    cells.control[CENTRE] = 0;
    expect(update(looks, cells).dirty).toContain(CENTRE);
    expect(looks.owner[CENTRE]).toBe(NO_TEAM);
    expect(looks.holder[CENTRE]).toBe(NO_TEAM);
  });

  it('have levels from the first trace to the maximum', () => {
    expect(levelOf(0)).toBe(0);
    expect(levelOf(1)).toBe(1);
    expect(levelOf(10000)).toBe(LEVELS);
  });
});
