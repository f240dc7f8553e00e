#!/usr/bin/env node
/**
 * After the build: a .br and a .gz beside every file worth it, for servers that hand them out as
 * they are, and a table of what a first visit transfers against the budget.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const DIST = join(import.meta.dirname, '..', 'dist');
const WORTH_IT = /\.(js|css|html|wasm|svg|json|webmanifest)$/;
const BYTES_MIN = 512;
const KB = 1000;

/**
 * What a first visit needs, by kind, with the budget in KB gz; the rest is loaded when asked for,
 * workflows with the tab Runs.
 */
const FIRST_TRANSFER = 220;
const BUDGETS = { engine: 110, app: 45, font: 48, styles: 6, lazy: 40 };
const KINDS = [...Object.keys(BUDGETS), 'workflows'];

function kindOf(path) {
  if (/\.(br|gz|map)$/.test(path)) return null;
  if (/^assets\/(workflow|model|runs_panel|own_model|chat|answers)/.test(path)) return 'workflows';
  if (/engine|worker|\.wasm$/.test(path) && path.startsWith('assets/')) return 'engine';
  if (/^assets\/(plot|more|measure_report)/.test(path)) return 'lazy';
  if (/\.woff2$/.test(path)) return 'font';
  if (/\.css$/.test(path)) return 'styles';
  if (/^(assets\/.*\.js|index\.html)$/.test(path)) return 'app';
  return null;
}

const sums = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
for (const entry of readdirSync(DIST, { recursive: true })) {
  const file = join(DIST, entry);
  const path = relative(DIST, file).replaceAll('\\', '/');
  if (!statSync(file).isFile() || /\.(br|gz)$/.test(path)) continue;
  const content = readFileSync(file);
  const gz = WORTH_IT.test(path) ? gzipSync(content, { level: 9 }) : content;
  const kind = kindOf(path);
  if (kind) sums[kind] += gz.length;
  if (!WORTH_IT.test(path) || content.length < BYTES_MIN) continue;
  writeFileSync(`${file}.gz`, gz);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  writeFileSync(`${file}.br`, brotliCompressSync(content, { params }));
}

const line = (what, bytes, budget) => {
  const kb = bytes / KB;
  const mark = Math.round(kb) > budget ? '  over budget' : '';
  const of = budget === undefined ? '' : ` of ${budget}${mark}`;
  console.log(`size: page ${what.padEnd(14)} ${kb.toFixed(1).padStart(6)} KB gz${of}`);
};
for (const [kind, bytes] of Object.entries(sums)) line(kind, bytes, BUDGETS[kind]);
line('first transfer', sums.engine + sums.app + sums.font + sums.styles, FIRST_TRANSFER);
