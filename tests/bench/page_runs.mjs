#!/usr/bin/env node
/**
 * What a step costs as the page carries it out: the engine in WebAssembly, a journal in memory, tools
 * that answer at once. Processor time and time, each the best of five passes.
 *
 *   node tests/bench/page_runs.mjs [PACKAGE]     PACKAGE: a built @redoubt/engine's folder dist
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const PASSES = 5;
const dist = resolve(process.argv[2] ?? `${import.meta.dirname}/../../wasm/dist`);
const { createWorkflows } = await import(pathToFileURL(`${dist}/inline_workflows.js`).href);

const chain = {
  name: 'chain',
  tools: { call: { class: 'idempotent' } },
  workflow: ['a', 'b', 'c'].map((id) => ({ id, tool: 'call', with: { value: 1 } })),
  result: '{{ steps.c }}',
};
const rounds = {
  name: 'rounds',
  tools: { call: { class: 'idempotent' } },
  workflow: [{ loop: { max: 1000 }, do: { id: 'a', tool: 'call', with: { value: 1 } } }],
};
const children = {
  name: 'children',
  workflow: [{ for_each: '{{ range(50) }}', at_once: 10, do: { child: 'chain', with: null } }],
};
const many = {
  name: 'many',
  tools: { call: { class: 'idempotent' } },
  workflow: [
    { for_each: '{{ range(500) }}', at_once: 50, do: { tool: 'call', with: { value: 1 } } },
  ],
};
async function once(file, runs) {
  const workflows = await createWorkflows({
    workflows: { chain },
    tools: { call: async () => 42 },
  });
  const from = process.cpuUsage();
  const begun = performance.now();
  for (let n = 0; n < runs; n++) {
    await workflows.start(file, null, { id: `run-${n}`, seed: '1' });
    await workflows.result(`run-${n}`);
  }
  const took = performance.now() - begun;
  const used = process.cpuUsage(from);
  workflows.dispose();
  return [used.user + used.system, took * 1000];
}

for (const [name, file, runs, steps] of [
  ['chains of three steps, one after the other', chain, 200, 3],
  ['a run of 1,000 rounds', rounds, 1, 1000],
  ['500 steps, 50 at once', many, 1, 500],
  ['50 children of three steps, 10 at once', children, 1, 150],
]) {
  let best = Infinity;
  let fastest = Infinity;
  await once(file, runs);
  for (let pass = 0; pass < PASSES; pass++) {
    const [used, took] = await once(file, runs);
    best = Math.min(best, used / (runs * steps));
    fastest = Math.min(fastest, took / (runs * steps));
  }
  const columns = [best, fastest].map((us) => us.toFixed(1).padStart(9));
  console.log(`${name.padEnd(44)} ${columns[0]} us of processor time, ${columns[1]} us a step`);
}
