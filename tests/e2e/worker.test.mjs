// The engine's worker ends under the page, and the match goes on from its last saved state.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openBrowser, until } from './browser.mjs';
import { gamePage } from './game_page.mjs';
import { PAGE } from './relay.mjs';
import { serve } from './static_server.mjs';

describe('a worker that ends', { concurrency: false }, () => {
  let server;
  let browser;

  before(async () => {
    server = await serve(() => PAGE);
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  it('is replaced, and the match goes on', async () => {
    const page = await browser.page();
    const game = gamePage(page);
    await game.open(server.url);
    await game.speedUp(2);
    await game.plays(250);
    const before = await game.tick();
    const [worker] = page.workers();
    const ended = new Promise((resolve) => worker.once('close', resolve));
    await worker.evaluate(() => self.close());
    await ended;
    const restarted = /^The engine was restarted/;
    // A worker that says nothing is given 12 s, and more by a page that is late itself.
    await until('the restart in words', async () => restarted.test(await game.status()), 120_000);
    const after = await game.tick();
    assert.ok(after > before - 150, `went back from ${before} to ${after}`);
    await game.plays(50, 'the match to go on');
    assert.deepEqual(page.seen.errors, []);
    await page.close();
  });
});
