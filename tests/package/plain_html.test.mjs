// The example plain-html from the packed tarball: no bundler, any static server, a strict policy.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { openBrowser, until } from '../e2e/browser.mjs';
import { serve } from '../e2e/static_server.mjs';
import { installExample } from './example.mjs';

describe('the example plain-html', { concurrency: false }, () => {
  let folder;
  let server;
  let browser;

  before(async () => {
    folder = await installExample('plain-html');
    server = await serve(() => folder);
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('plays a match on a canvas, pauses and goes on', async () => {
    const page = await browser.page();
    await page.goto(server.url);
    const score = page.locator('#score');
    const seconds = async () => Number.parseInt(await score.innerText(), 10);
    await until('the match to play', async () => (await seconds()) >= 5);
    assert.match(await score.innerText(), /^\d+ s: Red \d+, Blue \d+\./);
    const colours = await page.evaluate(() => {
      const { width, height } = document.getElementById('board');
      const context = document.getElementById('board').getContext('2d');
      return new Set(new Uint32Array(context.getImageData(0, 0, width, height).data.buffer)).size;
    });
    assert.ok(colours > 20, `${colours} colours`);
    await page.getByRole('button', { name: 'Pause' }).click();
    const play = page.getByRole('button', { name: 'Play' });
    await play.waitFor();
    const paused = await seconds();
    await play.click();
    await until('the match to go on', async () => (await seconds()) > paused);
    assert.deepEqual(page.seen.errors, []);
    assert.deepEqual(page.seen.violations, []);
    await page.close();
  });
});
