/** Outlines of agents, team marks and resource sites, centred on the origin, radius about 1. */

import type { Role } from '@redoubt/engine';

type Path = (path: Path2D, r: number) => void;

const polygon =
  (points: readonly (readonly [number, number])[]): Path =>
  (path, r) => {
    points.forEach(([x, y], i) =>
      i === 0 ? path.moveTo(x * r, y * r) : path.lineTo(x * r, y * r),
    );
    path.closePath();
  };

const circle: Path = (path, r) => path.arc(0, 0, r * 0.92, 0, Math.PI * 2);

/** Four points with a narrow waist, so that it is not taken for the diamond mark. */
const star = polygon(
  Array.from({ length: 8 }, (_, i) => {
    const r = i % 2 === 0 ? 1.2 : 0.52;
    const a = (Math.PI / 4) * i - Math.PI / 2;
    return [Math.cos(a) * r, Math.sin(a) * r] as const;
  }),
);

const triangle = polygon([
  [0, -1.12],
  [1.05, 0.78],
  [-1.05, 0.78],
]);

const shield: Path = (path, r) => {
  path.moveTo(-0.86 * r, -0.92 * r);
  path.lineTo(0.86 * r, -0.92 * r);
  path.lineTo(0.86 * r, 0.1 * r);
  path.quadraticCurveTo(0.8 * r, 0.78 * r, 0, 1.12 * r);
  path.quadraticCurveTo(-0.8 * r, 0.78 * r, -0.86 * r, 0.1 * r);
  path.closePath();
};

const AGENTS: Record<Role, Path> = {
  collector: circle,
  explorer: triangle,
  defender: shield,
  attacker: star,
};

export function agentPath(role: Role, r: number): Path2D {
  const path = new Path2D();
  AGENTS[role](path, r);
  return path;
}

const square = polygon([
  [-0.8, -0.8],
  [0.8, -0.8],
  [0.8, 0.8],
  [-0.8, 0.8],
]);
const diamond = polygon([
  [0, -1.08],
  [1.08, 0],
  [0, 1.08],
  [-1.08, 0],
]);
const MARKS: readonly Path[] = [square, diamond, triangle, circle];

/** The mark of a team (square, diamond, triangle, circle). */
export function markPath(team: number, r: number): Path2D {
  const path = new Path2D();
  MARKS[team](path, r);
  return path;
}

const bolt = polygon([
  [0.25, -1.15],
  [-0.75, 0.2],
  [-0.1, 0.2],
  [-0.25, 1.15],
  [0.75, -0.2],
  [0.1, -0.2],
]);
const box = polygon([
  [-0.72, -0.72],
  [0.72, -0.72],
  [0.72, 0.72],
  [-0.72, 0.72],
]);
const ring: Path = (path, r) => {
  path.arc(0, 0, r * 0.9, 0, Math.PI * 2);
  path.moveTo(r * 0.42, 0);
  path.arc(0, 0, r * 0.42, 0, Math.PI * 2, true);
};
const SITES: readonly Path[] = [bolt, box, ring];

/** A resource site: bolt for energy, square for materials, ring for data. */
export function sitePath(type: number, r: number): Path2D {
  const path = new Path2D();
  SITES[type](path, r);
  return path;
}
