// A whole game on one canvas: the engine plays in a worker, each frame is drawn as it comes.
import { startEngine } from './node_modules/@redoubt/engine/dist/worker.js';

const COLOURS = ['#e8503a', '#3b82f6', '#f5df4d', '#a4ebda'];
const GROUND = ['#1c2430', '#242e3c', '#3a4655'];
const NAMES = ['Red', 'Blue', 'Gold', 'Mint'];
const NOBODY = 255;

const canvas = document.getElementById('board');
const context = canvas.getContext('2d');
const score = document.getElementById('score');
const button = document.getElementById('play');

const engine = await startEngine({ map: { generate: {} }, seed: 7 });
const { map } = engine;
const size = Math.min(
  canvas.width / (map.width + 0.5) / Math.sqrt(3),
  canvas.height / (1.5 * map.height + 0.5),
);

/** The middle of a cell. */
function place(cell) {
  const [column, row] = [cell % map.width, Math.floor(cell / map.width)];
  return [Math.sqrt(3) * size * (column + (row % 2) / 2 + 0.5), size * (1.5 * row + 1)];
}

function fillCell(cell, colour, alpha = 1) {
  const [x, y] = place(cell);
  context.globalAlpha = alpha;
  context.fillStyle = colour;
  context.beginPath();
  for (let corner = 0; corner < 6; corner++) {
    const angle = (Math.PI / 3) * (corner + 0.5);
    context.lineTo(x + 0.95 * size * Math.cos(angle), y + 0.95 * size * Math.sin(angle));
  }
  context.fill();
}

function draw({ tick, cells, agents, outcome }) {
  context.clearRect(0, 0, canvas.width, canvas.height);
  const held = NAMES.slice(0, map.teams).map(() => 0);
  for (let cell = 0; cell < map.terrain.length; cell++) {
    fillCell(cell, GROUND[map.terrain[cell]]);
    const owner = cells.owner[cell];
    if (owner === NOBODY) continue;
    held[owner] += 1;
    fillCell(cell, COLOURS[owner], 0.1 + (0.4 * cells.control[cell]) / 10_000);
  }
  context.globalAlpha = 1;
  for (let i = 0; i < agents.count; i++) {
    context.fillStyle = COLOURS[agents.team[i]];
    context.beginPath();
    context.arc(...place(agents.cell[i]), 0.6 * size, 0, 2 * Math.PI);
    context.fill();
  }
  const counts = held.map((cellsHeld, team) => `${NAMES[team]} ${cellsHeld}`).join(', ');
  const ended = outcome && ` ${NAMES[outcome.winner] ?? 'Nobody'} wins by ${outcome.by}.`;
  score.textContent = `${(tick / 10).toFixed(0)} s: ${counts}.${ended ?? ''}`;
}

button.onclick = () => (engine.status.state === 'playing' ? engine.pause() : engine.play());
engine.onStatus(({ state, error }) => {
  button.textContent = state === 'playing' ? 'Pause' : 'Play';
  if (error) score.textContent = error.message;
});
engine.onFrame(draw);
await engine.play(4);
