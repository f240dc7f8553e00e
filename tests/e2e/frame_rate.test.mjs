// What a frame costs, printed: the frame rate is the machine's, so nothing is asserted of it.
//   MEASURE_SECONDS=60 node --test tests/e2e/frame_rate.test.mjs
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openBrowser } from './browser.mjs';
import { gamePage } from './game_page.mjs';
import { PAGE } from './relay.mjs';
import { serve } from './static_server.mjs';

const SECONDS = Number(process.env.MEASURE_SECONDS ?? 10);

describe('a frame', { concurrency: false }, () => {
  it(
    `is measured over ${SECONDS} s, without a graphics card`,
    { timeout: (SECONDS + 300) * 1000 },
    async () => {
      const server = await serve(() => PAGE);
      const browser = await openBrowser();
      try {
        const page = await browser.page();
        const game = gamePage(page);
        await game.open(`${server.url}?measure`);
        await game.plays(100);
        await page.evaluate(() => window.redoubtMeasure.reset());
        // The measurement's own length, not a wait for something to happen.
        await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
        const report = await page.evaluate(() => window.redoubtMeasure.report());
        const ms = ({ p50, p95, p99, max }) =>
          [p50, p95, p99, max].map((value) => value.toFixed(2)).join(' / ');
        console.log(
          `note: frame: ${report.framesPerSecond.toFixed(1)} fps over ${report.seconds.toFixed(0)} s`,
        );
        console.log(
          `note: frame: script ms p50 / p95 / p99 / max ${ms(report.script)}; interval ${ms(report.interval)}; ${report.longTasks} tasks over 50 ms`,
        );
        assert.ok(report.frames > 0);
        assert.deepEqual(page.seen.errors, []);
      } finally {
        await browser.close();
        await server.close();
      }
    },
  );
});
