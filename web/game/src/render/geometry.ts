/**
 * Where cells lie on the screen: hexes of an odd-r grid laid out in a given area.
 *
 * 1. The engine's cells are pointy-top, odd rows half a cell to the right; row 0 is on top.
 * 2. A flat_top map is stored transposed, so it is drawn with its axes swapped.
 * 3. A rotated board is turned clockwise by 90 degrees (narrow screens); only positions turn, so
 *    that glyphs stay upright.
 * 4. Directions count counter-clockwise from east of the *stored* grid: E NE NW W SW SE. Corner
 *    pair `edges[d]` is the edge towards neighbour d, whatever the transform.
 * Units: CSS pixels from the board's top left corner.
 */

export interface Grid {
  readonly width: number;
  readonly height: number;
  readonly orientation: 'pointy_top' | 'flat_top';
}

/** X = xx*x + xy*y + x0, Y = yx*x + yy*y + y0; the linear part only swaps or negates axes. */
interface Transform {
  readonly xx: number;
  readonly xy: number;
  readonly yx: number;
  readonly yy: number;
  readonly x0: number;
  readonly y0: number;
}

export interface Layout {
  readonly columns: number;
  readonly rows: number;
  /** Circumradius of a hex. */
  readonly radius: number;
  readonly rotated: boolean;
  /** The board's size. */
  readonly width: number;
  readonly height: number;
  /** Centre of each cell. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Corner offsets from the centre for a full hex, six of [x, y], in drawing order. */
  readonly corners: Float32Array;
  /** For each direction the edge's two ends: [x1, y1, x2, y2] offsets from the centre. */
  readonly edges: Float32Array;
  /** Six neighbours a cell in direction order; -1 beyond the map. */
  readonly neighbours: Int16Array;
  readonly transform: Transform;
}

export const DIRECTIONS = 6;
const SQRT3 = Math.sqrt(3);

/** Extent of a stored (pointy-top) grid in units of the circumradius. */
export function unitExtent(columns: number, rows: number): { width: number; height: number } {
  return { width: SQRT3 * (columns + (rows > 1 ? 0.5 : 0)), height: 1.5 * rows + 0.5 };
}

function transformFor(grid: Grid, rotated: boolean): Transform {
  const swapped = grid.orientation === 'flat_top';
  const unit = unitExtent(grid.width, grid.height);
  if (!swapped && !rotated) return { xx: 1, xy: 0, yx: 0, yy: 1, x0: 0, y0: 0 };
  if (swapped && !rotated) return { xx: 0, xy: 1, yx: 1, yy: 0, x0: 0, y0: 0 };
  // Clockwise by 90 degrees: what was at the left comes to lie on top.
  if (!swapped) return { xx: 0, xy: -1, yx: 1, yy: 0, x0: unit.height, y0: 0 };
  return { xx: -1, xy: 0, yx: 0, yy: 1, x0: unit.width, y0: 0 };
}

function drawnExtent(grid: Grid, rotated: boolean): { width: number; height: number } {
  const unit = unitExtent(grid.width, grid.height);
  const turned = (grid.orientation === 'flat_top') !== rotated;
  return turned ? { width: unit.height, height: unit.width } : unit;
}

/** The largest circumradius with which the whole board fits. */
export function fittingRadius(
  grid: Grid,
  area: { width: number; height: number },
  rotated: boolean,
): number {
  const extent = drawnExtent(grid, rotated);
  return Math.max(1, Math.min(area.width / extent.width, area.height / extent.height));
}

/** Only worth turning the board where hexes become visibly larger. */
const ROTATION_GAIN_MIN = 1.08;

export function shouldRotate(grid: Grid, area: { width: number; height: number }): boolean {
  return fittingRadius(grid, area, true) > fittingRadius(grid, area, false) * ROTATION_GAIN_MIN;
}

export function neighbourTable(columns: number, rows: number): Int16Array {
  const even = [1, 0, 0, -1, -1, -1, -1, 0, -1, 1, 0, 1];
  const odd = [1, 0, 1, -1, 0, -1, -1, 0, 0, 1, 1, 1];
  const table = new Int16Array(columns * rows * DIRECTIONS).fill(-1);
  for (let row = 0; row < rows; row++) {
    const steps = row & 1 ? odd : even;
    for (let column = 0; column < columns; column++) {
      for (let d = 0; d < DIRECTIONS; d++) {
        const c = column + steps[d * 2];
        const r = row + steps[d * 2 + 1];
        if (c >= 0 && c < columns && r >= 0 && r < rows) {
          table[(row * columns + column) * DIRECTIONS + d] = r * columns + c;
        }
      }
    }
  }
  return table;
}

export function layOut(
  grid: Grid,
  area: { width: number; height: number },
  options: { rotated?: boolean; zoom?: number } = {},
): Layout {
  const rotated = options.rotated ?? false;
  const radius = fittingRadius(grid, area, rotated) * (options.zoom ?? 1);
  const t = transformFor(grid, rotated);
  const extent = drawnExtent(grid, rotated);
  const cells = grid.width * grid.height;
  const x = new Float32Array(cells);
  const y = new Float32Array(cells);
  for (let cell = 0; cell < cells; cell++) {
    const row = Math.floor(cell / grid.width);
    const ux = SQRT3 * ((cell % grid.width) + 0.5 * (row & 1) + 0.5);
    const uy = 1.5 * row + 1;
    x[cell] = (t.xx * ux + t.xy * uy + t.x0) * radius;
    y[cell] = (t.yx * ux + t.yy * uy + t.y0) * radius;
  }
  const turn = (angle: number): [number, number] => {
    const ux = Math.cos(angle) * radius;
    const uy = Math.sin(angle) * radius;
    return [t.xx * ux + t.xy * uy, t.yx * ux + t.yy * uy];
  };
  const corners = new Float32Array(12);
  const edges = new Float32Array(DIRECTIONS * 4);
  for (let d = 0; d < DIRECTIONS; d++) {
    const middle = (-Math.PI / 3) * d;
    const from = turn(middle + Math.PI / 6);
    const to = turn(middle - Math.PI / 6);
    corners.set(from, d * 2);
    edges.set([...from, ...to], d * 4);
  }
  return {
    columns: grid.width,
    rows: grid.height,
    radius,
    rotated,
    width: extent.width * radius,
    height: extent.height * radius,
    x,
    y,
    corners,
    edges,
    neighbours: neighbourTable(grid.width, grid.height),
    transform: t,
  };
}

/** The cell under a point of the board, or null beside the map. */
export function cellAt(layout: Layout, px: number, py: number): number | null {
  const t = layout.transform;
  const x = px / layout.radius - t.x0;
  const y = py / layout.radius - t.y0;
  // The linear part is orthogonal with entries 0 and +-1: its inverse is its transpose.
  const ux = t.xx * x + t.yx * y - SQRT3 / 2;
  const uy = t.xy * x + t.yy * y - 1;
  const fq = (SQRT3 / 3) * ux - uy / 3;
  const fr = (2 / 3) * uy;
  const fs = -fq - fr;
  let q = Math.round(fq);
  let r = Math.round(fr);
  const s = Math.round(fs);
  const dq = Math.abs(q - fq);
  const dr = Math.abs(r - fr);
  const ds = Math.abs(s - fs);
  if (dq > dr && dq > ds) q = -r - s;
  else if (dr > ds) r = -q - s;
  const column = q + (r - (r & 1)) / 2;
  if (column < 0 || column >= layout.columns || r < 0 || r >= layout.rows) return null;
  // Rounding gives -0 west of the first column's centre.
  return r * layout.columns + column + 0;
}

/** Steps between two cells. */
export function distance(columns: number, a: number, b: number): number {
  const ar = Math.floor(a / columns);
  const br = Math.floor(b / columns);
  const aq = (a % columns) - (ar - (ar & 1)) / 2;
  const bq = (b % columns) - (br - (br & 1)) / 2;
  const dq = aq - bq;
  const dr = ar - br;
  return Math.max(Math.abs(dq), Math.abs(dr), Math.abs(dq + dr));
}

/** The neighbour that lies most towards a screen direction (dx, dy), or null at the rim. */
export function neighbourTowards(
  layout: Layout,
  cell: number,
  dx: number,
  dy: number,
): number | null {
  let best: number | null = null;
  let bestScore = 0.3;
  for (let d = 0; d < DIRECTIONS; d++) {
    const other = layout.neighbours[cell * DIRECTIONS + d];
    if (other < 0) continue;
    const vx = layout.x[other] - layout.x[cell];
    const vy = layout.y[other] - layout.y[cell];
    const score = (vx * dx + vy * dy) / Math.hypot(vx, vy);
    // Of two equally good ones take the one that alternates back to the same column or row.
    const parity = (Math.floor(cell / layout.columns) & 1) === 0 ? 1 : -1;
    const tie = 1e-3 * parity * (vx + vy) * (dx === 0 || dy === 0 ? 1 : 0);
    if (score + tie / layout.radius > bestScore) {
      bestScore = score + tie / layout.radius;
      best = other;
    }
  }
  return best;
}
