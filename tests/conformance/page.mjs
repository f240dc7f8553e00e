// What Chromium runs: the built package, straight from its folder.
import { createEngine } from '../../wasm/dist/index.js';
import { playGame } from './play.mjs';

globalThis.play = (game) => playGame({ createEngine, ...game });
