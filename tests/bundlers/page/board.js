/** A match for the projects of game libraries: stepped in their loop, drawn by their means. */
import { createEngine } from '@redoubt/engine';
import { match, ticks } from './parts.js';

export const colours = [0xff5040, 0x4080ff];
export const size = 16;

/** The centre of a cell of the hexagonal map, in pixels. */
export function centre({ width }, cell) {
  const row = Math.floor(cell / width);
  return { x: ((cell % width) + (row & 1) / 2 + 1) * size, y: (row + 1) * size };
}

/** `draw(engine)` once a frame until `ticks` are played; then the state is the page's result. */
export async function playedIn(draw) {
  const engine = await createEngine(match);
  let played = 0;
  return function frame() {
    if (played === ticks) return;
    engine.play(1);
    draw(engine);
    if (++played === ticks) globalThis.result = { engine: engine.hash() };
  };
}
