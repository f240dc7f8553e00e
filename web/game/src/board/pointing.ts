/** Pointer and keys on the board: which cell they mean, and what is said of it. */

import type { AgentsView } from '@redoubt/engine';
import { timed } from '../measure';
import { cellAt, neighbourTowards } from '../render/geometry';
import { describeCell } from '../text/cell';
import type { MountedBoard } from './mounted';

/** What each arrow key moves the cursor by. */
const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};

/** Listens to the board's elements; returns what ends each. */
export function listenToInput(board: MountedBoard): (() => void)[] {
  const { host, canvases } = board.elements;
  const { gridOn } = board.game.state;
  return [
    listen(host, 'pointermove', (event) => {
      if (event.pointerType !== 'touch' && !gridOn.peek()) readCell(board, cellUnder(board, event));
    }),
    listen(host, 'pointerleave', () => {
      if (!gridOn.peek()) readCell(board, null);
    }),
    listen(host, 'pointerdown', (event) => pointAt(board, cellUnder(board, event))),
    listen(canvases.agents, 'keydown', (event) => pressKey(board, event)),
  ];
}

function listen<K extends keyof HTMLElementEventMap>(
  target: HTMLElement,
  type: K,
  handler: (event: HTMLElementEventMap[K]) => void,
): () => void {
  const run = (event: HTMLElementEventMap[K]) => timed(() => handler(event));
  target.addEventListener(type, run);
  return () => target.removeEventListener(type, run);
}

function cellUnder({ layout, elements, offset }: MountedBoard, event: PointerEvent): number | null {
  if (!layout) return null;
  const box = elements.host.getBoundingClientRect();
  return cellAt(layout, event.clientX - box.left - offset.x, event.clientY - box.top - offset.y);
}

/** Says what is on a cell; null for none. */
export function readCell({ game }: MountedBoard, cell: number | null): void {
  const { state, shown } = game;
  const map = state.map.peek();
  state.cellText.value = map && cell !== null ? describeCell(map, shown.frame, cell) : '';
}

function pointAt(board: MountedBoard, cell: number | null): void {
  const { state, shown } = board.game;
  readCell(board, cell);
  if (state.gridOn.peek() && cell !== null) state.cursor.value = cell;
  if (state.followed.peek() === null) return;
  state.followed.value = cell === null ? null : agentOn(shown.frame?.agents, cell);
}

/** The first agent that stands on a cell. */
export function agentOn(agents: AgentsView | undefined, cell: number): number | null {
  const index = agents ? agents.cell.subarray(0, agents.count).indexOf(cell) : -1;
  return agents && index >= 0 ? agents.id[index] : null;
}

function pressKey(board: MountedBoard, event: KeyboardEvent): void {
  const { gridOn } = board.game.state;
  const step = STEPS[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  // Without the grid they are the time's.
  if (!gridOn.peek() && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) return;
  event.preventDefault();
  gridOn.value = true;
  moveCursor(board, ...step);
}

/** Moves the grid's cursor; where there is none yet it appears on the first base. */
export function moveCursor(board: MountedBoard, dx: number, dy: number): void {
  const { layout } = board;
  if (!layout) return;
  const { state } = board.game;
  const at = state.cursor.peek();
  const next =
    at === null ? (state.map.peek()?.bases[0] ?? 0) : (neighbourTowards(layout, at, dx, dy) ?? at);
  state.cursor.value = next;
  readCell(board, next);
}
