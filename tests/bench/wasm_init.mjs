// How long the engine takes to start, and how fast it simulates, in Node and in Chromium.
//
//   node tests/bench/wasm_init.mjs [--no-browser]
//
// "first" is a fresh process or a fresh browser profile, the package's own loading included; "again"
// another core in the same one, from the module that was compiled; "anew" one that is compiled again.
// The bare simulation is the package's step() on a 32x32 map without players, beside the native
// program redoubt_simulation_bench where it is built.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openBrowser } from '../e2e/browser.mjs';
import { serve } from '../e2e/static_server.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const rounds = 5;
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const ms = (value) => `${value.toFixed(1)} ms`;

/** Runs in Node and, as text, in a page: init times and ticks a second. */
async function measure(url, wasmUrl) {
  const from = performance.now();
  const { createEngine } = await import(url);
  const map = { generate: { width: 32, height: 32, seed: 7 } };
  const engine = await createEngine({ map });
  const first = performance.now() - from;
  const anewFrom = performance.now();
  // Another address is another core: from the code cache where there is one.
  const second = await createEngine({ map, wasm: wasmUrl });
  const anew = performance.now() - anewFrom;
  const wasm = await WebAssembly.compileStreaming(fetch(wasmUrl)).catch(async () =>
    WebAssembly.compile(process.getBuiltinModule('node:fs').readFileSync(wasmUrl)),
  );
  const againFrom = performance.now();
  await createEngine({ map, wasm });
  const again = performance.now() - againFrom;
  engine.step([], 2000);
  const stepFrom = performance.now();
  second.step([], 5000);
  const ticks_per_s = 5000 / ((performance.now() - stepFrom) / 1000);
  return { first, again, anew, ticks_per_s };
}

function inNode() {
  const dist = `${root}wasm/dist`;
  const code = `${measure}
    measure('file://${dist}/index.js', new URL('file://${dist}/engine-core.wasm?again'))
      .then((row) => console.log(JSON.stringify(row)));`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }),
  );
}

async function inChromium() {
  const site = await serve(() => root);
  const browser = await openBrowser();
  try {
    const page = await browser.page();
    await page.goto(`${site.url}tests/bench/blank.html`);
    const urls = [`${site.url}wasm/dist/index.js`, `${site.url}wasm/dist/engine-core.wasm?again`];
    // A function handed to evaluate() is compiled by the debugger: the page's policy stays strict.
    return await page.evaluate(
      `(${measure})(${urls.map((url) => JSON.stringify(url)).join(', ')})`,
    );
  } finally {
    await browser.close();
    await site.close();
  }
}

async function rows(what, run) {
  const results = [];
  for (let i = 0; i < rounds; ++i) results.push(await run());
  const of = (name) => median(results.map((row) => row[name]));
  console.log(
    `${what.padEnd(10)} ${ms(of('first')).padStart(10)} ${ms(of('again')).padStart(10)} ${ms(of('anew')).padStart(10)} ${(of('ticks_per_s') / 1e6).toFixed(2).padStart(10)} M/s`,
  );
}

console.log(`median of ${rounds}     first      again       anew    bare simulation`);
await rows('Node', inNode);
if (!process.argv.includes('--no-browser')) await rows('Chromium', inChromium);
const native = `${root}build/native-release/tests/bench/redoubt_simulation_bench`;
if (existsSync(native))
  console.log(`\nnative:\n${execFileSync(native, ['0.5'], { encoding: 'utf8' })}`);
else console.log('\nskipped: redoubt_simulation_bench is not built');
const inWasm = `${root}build/wasm/tests/bench/redoubt_simulation_bench.js`;
if (existsSync(inWasm)) {
  console.log(
    `the same program in wasm:\n${execFileSync(process.execPath, ['--no-experimental-fetch', inWasm, '0.5'], { encoding: 'utf8' })}`,
  );
}
