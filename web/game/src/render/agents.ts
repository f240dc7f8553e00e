/**
 * The moving layer: agents between two ticks, what they do to each other, the rings around
 * contested clusters, pulsing cells and the grid cursor.
 */

import type { Frame, GameEvent, MapInfo } from '@redoubt/engine';
import { clear, openSurface, resize, traceHex } from './canvas';
import { contestedClusters, type Cluster } from './contested';
import type { Layout } from './geometry';
import { emptyPlaced, pair, place, shareAt, type Placed } from './interpolate';
import {
  ACCENT,
  BAD,
  HALO,
  mix,
  OK,
  TEAM_COLOURS,
  TEAMS_MAX,
  TEXT,
  WARNING,
  withAlpha,
} from './palette';
import { agentPath } from './shapes';

const AGENTS_MAX = 64;
const TRACER_MS = 120;
const FLASH_MS = 200;
const DEATH_MS = 300;
const BIRTH_MS = 250;
const RING_PERIOD_MS = 9000;
const PULSE_MS = 1800;
/** A storm of hits at sixteenfold speed need not be drawn shot by shot. */
const EFFECTS_MAX = 96;
const ROLES = ['collector', 'explorer', 'defender', 'attacker'] as const;

interface Tracer {
  readonly start: number;
  readonly team: number;
  readonly fromX: number;
  readonly fromY: number;
  readonly toX: number;
  readonly toY: number;
}
interface Death {
  readonly start: number;
  readonly sprite: number;
  readonly x: number;
  readonly y: number;
}

export interface Motion {
  readonly now: number;
  /** Wall time between ticks; 0 when frames do not follow each other. */
  readonly tickMs: number;
  readonly snap: boolean;
}

export interface Marking {
  /** Agents to ring softly: those that carry out a plan just shown. */
  readonly obeying: ReadonlySet<number>;
  readonly followed: number | null;
  readonly cursor: number | null;
  readonly pulse: { readonly cells: readonly number[]; readonly start: number } | null;
  readonly rings: boolean;
  readonly still: boolean;
}

export interface AgentLayer {
  setMap(map: MapInfo, layout: Layout, ratio: number): void;
  setFrame(frame: Frame, motion: Motion): void;
  setMarking(marking: Marking): void;
  draw(now: number): boolean;
  /** Where an agent is drawn at the moment. */
  locate(id: number, now: number): { x: number; y: number } | null;
}

export function createAgents(canvas: HTMLCanvasElement): AgentLayer {
  const surface = openSurface(canvas, false);
  const context = surface.context;
  const partner = new Int32Array(AGENTS_MAX);
  const flashes = new Map<number, number>();
  const births = new Map<number, number>();
  let tracers: Tracer[] = [];
  let deaths: Death[] = [];
  let clusters: Cluster[] = [];
  let sprites: HTMLCanvasElement[] = [];
  let glyph = 8;
  let map: MapInfo | null = null;
  let layout: Layout | null = null;
  let frame: Frame | null = null;
  let before: Placed = emptyPlaced(AGENTS_MAX);
  let after: Placed = emptyPlaced(AGENTS_MAX);
  let arrived = 0;
  let tickMs = 0;
  let marking: Marking = {
    obeying: new Set(),
    followed: null,
    cursor: null,
    pulse: null,
    rings: true,
    still: false,
  };
  let stale = true;

  function positionOf(id: number): { x: number; y: number } | null {
    for (let i = 0; i < after.count; i++)
      if (after.id[i] === id) return { x: after.x[i], y: after.y[i] };
    for (let i = 0; i < before.count; i++)
      if (before.id[i] === id) return { x: before.x[i], y: before.y[i] };
    return null;
  }

  function nearestBase(
    cell: number,
    team: number | null,
  ): { x: number; y: number; team: number } | null {
    let best = null;
    let bestDistance = Infinity;
    map!.bases.forEach((base, other) => {
      if (other === team) return;
      const d = Math.hypot(layout!.x[base] - layout!.x[cell], layout!.y[base] - layout!.y[cell]);
      if (d < bestDistance) {
        bestDistance = d;
        best = { x: layout!.x[base], y: layout!.y[base], team: other };
      }
    });
    return best;
  }

  function startEffect(event: GameEvent, previous: Frame | null, now: number): void {
    if (event.kind === 'spawned' && event.agent !== null) births.set(event.agent, now);
    if (event.kind === 'hit' && event.agent !== null && tracers.length < EFFECTS_MAX) {
      flashes.set(event.agent, now);
      const to = positionOf(event.agent);
      if (!to) return;
      const shooter = event.other === null ? null : positionOf(event.other);
      const base = shooter || event.cell === null ? null : nearestBase(event.cell, event.team);
      const from = shooter ?? base;
      if (!from) return;
      const team = base ? base.team : teamOf(event.other!, previous);
      tracers.push({ start: now, team, fromX: from.x, fromY: from.y, toX: to.x, toY: to.y });
    }
    if (event.kind === 'died' && event.agent !== null && previous && deaths.length < EFFECTS_MAX) {
      const at = positionOf(event.agent);
      const index = previous.agents.id.indexOf(event.agent);
      if (!at || index < 0 || index >= previous.agents.count) return;
      const sprite = previous.agents.team[index] * 4 + previous.agents.role[index];
      deaths.push({ start: now, sprite, x: at.x, y: at.y });
    }
  }

  function teamOf(id: number, previous: Frame | null): number {
    for (const source of [frame, previous]) {
      const index = source ? source.agents.id.indexOf(id) : -1;
      if (source && index >= 0 && index < source.agents.count) return source.agents.team[index];
    }
    return 0;
  }

  function drawSprite(sprite: number, x: number, y: number, scale: number, alpha: number): void {
    const image = sprites[sprite];
    const size = (image.width / surface.ratio) * scale;
    context.globalAlpha = alpha;
    context.drawImage(image, x - size / 2, y - size / 2, size, size);
    context.globalAlpha = 1;
  }

  function drawAgent(i: number, x: number, y: number, now: number): void {
    const agents = frame!.agents;
    const id = agents.id[i];
    const born = births.get(id);
    const age = born === undefined ? 1 : Math.min(1, (now - born) / BIRTH_MS);
    if (age >= 1 && born !== undefined) births.delete(id);
    if (marking.obeying.has(id)) drawRing(x, y, glyph * 1.75, TEAM_COLOURS[agents.team[i]], 1.5);
    if (marking.followed === id) drawRing(x, y, glyph * 1.9, TEXT, 2);
    drawSprite(agents.team[i] * 4 + agents.role[i], x, y, marking.still ? 1 : 0.4 + 0.6 * age, 1);
    if (agents.load[i] > 0) drawLoad(x, y, agents.load[i] / Math.max(1, agents.capacity[i]));
    const flash = flashes.get(id);
    if (flash !== undefined) {
      const left = 1 - (now - flash) / FLASH_MS;
      if (left <= 0) flashes.delete(id);
      else drawFlash(x, y, left);
    }
    const health = agents.health[i] / agents.healthMax[i];
    if (health < 0.995) drawHealth(x, y, health);
  }

  function drawRing(x: number, y: number, r: number, colour: string, width: number): void {
    context.beginPath();
    context.arc(x, y, r, 0, Math.PI * 2);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }

  function drawLoad(x: number, y: number, share: number): void {
    const r = glyph * 0.46;
    context.fillStyle = HALO;
    context.beginPath();
    context.arc(x, y, r, 0, Math.PI * 2);
    context.fill();
    context.fillStyle = TEXT;
    context.beginPath();
    context.arc(x, y, r * (0.35 + 0.4 * Math.min(1, share)), 0, Math.PI * 2);
    context.fill();
  }

  function drawFlash(x: number, y: number, left: number): void {
    context.fillStyle = `rgba(255,255,255,${(0.75 * left).toFixed(2)})`;
    context.beginPath();
    context.arc(x, y, glyph * 1.15, 0, Math.PI * 2);
    context.fill();
  }

  function drawHealth(x: number, y: number, share: number): void {
    const width = glyph * 2.1;
    const height = Math.max(2, glyph * 0.3);
    const top = y + glyph * 1.42;
    context.fillStyle = HALO;
    context.fillRect(x - width / 2 - 1, top - 1, width + 2, height + 2);
    context.fillStyle = share > 0.6 ? OK : share > 0.3 ? WARNING : BAD;
    context.fillRect(x - width / 2, top, width * share, height);
  }

  function drawTracers(now: number): void {
    tracers = tracers.filter((tracer) => now - tracer.start < TRACER_MS);
    context.lineCap = 'round';
    for (const tracer of tracers) {
      const share = (now - tracer.start) / TRACER_MS;
      const tail = Math.max(0, share - 0.45);
      const dx = tracer.toX - tracer.fromX;
      const dy = tracer.toY - tracer.fromY;
      context.beginPath();
      context.moveTo(tracer.fromX + dx * tail, tracer.fromY + dy * tail);
      context.lineTo(tracer.fromX + dx * share, tracer.fromY + dy * share);
      context.strokeStyle = mix(TEAM_COLOURS[tracer.team], '#ffffff', 0.55);
      context.lineWidth = Math.max(1.5, glyph * 0.28);
      context.stroke();
    }
  }

  function drawDeaths(now: number): void {
    deaths = deaths.filter((death) => now - death.start < DEATH_MS);
    for (const death of deaths) {
      const left = 1 - (now - death.start) / DEATH_MS;
      drawSprite(death.sprite, death.x, death.y, left, left);
      drawRing(death.x, death.y, glyph * (1 + (1 - left)), withAlpha(ACCENT, left * 0.7), 1);
    }
  }

  function drawClusters(now: number): void {
    const turn = marking.still ? 0 : ((now % RING_PERIOD_MS) / RING_PERIOD_MS) * Math.PI * 2;
    context.setLineDash([5, 7]);
    context.strokeStyle = withAlpha(ACCENT, 0.55);
    context.lineWidth = 1.25;
    for (const cluster of clusters) {
      context.beginPath();
      context.arc(cluster.x, cluster.y, cluster.radius, turn, turn + Math.PI * 2);
      context.stroke();
    }
    context.setLineDash([]);
  }

  function drawPulse(now: number): boolean {
    const pulse = marking.pulse;
    if (!pulse || !layout) return false;
    const age = (now - pulse.start) / PULSE_MS;
    if (age >= 1) return false;
    const wave = marking.still ? 1 : 0.5 - 0.5 * Math.cos(age * Math.PI * 6);
    context.beginPath();
    for (const cell of pulse.cells) traceHex(context, layout, cell, 0.86 + 0.1 * wave);
    context.strokeStyle = withAlpha(TEXT, 0.25 + 0.7 * wave);
    context.lineWidth = 2;
    context.stroke();
    context.fillStyle = withAlpha(ACCENT, 0.05 + 0.2 * wave);
    context.fill();
    return true;
  }

  function drawCursor(): void {
    if (marking.cursor === null || !layout) return;
    context.beginPath();
    traceHex(context, layout, marking.cursor, 0.98);
    context.lineWidth = 4;
    context.strokeStyle = HALO;
    context.stroke();
    context.lineWidth = 2;
    context.strokeStyle = '#ffffff';
    context.stroke();
  }

  function positionAt(i: number, share: number): { x: number; y: number } {
    const from = partner[i];
    if (from < 0) return { x: after.x[i], y: after.y[i] };
    return {
      x: before.x[from] + (after.x[i] - before.x[from]) * share,
      y: before.y[from] + (after.y[i] - before.y[from]) * share,
    };
  }

  return {
    setMap(nextMap, nextLayout, ratio) {
      if (map !== nextMap) {
        frame = null;
        before.count = after.count = 0;
        tracers = [];
        deaths = [];
        clusters = [];
      }
      map = nextMap;
      layout = nextLayout;
      resize(surface, layout.width, layout.height, ratio);
      glyph = Math.min(15, Math.max(3.8, layout.radius * 0.5));
      sprites = makeSprites(glyph, ratio);
      if (frame) {
        place(layout, frame.agents, after);
        place(layout, frame.agents, before);
        pair(before, after, partner);
        clusters = contestedClusters(layout, frame.agents);
      }
      stale = true;
    },
    setFrame(next, motion) {
      if (!layout) return;
      const previous = frame;
      frame = next;
      [before, after] = [after, before];
      place(layout, next.agents, after);
      if (motion.snap || marking.still) {
        before.count = 0;
        tracers = [];
        deaths = [];
        flashes.clear();
        births.clear();
      }
      pair(before, after, partner);
      arrived = motion.now;
      tickMs = motion.tickMs;
      clusters = contestedClusters(layout, next.agents);
      if (!motion.snap) for (const event of next.events) startEffect(event, previous, motion.now);
      stale = true;
    },
    setMarking(next) {
      marking = next;
      stale = true;
    },
    draw(now) {
      if (!layout) return false;
      const share = shareAt(now, arrived, tickMs);
      const ringing = marking.rings && clusters.length > 0 && !marking.still;
      const moving =
        share < 1 || tracers.length + deaths.length + flashes.size + births.size > 0 || ringing;
      if (!moving && !stale && !marking.pulse) return false;
      stale = share < 1;
      clear(surface);
      if (marking.rings) drawClusters(now);
      const pulsing = drawPulse(now);
      drawDeaths(now);
      if (frame) {
        for (let i = 0; i < after.count; i++) {
          const at = positionAt(i, share);
          drawAgent(i, at.x, at.y, now);
        }
      }
      drawTracers(now);
      drawCursor();
      return moving || pulsing;
    },
    locate(id, now) {
      const share = shareAt(now, arrived, tickMs);
      for (let i = 0; i < after.count; i++) if (after.id[i] === id) return positionAt(i, share);
      return null;
    },
  };
}

/** One picture a team and role, drawn once for a size: dark halo, fill, light outline. */
function makeSprites(glyph: number, ratio: number): HTMLCanvasElement[] {
  const half = glyph * 1.3 + 3;
  const sprites: HTMLCanvasElement[] = [];
  for (let team = 0; team < TEAMS_MAX; team++) {
    for (const role of ROLES) {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = Math.ceil(half * 2 * ratio);
      const context = canvas.getContext('2d')!;
      context.scale(ratio, ratio);
      context.translate(canvas.width / ratio / 2, canvas.height / ratio / 2);
      context.lineJoin = 'round';
      const path = agentPath(role, glyph);
      context.strokeStyle = HALO;
      context.lineWidth = Math.max(3, glyph * 0.62);
      context.stroke(path);
      context.fillStyle = TEAM_COLOURS[team];
      context.fill(path);
      context.strokeStyle = mix(TEAM_COLOURS[team], '#ffffff', 0.6);
      context.lineWidth = Math.max(0.9, glyph * 0.14);
      context.stroke(path);
      sprites.push(canvas);
    }
  }
  return sprites;
}
