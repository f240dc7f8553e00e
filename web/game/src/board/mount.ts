/** Ties renderer, frames and input to the board's elements. Everything here is undone by `unmount`. */

import { effect } from '@preact/signals';
import type { Frame } from '@redoubt/engine';
import type { Game } from '../game';
import { timed } from '../measure';
import type { TeamPlan } from '../render/plan';
import { createRenderer } from '../render/renderer';
import type { State } from '../state';
import { arrange, drawFrame, type BoardElements, type MountedBoard } from './mounted';
import { listenToInput, moveCursor, readCell } from './pointing';

/** Wall time of a tick at normal speed. */
const TICK_MS = 100;

/** Returns what takes the board off the page again. */
export function mountBoard(elements: BoardElements, game: Game): () => void {
  const board: MountedBoard = {
    elements,
    game,
    renderer: createRenderer(elements.canvases),
    measure: null,
    layout: null,
    area: { width: 0, height: 0 },
    offset: { x: 0, y: 0 },
    spare: 0,
    running: true,
    faultTold: false,
  };
  const ends = [
    ...listenToInput(board),
    game.onFrame((frame, snap) => showFrame(board, frame, snap)),
    ...followState(board),
    followSize(board),
  ];
  if (new URLSearchParams(location.search).has('measure')) {
    void import('../measure_report').then((report) => (board.measure = report.startMeasure()));
  }
  requestAnimationFrame((now) => drawFrame(board, now));
  return () => {
    board.running = false;
    for (const end of ends) end();
  };
}

function showFrame(board: MountedBoard, frame: Frame, snap: boolean): void {
  const { playing, speed, gridOn, cursor } = board.game.state;
  const tickMs = playing.peek() ? TICK_MS / speed.peek() : TICK_MS;
  board.renderer.setFrame(frame, { now: performance.now(), tickMs: snap ? 0 : tickMs, snap });
  if (gridOn.peek() && frame.tick % 10 === 0) readCell(board, cursor.peek());
}

/** Has the board show what the page's state says; returns what ends each part of it. */
function followState(board: MountedBoard): (() => void)[] {
  const { renderer, game, elements } = board;
  const { state, shown } = game;
  return [
    effect(() => {
      void state.map.value;
      void (state.followed.value === null);
      arrange(board);
    }),
    effect(() => renderer.setTint(state.layers.value.territory)),
    effect(() => {
      const agents = shown.frame?.agents;
      const cells = agents?.cell.subarray(0, agents.count) ?? [];
      renderer.setPlans(plansShown(state), cells, performance.now(), state.still.value);
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
      if (state.cursor.peek() === null) moveCursor(board, 0, 0);
      elements.canvases.agents.focus({ preventScroll: true });
    }),
  ];
}

function plansShown({ layers, explanations, plansShown }: State): TeamPlan[] {
  const { plan } = layers.value;
  return explanations.value.flatMap((explanation, team) =>
    plan && explanation && plansShown.value[team] ? [{ team, arrows: explanation.plan }] : [],
  );
}

/** Arranges the board anew when its place or the pixels' size changes. */
function followSize(board: MountedBoard): () => void {
  const observer = new ResizeObserver((entries) => {
    const { width, height } = entries[entries.length - 1].contentRect;
    board.area = { width, height };
    timed(() => arrange(board));
  });
  observer.observe(board.elements.host);
  const ratio = matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
  ratio.addEventListener('change', () => arrange(board), { once: true });
  return () => observer.disconnect();
}
