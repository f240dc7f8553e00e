// The same games natively, in Node and in Chromium, through the packed engine: ticks, winner and
// final state hash must be the same on every line.
//
//   node tests/conformance/run.mjs [--games N] [--no-browser]
//
// Maps: 12 real ones (REDOUBT_MAPS, or ../shared/maps beside the project); where they are missing,
// generated ones. Needs build/native-release and wasm/dist (tools/build native wasm).
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createEngine } from '@redoubt/engine';
import { openBrowser } from '../e2e/browser.mjs';
import { serve } from '../e2e/static_server.mjs';
import { playGame } from './play.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const native = `${root}build/native-release/tests/conformance/redoubt_conformance`;
const mapsFolder = process.env.REDOUBT_MAPS ?? `${root}../shared/maps`;
const SEEDS = ['1', '7', '4096', '18446744073709551615'];
// Every player meets the strategist, from both sides; the longest lists fill maps of four teams.
const PAIRINGS = [
  ['strategist', 'rush', 'agentarena', 'random'],
  ['rush', 'strategist', 'strategist', 'agentarena'],
  ['agentarena', 'strategist', 'rush', 'strategist'],
  ['strategist', 'random', 'rush', 'rush'],
];

function sources() {
  const files = existsSync(mapsFolder)
    ? readdirSync(mapsFolder).filter((name) => name.endsWith('.map'))
    : [];
  if (files.length > 0) {
    return files.sort().map((name) => ({
      source: `${mapsFolder}/${name}`,
      label: name,
      teams: Number(name[0]),
      map: { wesnoth: readFileSync(`${mapsFolder}/${name}`, 'utf8'), name },
    }));
  }
  console.log('skipped: the real maps are not here (REDOUBT_MAPS); generated ones instead');
  return [2, 2, 2, 3, 3, 4, 2, 2, 2, 3, 4, 4].map((teams, i) => {
    const [width, height] = teams === 2 ? [40, 28] : teams === 3 ? [31, 31] : [33, 29];
    const source = `generate:${width}x${height}:${teams}:${i + 1}`;
    return {
      source,
      label: source,
      teams,
      map: { generate: { width, height, teams, seed: i + 1 } },
    };
  });
}

function games() {
  const all = sources().flatMap(({ source, label, teams, map }) =>
    SEEDS.map((seed, i) => ({ source, label, map, seed, players: PAIRINGS[i].slice(0, teams) })),
  );
  const at = process.argv.indexOf('--games');
  return at < 0 ? all : all.slice(0, Number(process.argv[at + 1]));
}

/** One result a game, in order. */
function playNatively(list) {
  const lines = list.map(({ seed, players, source }) => `${seed}\t${players.join(',')}\t${source}`);
  return new Promise((resolve, reject) => {
    const child = spawn(native, { stdio: ['pipe', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (part) => (out += part));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) return reject(new Error(`${native} ended with ${code}`));
      const ended = out.trim().split('\n');
      resolve(ended.map((line, i) => line.slice(lines[i].length + 1)));
    });
    child.stdin.end(`${lines.join('\n')}\n`);
  });
}

async function playInNode(list) {
  const results = [];
  for (const game of list) results.push(await playGame({ createEngine, ...game }));
  return results;
}

async function playInChromium(list) {
  const site = await serve(() => root);
  const browser = await openBrowser();
  try {
    const page = await browser.page();
    // The page's policy is the strict one; what runs in it comes from the served folder.
    await page.goto(`${site.url}tests/conformance/page.html`);
    const results = [];
    for (const { map, seed, players } of list) {
      results.push(await page.evaluate((game) => globalThis.play(game), { map, seed, players }));
    }
    if (page.seen.errors.length + page.seen.violations.length > 0) {
      throw new Error([...page.seen.errors, ...page.seen.violations].join('\n'));
    }
    return results;
  } finally {
    await browser.close();
    await site.close();
  }
}

const list = games();
const began = performance.now();
const wanted = await playNatively(list);
const others = { node: await playInNode(list) };
if (!process.argv.includes('--no-browser')) others.chromium = await playInChromium(list);
let passed = 0;
let failed = 0;
for (const [i, { label, seed, players }] of list.entries()) {
  const wrong = Object.entries(others).filter(([, results]) => results[i] !== wanted[i]);
  console.log(
    `${label}\t${seed}\t${players.join(',')}\t${wanted[i]}\t${wrong.length ? 'DIFFERS' : 'same'}`,
  );
  for (const [where, results] of wrong) console.log(`    ${where}: ${results[i]}`);
  if (wrong.length > 0) ++failed;
  else ++passed;
}
const where = ['native', ...Object.keys(others)].join(', ');
console.log(
  `note: ${list.length} games in ${where}, ${Math.round((performance.now() - began) / 1000)} s`,
);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
