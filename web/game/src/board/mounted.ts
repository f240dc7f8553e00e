/** The board on the page: what it holds, how it is arranged, and what a frame of it does. */

import type { Game } from '../game';
import { timed } from '../measure';
import type { Layout } from '../render/geometry';
import type { Canvases, Renderer } from '../render/renderer';
import { offsetToCentre, placeBoard, spareHeight, type Size } from './placing';

/** Beyond this a pixel more is not seen but drawn all the same. */
const RATIO_MAX = 2.5;

export interface BoardElements {
  readonly host: HTMLElement;
  readonly stack: HTMLElement;
  readonly canvases: Canvases;
}

export interface MountedBoard {
  readonly elements: BoardElements;
  readonly game: Game;
  readonly renderer: Renderer;
  /** Counts frames, where that was asked for. */
  measure: ((now: number) => void) | null;
  layout: Layout | null;
  /** Of the place that the page leaves the board. */
  area: Size;
  /** Where the board begins in it. */
  offset: { readonly x: number; readonly y: number };
  /** Height that the chart was given. */
  spare: number;
  running: boolean;
  /** A fault in drawing was reported. */
  faultTold: boolean;
}

export function arrange(board: MountedBoard): void {
  const { game, renderer } = board;
  const map = game.state.map.peek();
  if (!map || board.area.width <= 0 || board.area.height <= 0) return;
  const following = game.state.followed.peek() !== null;
  // A board that is followed is larger than its area: what was spare stays so.
  if (!following) {
    const { width, height } = board.area;
    giveSpareHeight(board, spareHeight(map, { width, height: height + board.spare }));
  }
  const layout = placeBoard(map, board.area, following);
  board.layout = layout;
  renderer.setMap(map, layout, Math.min(RATIO_MAX, window.devicePixelRatio || 1));
  moveStack(board, (board.area.width - layout.width) / 2, (board.area.height - layout.height) / 2);
  const { frame } = game.shown;
  if (frame) renderer.setFrame(frame, { now: performance.now(), tickMs: 0, snap: true });
}

/** Height that the board cannot use goes to the chart. */
function giveSpareHeight(board: MountedBoard, spare: number): void {
  if (Math.abs(spare - board.spare) < 2) return;
  board.area = { ...board.area, height: board.area.height + board.spare - spare };
  board.spare = spare;
  document.documentElement.style.setProperty('--spare', `${spare}px`);
}

function moveStack(board: MountedBoard, x: number, y: number): void {
  board.offset = { x: Math.round(x), y: Math.round(y) };
  board.elements.stack.style.transform = `translate(${board.offset.x}px, ${board.offset.y}px)`;
}

/** Draws frame after frame as long as the board is there; a fault in one costs that one. */
export function drawFrame(board: MountedBoard, now: number): void {
  if (!board.running) return;
  requestAnimationFrame((next) => drawFrame(board, next));
  board.measure?.(now);
  try {
    timed(() => {
      board.renderer.setHeat(board.game.heat());
      board.renderer.draw(now);
      follow(board, now);
    });
  } catch (fault) {
    // Sixty a second would tell no more.
    if (!board.faultTold) reportError(fault);
    board.faultTold = true;
  }
}

/** Keeps the followed agent in the middle, and the map's rim at the area's rim. */
function follow(board: MountedBoard, now: number): void {
  const { game, renderer, layout, area, offset } = board;
  const id = game.state.followed.peek();
  const at = id === null || !layout ? null : renderer.locate(id, now);
  if (!at || !layout) return;
  const x = offsetToCentre(area.width, layout.width, at.x);
  const y = offsetToCentre(area.height, layout.height, at.y);
  if (Math.abs(x - offset.x) >= 1 || Math.abs(y - offset.y) >= 1) moveStack(board, x, y);
}
