/** Where a plan's label stands: along its arrow, off other labels, and off agents where it can. Pure. */

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export type Point = readonly [number, number];

export interface Surroundings {
  readonly board: { readonly width: number; readonly height: number };
  /** Labels that stand already. */
  readonly taken: readonly Box[];
  /** Where agents are. */
  readonly crowd: readonly Point[];
  /** Of an agent, px. */
  readonly radius: number;
}

/** Along the arrow; the middle first. */
const SHARES = [0.5, 0.38, 0.62, 0.26, 0.74, 0.9] as const;
/** Two labels on each other cannot be read at all; an agent hides a letter or two. */
const LABEL_COST = 100;

function overlap(a: Box, b: Box): boolean {
  return (
    a.x < b.x + b.width + 3 &&
    b.x < a.x + a.width + 3 &&
    a.y < b.y + b.height + 2 &&
    b.y < a.y + a.height + 2
  );
}

function hides(box: Box, [x, y]: Point, radius: number): boolean {
  return (
    x > box.x - radius &&
    x < box.x + box.width + radius &&
    y > box.y - radius &&
    y < box.y + box.height + radius
  );
}

const clamp = (value: number, size: number, room: number) =>
  Math.min(Math.max(value, 2), room - size - 2);

/** The first of the cheapest places. At most 6 x 3 are looked at. */
export function placeLabel(
  points: readonly Point[],
  size: { readonly width: number; readonly height: number },
  { board, taken, crowd, radius }: Surroundings,
): Box {
  const [x1, y1] = points[0];
  const [x2, y2] = points[points.length - 1];
  const away = radius + size.height / 2 + 2;
  // On a short arrow the label would hide it: it stands above or below.
  const lifts = Math.hypot(x2 - x1, y2 - y1) < size.width * 1.6 ? [-away, away] : [0, -away, away];
  let best: Box | null = null;
  let least = Infinity;
  for (const lift of lifts) {
    for (const share of SHARES) {
      const [x, y] = points[Math.min(points.length - 1, Math.round(share * (points.length - 1)))];
      const box: Box = {
        x: clamp(x - size.width / 2, size.width, board.width),
        y: clamp(y - size.height / 2 + lift, size.height, board.height),
        ...size,
      };
      const cost =
        LABEL_COST * taken.filter((other) => overlap(box, other)).length +
        crowd.filter((agent) => hides(box, agent, radius)).length;
      if (cost < least) [best, least] = [box, cost];
      if (cost === 0) return box;
    }
  }
  return best!;
}
