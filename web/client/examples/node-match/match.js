// A match in Node: a bot of one's own (bot.js) against a built-in player, and a replay of it.
//   node match.js [random | agentarena | rush | strategist] [SEED]
import { writeFile } from 'node:fs/promises';
import { createEngine } from '@redoubt/engine';
import { think } from './bot.js';

const THINK_EVERY_TICKS = 10;
const [RED, BLUE] = [0, 1];

const [opponent = 'random', seed = '7'] = process.argv.slice(2);
const engine = await createEngine({ map: { generate: {} }, seed, players: [opponent, null] });
const { map } = engine;

while (!engine.outcome) {
  const { orders } = engine.think(RED, { work: 1e6 });
  engine.step([...orders, ...think(map, engine.sight(BLUE))], THINK_EVERY_TICKS);
  if (engine.tick % 600 === 0) {
    const [red, blue] = engine.teams.map(({ held }) => held);
    console.log(`${engine.tick / 600} min: ${opponent} holds ${red} cells, the bot ${blue}`);
  }
}

const { winner, by, tick } = engine.outcome;
const name = [opponent, 'the bot'][winner] ?? 'nobody';
console.log(`${name} wins by ${by} at tick ${tick}; state ${engine.hash()}`);
await writeFile('match.replay', engine.saveReplay());
console.log('match.replay is the match: drop it onto the page, or openReplay() it');
engine.dispose();
