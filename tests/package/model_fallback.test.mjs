// The example model-fallback, built with Vite from the packed tarballs in a fresh folder: its badge
// says who answers while the relay is killed and started again.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { build } from 'vite';
import { openBrowser, until } from '../e2e/browser.mjs';
import { startRelay } from '../e2e/relay.mjs';
import { serve } from '../e2e/static_server.mjs';
import { installExample } from './example.mjs';

describe('the example model-fallback', { concurrency: false }, () => {
  let folder;
  let relay;
  let server;
  let browser;

  before(async () => {
    folder = await installExample('model-fallback');
    await build({ root: folder, logLevel: 'error' });
    relay = await startRelay();
    server = await serve(() => join(folder, 'dist'));
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
    await relay?.kill();
    await rm(folder, { recursive: true, force: true });
  });

  it('says who answers, with the relay, without it, and with it again', async () => {
    const page = await browser.page();
    await page.goto(`${server.url}?relay=${encodeURIComponent(relay.url)}`);
    const badge = page.locator('#badge');
    const from = (source) =>
      until(
        `an answer from the ${source}`,
        async () => (await badge.getAttribute('data-source')) === source,
      );
    await from('relay');
    await relay.kill();
    await from('engine');
    assert.match(await page.locator('#relay').innerText(), /^Relay lost\. /);
    assert.match(
      await page.locator('#strategy').innerText(),
      /^(balanced|aggressive|economic|defensive): /,
    );
    await relay.start();
    await from('relay');
    assert.deepEqual(page.seen.errors, []);
    assert.deepEqual(page.seen.violations, []);
  });
});
