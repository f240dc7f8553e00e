/** Ties renderer, frames and input to the board's elements. Everything here is undone by `unmount`. */

import { effect } from '@preact/signals';
import type { Game } from '../game';
import { startMeasure, timed } from '../measure';
import { cellAt, layOut, neighbourTowards, shouldRotate, type Layout } from '../render/geometry';
import { createRenderer, type Canvases } from '../render/renderer';
import { describeCell } from '../text/cell';

/** Below this width a board may be turned to make its hexes larger. */
const NARROW_PX = 700;
const FOLLOW_ZOOM = 2.2;
const STEP_MS = 100;
/** Beyond this a pixel more is not seen but drawn all the same. */
const RATIO_MAX = 2.5;
const MARGIN_PX = 8;
const SPARE_MAX_PX = 140;

export interface BoardElements {
  readonly host: HTMLElement;
  readonly stack: HTMLElement;
  readonly canvases: Canvases;
}

export function mountBoard(elements: BoardElements, game: Game): () => void {
  const { host, stack, canvases } = elements;
  const { state, shown } = game;
  const renderer = createRenderer(canvases);
  const measure = new URLSearchParams(location.search).has('measure') ? startMeasure() : null;
  const ends: (() => void)[] = [];
  let layout: Layout | null = null;
  let area = { width: 0, height: 0 };
  let offset = { x: 0, y: 0 };
  let running = true;
  let spare = 0;

  function arrange(): void {
    const map = state.map.peek();
    if (!map || area.width <= 0 || area.height <= 0) return;
    const following = state.followed.peek() !== null;
    giveSpareHeight(following);
    const inner = { width: area.width - 2 * MARGIN_PX, height: area.height - 2 * MARGIN_PX };
    const rotated = area.width < NARROW_PX && shouldRotate(map, inner);
    layout = layOut(map, inner, { rotated, zoom: following ? FOLLOW_ZOOM : 1 });
    renderer.setMap(map, layout, Math.min(RATIO_MAX, window.devicePixelRatio || 1));
    moveStack((area.width - layout.width) / 2, (area.height - layout.height) / 2);
    if (shown.frame)
      renderer.setFrame(shown.frame, { now: performance.now(), tickMs: 0, snap: true });
  }

  /** Height that a wide map cannot use goes to the chart. */
  function giveSpareHeight(following: boolean): void {
    const map = state.map.peek()!;
    const whole = area.height + spare;
    let next = 0;
    if (area.width >= NARROW_PX && !following) {
      const tall = layOut(map, { width: area.width - 2 * MARGIN_PX, height: 1e6 });
      next = Math.max(0, Math.min(SPARE_MAX_PX, Math.floor(whole - tall.height - 2 * MARGIN_PX)));
    } else if (following) next = spare;
    if (Math.abs(next - spare) < 2) return;
    area = { ...area, height: whole - next };
    spare = next;
    document.documentElement.style.setProperty('--spare', `${spare}px`);
  }

  function moveStack(x: number, y: number): void {
    offset = { x: Math.round(x), y: Math.round(y) };
    stack.style.transform = `translate(${offset.x}px, ${offset.y}px)`;
  }

  /** Keeps the followed agent in the middle, and the map's rim at the area's rim. */
  function follow(now: number): void {
    const id = state.followed.peek();
    if (id === null || !layout) return;
    const at = renderer.locate(id, now);
    if (!at) return;
    const along = (size: number, board: number, point: number) =>
      board <= size
        ? (size - board) / 2
        : Math.min(MARGIN_PX, Math.max(size - board - MARGIN_PX, size / 2 - point));
    const x = along(area.width, layout.width, at.x);
    const y = along(area.height, layout.height, at.y);
    if (Math.abs(x - offset.x) >= 1 || Math.abs(y - offset.y) >= 1) moveStack(x, y);
  }

  function drawFrame(now: number): void {
    if (!running) return;
    measure?.(now);
    timed(() => {
      renderer.setHeat(game.heat());
      renderer.draw(now);
      follow(now);
    });
    requestAnimationFrame(drawFrame);
  }

  function cellUnder(event: PointerEvent): number | null {
    if (!layout) return null;
    const box = host.getBoundingClientRect();
    return cellAt(layout, event.clientX - box.left - offset.x, event.clientY - box.top - offset.y);
  }

  function readCell(cell: number | null): void {
    const map = state.map.peek();
    state.cellText.value = map && cell !== null ? describeCell(map, shown.frame, cell) : '';
  }

  function moveCursor(dx: number, dy: number): void {
    if (!layout) return;
    const at = state.cursor.peek();
    const map = state.map.peek();
    const next = at === null ? (map?.bases[0] ?? 0) : (neighbourTowards(layout, at, dx, dy) ?? at);
    state.cursor.value = next;
    readCell(next);
  }

  function agentOn(cell: number): number | null {
    const agents = shown.frame?.agents;
    for (let i = 0; agents && i < agents.count; i++)
      if (agents.cell[i] === cell) return agents.id[i];
    return null;
  }

  function listen<K extends keyof HTMLElementEventMap>(
    target: HTMLElement,
    type: K,
    handler: (event: HTMLElementEventMap[K]) => void,
  ): void {
    const run = (event: HTMLElementEventMap[K]) => timed(() => handler(event));
    target.addEventListener(type, run);
    ends.push(() => target.removeEventListener(type, run));
  }

  listen(host, 'pointermove', (event) => {
    if (event.pointerType !== 'touch' && !state.gridOn.peek()) readCell(cellUnder(event));
  });
  listen(host, 'pointerleave', () => {
    if (!state.gridOn.peek()) readCell(null);
  });
  listen(host, 'pointerdown', (event) => {
    const cell = cellUnder(event);
    readCell(cell);
    if (state.gridOn.peek() && cell !== null) state.cursor.value = cell;
    const agent = cell === null ? null : agentOn(cell);
    if (state.followed.peek() !== null) state.followed.value = agent;
  });
  listen(canvases.agents, 'keydown', (event) => {
    const steps: Record<string, readonly [number, number]> = {
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
    };
    const step = steps[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!state.gridOn.peek() && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) return;
    event.preventDefault();
    state.gridOn.value = true;
    moveCursor(step[0], step[1]);
  });

  ends.push(
    game.onFrame((frame, snap) => {
      const tickMs = state.playing.peek() ? 100 / state.speed.peek() : STEP_MS;
      renderer.setFrame(frame, { now: performance.now(), tickMs: snap ? 0 : tickMs, snap });
      if (state.gridOn.peek() && frame.tick % 10 === 0) readCell(state.cursor.peek());
    }),
    effect(() => {
      void state.map.value;
      void (state.followed.value === null);
      arrange();
    }),
    effect(() => renderer.setTint(state.layers.value.territory)),
    effect(() => {
      const { plan } = state.layers.value;
      const plans = state.explanations.value.flatMap((explanation, team) =>
        plan && explanation && state.plansShown.value[team]
          ? [{ team, arrows: explanation.plan }]
          : [],
      );
      const agents = game.shown.frame?.agents;
      const cells = agents?.cell.subarray(0, agents.count) ?? [];
      renderer.setPlans(plans, cells, performance.now(), state.still.value);
    }),
    effect(() =>
      renderer.setMarking({
        obeying: state.obeying.value,
        followed: state.followed.value,
        cursor: state.gridOn.value ? state.cursor.value : null,
        pulse: state.pulse.value,
        rings: state.layers.value.contested,
        still: state.still.value,
      }),
    ),
    effect(() => {
      if (!state.gridOn.value) return;
      if (state.cursor.peek() === null) moveCursor(0, 0);
      canvases.agents.focus({ preventScroll: true });
    }),
  );

  const observer = new ResizeObserver((entries) => {
    const box = entries[entries.length - 1].contentRect;
    area = { width: box.width, height: box.height };
    timed(arrange);
  });
  observer.observe(host);
  const ratio = matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
  ratio.addEventListener('change', arrange, { once: true });
  requestAnimationFrame(drawFrame);
  return () => {
    running = false;
    observer.disconnect();
    for (const end of ends) end();
  };
}
