/**
 * Which cells look different than when they were last drawn.
 *
 * A cell's look is its owner, whether it is held, and its control in LEVELS steps: finer changes
 * cannot be seen and would only cost drawing. Borders depend on who holds the neighbours, so that a
 * change of holder also dirties the six cells around.
 */

import { DIRECTIONS } from './geometry';

export const NO_TEAM = 255;
/** Control from which a cell counts as held, and its maximum (RULES). */
export const HELD_CONTROL = 2000;
export const CONTROL_MAX = 10000;
export const LEVELS = 20;

export interface CellLooks {
  /** Holder of each cell as drawn, NO_TEAM where nobody holds it. */
  readonly holder: Uint8Array;
  /** Whose strength it is as drawn. */
  readonly owner: Uint8Array;
  /** 0..LEVELS as drawn. */
  readonly level: Uint8Array;
  /** Stock of the site on the cell as drawn. */
  readonly stock: Uint8Array;
}

export function emptyLooks(cells: number): CellLooks {
  return {
    holder: new Uint8Array(cells).fill(NO_TEAM),
    owner: new Uint8Array(cells).fill(NO_TEAM),
    level: new Uint8Array(cells),
    stock: new Uint8Array(cells),
  };
}

export function levelOf(control: number): number {
  return control === 0 ? 0 : Math.max(1, Math.round((control / CONTROL_MAX) * LEVELS));
}

/** Takes over the new state; adds to `dirty` what must be drawn and to `taken` newly held cells. */
export function updateLooks(
  looks: CellLooks,
  cells: { readonly owner: Uint8Array; readonly control: Uint16Array },
  neighbours: Int16Array,
  dirty: Set<number>,
  taken: number[],
): void {
  const count = looks.owner.length;
  for (let cell = 0; cell < count; cell++) {
    const control = cells.control[cell];
    const owner = control === 0 ? NO_TEAM : cells.owner[cell];
    const level = levelOf(control);
    const holder = control >= HELD_CONTROL ? owner : NO_TEAM;
    const held = holder !== looks.holder[cell];
    if (!held && owner === looks.owner[cell] && level === looks.level[cell]) continue;
    looks.owner[cell] = owner;
    looks.level[cell] = level;
    dirty.add(cell);
    if (!held) continue;
    looks.holder[cell] = holder;
    if (holder !== NO_TEAM) taken.push(cell);
    for (let d = 0; d < DIRECTIONS; d++) {
      const other = neighbours[cell * DIRECTIONS + d];
      if (other >= 0) dirty.add(other);
    }
  }
}
