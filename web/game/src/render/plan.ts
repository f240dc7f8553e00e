/** The plan layer: each team's arrows, dashed and labelled, drawing themselves when new. */

import type { MapInfo, PlanArrow } from '@redoubt/engine';
import { clear, openSurface, resize } from './canvas';
import type { Layout } from './geometry';
import { arrowLabel } from '../text/format';
import { placeLabel, type Box, type Point } from './label_place';
import { HALO, TEAM_COLOURS, TEXT } from './palette';

const REVEAL_MS = 900;
const GLIDE_MS = 450;
/** An arrow that now points this much elsewhere, in circumradii, is a new one. */
const SAME_GOAL = 12;
const SAMPLES = 40;
const ARROWS_PER_TEAM_MAX = 3;
/** On smaller hexes labels would hide more than they tell; the cards name the plans. */
const LABELLED_RADIUS_MIN = 6.5;
const LABEL_HEIGHT = 18;

export interface TeamPlan {
  readonly team: number;
  readonly arrows: readonly PlanArrow[];
}

export interface PlanLayer {
  setMap(map: MapInfo, layout: Layout, ratio: number): void;
  /** `still` shows new arrows at once; `cells` are those where agents stand. */
  setPlans(plans: readonly TeamPlan[], cells: ArrayLike<number>, now: number, still: boolean): void;
  draw(now: number): boolean;
}

interface Ends {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}
interface Drawn {
  readonly team: number;
  readonly arrow: PlanArrow;
  /** When it began to draw itself. */
  readonly start: number;
  /** When its ends last moved, and where they were then. */
  readonly moved: number;
  readonly before: Ends;
}

const sameArrow = (a: PlanArrow, b: PlanArrow): boolean =>
  a.kind === b.kind && a.from === b.from && a.to === b.to && a.label === b.label;

export function createPlan(canvas: HTMLCanvasElement): PlanLayer {
  const surface = openSurface(canvas, false);
  const context = surface.context;
  let layout: Layout | null = null;
  let drawn: Drawn[] = [];
  /** Where agents were when the plans came: labels make room for them. */
  let crowd: Point[] = [];
  let stale = false;

  function endsOf(arrow: PlanArrow): Ends {
    const { x, y } = layout!;
    return { x1: x[arrow.from], y1: y[arrow.from], x2: x[arrow.to], y2: y[arrow.to] };
  }

  /** An arrow's ends follow its agents smoothly, though plans come once a second. */
  function endsAt(item: Drawn, now: number): Ends {
    const share = Math.min(1, (now - item.moved) / GLIDE_MS);
    const to = endsOf(item.arrow);
    const from = item.before;
    const at = (a: number, b: number) => a + (b - a) * share;
    return {
      x1: at(from.x1, to.x1),
      y1: at(from.y1, to.y1),
      x2: at(from.x2, to.x2),
      y2: at(from.y2, to.y2),
    };
  }

  function follow(team: number, arrow: PlanArrow, now: number, still: boolean): Drawn {
    const ends = endsOf(arrow);
    const known = drawn.find((d) => d.team === team && d.arrow.kind === arrow.kind);
    const before = known && endsAt(known, now);
    const near =
      before && Math.hypot(before.x2 - ends.x2, before.y2 - ends.y2) < SAME_GOAL * layout!.radius;
    const never = -Infinity;
    if (still) return { team, arrow, start: never, moved: never, before: ends };
    if (!known || !before || !near) return { team, arrow, start: now, moved: never, before: ends };
    if (sameArrow(known.arrow, arrow)) return { ...known, arrow };
    return { team, arrow, start: known.start, moved: now, before };
  }

  /** A bow that leaves room for the straight way; each team bows to its own side. */
  function curve(item: Drawn, now: number): [number, number][] {
    const { x1, y1, x2, y2 } = endsAt(item, now);
    const bow = item.team % 2 === 0 ? 0.16 : -0.16;
    const cx = (x1 + x2) / 2 - (y2 - y1) * bow;
    const cy = (y1 + y2) / 2 + (x2 - x1) * bow;
    return Array.from({ length: SAMPLES + 1 }, (_, i) => {
      const t = i / SAMPLES;
      const u = 1 - t;
      return [u * u * x1 + 2 * u * t * cx + t * t * x2, u * u * y1 + 2 * u * t * cy + t * t * y2];
    });
  }

  function stroke(points: readonly [number, number][], colour: string, width: number): void {
    context.beginPath();
    points.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }

  function drawHead(points: readonly [number, number][], colour: string): void {
    const [x, y] = points[points.length - 1];
    const [px, py] = points[Math.max(0, points.length - 4)];
    const angle = Math.atan2(y - py, x - px);
    const size = Math.max(7, layout!.radius * 0.72);
    context.beginPath();
    context.moveTo(x + Math.cos(angle) * size * 0.6, y + Math.sin(angle) * size * 0.6);
    for (const side of [2.5, -2.5]) {
      context.lineTo(x + Math.cos(angle + side) * size, y + Math.sin(angle + side) * size);
    }
    context.closePath();
    context.lineJoin = 'round';
    context.strokeStyle = HALO;
    context.lineWidth = 3;
    context.stroke();
    context.fillStyle = colour;
    context.fill();
  }

  function drawHold(item: Drawn, share: number): void {
    const { x, y, radius } = layout!;
    const at = item.arrow.to;
    context.beginPath();
    context.arc(x[at], y[at], radius * 1.6, -Math.PI / 2, -Math.PI / 2 + Math.PI * 2 * share);
    context.strokeStyle = HALO;
    context.lineWidth = 5;
    context.stroke();
    context.setLineDash([7, 5]);
    context.strokeStyle = TEAM_COLOURS[item.team];
    context.lineWidth = 2.25;
    context.stroke();
    context.setLineDash([]);
  }

  function drawLine(item: Drawn, points: readonly [number, number][]): void {
    const colour = TEAM_COLOURS[item.team];
    context.lineCap = 'round';
    context.setLineDash([]);
    context.globalAlpha = 0.6;
    stroke(points, HALO, 5.5);
    context.globalAlpha = 1;
    context.setLineDash([8, 6]);
    stroke(points, colour, 2.25);
    context.setLineDash([]);
    drawHead(points, colour);
  }

  function drawLabel(item: Drawn, points: readonly [number, number][], taken: Box[]): void {
    const label = arrowLabel(item.arrow);
    context.font = `600 11px "Inter Variable", sans-serif`;
    const width = Math.ceil(context.measureText(label).width) + 22;
    const radius = layout!.radius * 0.6;
    const around = { board: layout!, taken, crowd, radius };
    const box = placeLabel(points, { width, height: LABEL_HEIGHT }, around);
    taken.push(box);
    context.beginPath();
    context.roundRect(box.x, box.y, box.width, box.height, 9);
    context.fillStyle = 'rgba(11,15,20,0.88)';
    context.fill();
    context.strokeStyle = TEAM_COLOURS[item.team];
    context.lineWidth = 1;
    context.stroke();
    context.fillStyle = TEAM_COLOURS[item.team];
    context.beginPath();
    context.arc(box.x + 9.5, box.y + 9, 3, 0, Math.PI * 2);
    context.fill();
    context.fillStyle = TEXT;
    context.textBaseline = 'middle';
    context.fillText(label, box.x + 16, box.y + 9.5);
  }

  return {
    setMap(_map, nextLayout, ratio) {
      drawn = drawn.filter((item) => item.arrow.to < nextLayout.x.length);
      layout = nextLayout;
      drawn = drawn.map((item) => ({ ...item, moved: -Infinity }));
      resize(surface, layout.width, layout.height, ratio);
      stale = true;
    },
    setPlans(plans, cells, now, still) {
      if (!layout) return;
      const next: Drawn[] = [];
      for (const plan of plans) {
        for (const arrow of plan.arrows.slice(0, ARROWS_PER_TEAM_MAX)) {
          next.push(follow(plan.team, arrow, now, still));
        }
      }
      if (next.length === drawn.length && next.every((d, i) => sameArrow(d.arrow, drawn[i].arrow)))
        return;
      drawn = next;
      const { x, y } = layout;
      crowd = Array.from(cells, (cell) => [x[cell], y[cell]] as const);
      stale = true;
    },
    draw(now) {
      if (!stale || !layout) return false;
      clear(surface);
      const labels: { item: Drawn; points: [number, number][] }[] = [];
      let revealing = false;
      for (const item of drawn) {
        const share = Math.min(1, (now - item.start) / REVEAL_MS);
        const eased = 1 - (1 - share) ** 3;
        if (share < 1 || now - item.moved < GLIDE_MS) revealing = true;
        const points = curve(item, now);
        if (item.arrow.from === item.arrow.to || item.arrow.kind === 'hold') drawHold(item, eased);
        if (item.arrow.from !== item.arrow.to) {
          drawLine(item, points.slice(0, Math.max(2, Math.round(eased * SAMPLES) + 1)));
        }
        if (share > 0.6 && layout.radius >= LABELLED_RADIUS_MIN) labels.push({ item, points });
      }
      const taken: Box[] = [];
      for (const { item, points } of labels) drawLabel(item, points, taken);
      stale = revealing;
      return revealing;
    },
  };
}
