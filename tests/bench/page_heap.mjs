#!/usr/bin/env node
/**
 * Whether the page's heap stays flat: matches at 16 times the speed, one after the other, and what is
 * left after each collection. A table and the growth a minute; nothing is asserted.
 *
 *   node tests/bench/page_heap.mjs [--minutes 10] [--every 30] [--speed 16]
 *
 * Ten minutes at 16 times the speed are 160 minutes of play. Needs tools/build page.
 */
import { parseArgs } from 'node:util';
import { openBrowser, until } from '../e2e/browser.mjs';
import { gamePage } from '../e2e/game_page.mjs';
import { PAGE } from '../e2e/relay.mjs';
import { serve } from '../e2e/static_server.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    every: { type: 'string', default: '30' },
    speed: { type: 'string', default: '16' },
  },
});
const MB = 1024 * 1024;

/** Growth a minute by least squares over [minute, value]. */
function slope(points) {
  const mean = (pick) => points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const [x, y] = [mean(([at]) => at), mean(([, value]) => value)];
  const over = points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0);
  return over / points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
}

const server = await serve(() => PAGE);
const browser = await openBrowser();
try {
  const page = await browser.page();
  const game = gamePage(page);
  await game.open(server.url);
  await page.getByRole('combobox', { name: 'Speed' }).selectOption(values.speed);
  const debug = await page.context().newCDPSession(page);
  await debug.send('HeapProfiler.enable');
  const begun = performance.now();
  const minutes = () => (performance.now() - begun) / 60_000;
  const samples = [];
  let matches = 0;
  console.log('minute  match    tick  heap MB  nodes  listeners  worker heap MB');
  for (let next = 0; next <= Number(values.minutes);) {
    const again = page.getByRole('button', { name: 'Another seed' });
    if (await again.isVisible()) {
      const end = await game.head();
      await again.click();
      await until('another match', async () => (await game.head()) < end);
      matches++;
    }
    const left_ms = (next - minutes()) * 60_000;
    if (left_ms > 0) {
      // Until the match is over, or the next sample is due.
      await again.waitFor({ timeout: Math.max(1, left_ms) }).catch(() => {});
      continue;
    }
    await debug.send('HeapProfiler.collectGarbage');
    const { usedSize } = await debug.send('Runtime.getHeapUsage');
    const { nodes, jsEventListeners } = await debug.send('Memory.getDOMCounters');
    const inWorker = await page
      .workers()[0]
      ?.evaluate(() => performance.memory?.usedJSHeapSize ?? 0);
    samples.push([minutes(), usedSize / MB]);
    console.log(
      [
        minutes().toFixed(1).padStart(6),
        String(matches).padStart(6),
        String(await game.tick()).padStart(7),
        (usedSize / MB).toFixed(2).padStart(8),
        String(nodes).padStart(6),
        String(jsEventListeners).padStart(10),
        ((inWorker ?? 0) / MB).toFixed(2).padStart(15),
      ].join(' '),
    );
    next += Number(values.every) / 60;
  }
  // The first matches fill what is bounded.
  const settled = samples.filter(([at]) => at >= Number(values.minutes) / 4);
  if (settled.length > 1) {
    console.log(
      `growth after the first quarter: ${(slope(settled) * 1024).toFixed(1)} KB a minute`,
    );
  }
  if (page.seen.errors.length > 0) console.log(page.seen.errors.join('\n'));
} finally {
  await browser.close();
  await server.close();
}
