/** Where the board lies in its area: its size, its turn, and how it follows an agent. */

import { layOut, shouldRotate, type Grid, type Layout } from '../render/geometry';

/** Below this width a board may be turned to make its hexes larger. */
const NARROW_PX = 700;
const FOLLOW_ZOOM = 2.2;
const MARGIN_PX = 8;
const SPARE_MAX_PX = 140;

export interface Size {
  readonly width: number;
  readonly height: number;
}

const within = ({ width, height }: Size): Size => ({
  width: width - 2 * MARGIN_PX,
  height: height - 2 * MARGIN_PX,
});

export function placeBoard(grid: Grid, area: Size, following: boolean): Layout {
  const inner = within(area);
  const rotated = area.width < NARROW_PX && shouldRotate(grid, inner);
  return layOut(grid, inner, { rotated, zoom: following ? FOLLOW_ZOOM : 1 });
}

/** Height that a map as wide as the area cannot use. */
export function spareHeight(grid: Grid, { width, height }: Size): number {
  if (width < NARROW_PX) return 0;
  const tall = layOut(grid, within({ width, height: 1e6 }));
  return Math.max(0, Math.min(SPARE_MAX_PX, Math.floor(height - tall.height - 2 * MARGIN_PX)));
}

/**
 * Where a board begins along one axis so that a point of it lies in the middle, and its rim not
 * within the area's.
 */
export function offsetToCentre(area: number, board: number, point: number): number {
  if (board <= area) return (area - board) / 2;
  return Math.min(MARGIN_PX, Math.max(area - board - MARGIN_PX, area / 2 - point));
}
