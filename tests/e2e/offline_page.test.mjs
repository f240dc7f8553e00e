// The page without a network: loaded from what the service worker kept, going on where the match was.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openBrowser, until } from './browser.mjs';
import { gamePage } from './game_page.mjs';
import { PAGE, startRelay } from './relay.mjs';

describe('the page offline', { concurrency: false }, () => {
  let folder;
  let relay;
  let browser;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'redoubt-page-'));
    await cp(PAGE, join(folder, 'www'), { recursive: true });
    relay = await startRelay({ www: join(folder, 'www') });
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await relay?.kill();
    await rm(folder, { recursive: true, force: true });
  });

  const kept = (page) =>
    until('the page to be kept', () =>
      page.evaluate(
        async () =>
          (await navigator.serviceWorker?.getRegistration())?.active?.state === 'activated',
      ),
    );

  it('can be installed: a manifest with icons that are there', async () => {
    const page = await browser.page();
    await page.goto(relay.url);
    const href = await page.locator('link[rel=manifest]').getAttribute('href');
    const manifest = await (await page.request.get(new URL(href, relay.url).href)).json();
    assert.equal(manifest.display, 'standalone');
    for (const { src } of manifest.icons) {
      const icon = await page.request.get(new URL(src, new URL(href, relay.url)).href);
      assert.equal(icon.status(), 200, src);
    }
    await page.close();
  });

  it('plays after a reload with the relay gone', async () => {
    const page = await browser.page();
    const game = gamePage(page);
    await game.forget(relay.url);
    await game.open(relay.url);
    await kept(page);
    await relay.kill();
    await page.reload();
    await until('the match to run', async () => (await game.tick()) > 0);
    await game.plays(20, 'the match to go on offline');
    assert.equal(await game.source('Red'), 'built-in');
    assert.deepEqual(page.seen.errors, []);
    assert.deepEqual(page.seen.violations, []);
    await page.close();
    await relay.start();
  });

  it('says "offline" when there is no network at all', async () => {
    const page = await browser.page();
    const game = gamePage(page);
    await game.forget(relay.url);
    await game.open(relay.url);
    await browser.context.setOffline(true);
    await until(
      'the words',
      async () => (await game.status()) === 'Offline. Everything works except models.',
    );
    await game.plays(20, 'the match to go on');
    await browser.context.setOffline(false);
    await until('the return', async () =>
      /^Relay (back after|connected)/.test(await game.status()),
    );
    assert.deepEqual(page.seen.errors, []);
    await page.close();
  });

  it('goes on where the match was after a reload', async () => {
    const page = await browser.page();
    const game = gamePage(page);
    await game.forget(relay.url);
    await game.open(relay.url);
    await game.speedUp(4);
    await game.plays(400);
    await game.pause();
    const seed = await page.locator('.subject').innerText();
    const before = await game.tick();
    await until('the paused match to be kept', async () => (await game.keptTick()) === before);
    await page.reload();
    const after = await until('the match again', () => game.tick());
    assert.ok(after >= before, `went on at ${after}, was at ${before}`);
    assert.equal(await page.locator('.subject').innerText(), seed);
    await page.close();
  });

  it('keeps a fast match as it goes: a crash loses little of it', async () => {
    const page = await browser.page();
    const game = gamePage(page);
    await game.forget(relay.url);
    await game.open(relay.url);
    await game.speedUp(4);
    const from = await game.tick();
    for (const ticks of [200, 400, 600]) {
      await until(`${ticks} ticks kept`, async () => (await game.keptTick()) >= from + ticks);
      const kept = await game.keptTick();
      const behind = (await game.tick()) - kept;
      console.log(`note: autosave: ${behind} ticks behind at 16 times the speed`);
    }
    await page.close();
  });

  it('lets a new deployment wait while a match runs', async () => {
    const page = await browser.page();
    const game = gamePage(page);
    await game.forget(relay.url);
    await game.open(relay.url);
    await kept(page);
    const file = join(folder, 'www/service-worker.js');
    const built = await readFile(file, 'utf8');
    const version = /redoubt-set-/.test(built) && /version:[`"']([0-9a-f]{16})/.exec(built)?.[1];
    assert.ok(version, 'the built worker names its set');
    await writeFile(file, built.replaceAll(version, 'f'.repeat(16)));
    // The compressed forms of the old file are what a relay would go on serving.
    await Promise.all(['.br', '.gz'].map((form) => rm(file + form, { force: true })));
    // A relay reads the page's files when it starts.
    await relay.kill();
    await relay.start();
    // Asks again: a question of the browser's own, from before the deployment, answers this one too.
    await until('the new set to wait', () =>
      page.evaluate(async () => {
        const registration = await navigator.serviceWorker.getRegistration();
        await registration.update();
        return registration.waiting !== null;
      }),
    );
    await game.plays(30, 'the match to go on');
    assert.equal(
      await page.evaluate(
        async () => (await navigator.serviceWorker.getRegistration()).waiting !== null,
      ),
      true,
    );
    await page.close();
  });
});
