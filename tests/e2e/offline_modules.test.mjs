// The offline modules in a real browser: a set of files kept as one, a new set that waits, lazy files
// of the old set after a redeploy, and the autosave in IndexedDB.
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { build } from 'vite';
import { openBrowser, until } from './browser.mjs';
import { serve } from './static_server.mjs';

const fixture = join(import.meta.dirname, 'offline_fixture');

async function buildFixture(version, into) {
  process.env.FIXTURE_VERSION = version;
  process.env.FIXTURE_OUT = into;
  await build({ configFile: join(fixture, 'vite.config.ts') });
}

describe('the offline modules in Chromium', { concurrency: false }, () => {
  let folder;
  let deployed;
  let server;
  let browser;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'redoubt-offline-'));
    await buildFixture('one', join(folder, 'one'));
    await buildFixture('two', join(folder, 'two'));
    await buildFixture('three', join(folder, 'three'));
    deployed = 'one';
    server = await serve(() => join(folder, deployed));
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const version = (page) => page.evaluate(() => window.page?.version);
  const state = (page) => page.evaluate(() => window.page?.offline.state);
  /**
   * Asks until the new set waits. Once is not enough: the browser asks by itself after a page was
   * opened, and a question on the way, perhaps from before the deployment, answers this one too.
   */
  const findsUpdate = (page) =>
    until('the new set to wait', async () => {
      await page.evaluate(() => window.page.offline.check());
      return (await state(page)) === 'update_waiting';
    });

  it('keeps a match across a reload, and only for the version that saved it', async () => {
    const page = await browser.page();
    await page.goto(server.url);
    await until('the page', () => version(page));
    const size = 1_000_000;
    await page.evaluate(async (bytes) => {
      const { autosave } = window.page;
      for (let tick = 1; tick <= 20; tick++) {
        autosave.save({ state: new Uint8Array(bytes).fill(tick), tick, title: `tick ${tick}` });
      }
      await autosave.flush();
    }, size);
    await page.reload();
    await until('the page again', () => version(page));
    const kept = await page.evaluate(async () => {
      const match = await window.page.autosave.load();
      const { autosave } = window.page;
      return {
        tick: match.tick,
        bytes: match.state.length,
        last: match.state.at(-1),
        error: autosave.lastError,
      };
    });
    assert.deepEqual(kept, { tick: 20, bytes: size, last: 20, error: null });
    const strange = await page.evaluate(async () => [
      await window.page.strange.load(),
      window.page.strange.lastError,
      await window.page.autosave.load(),
    ]);
    assert.equal(strange[0], null);
    assert.match(strange[1], /saved by version rules\.1/);
    assert.equal(strange[2], null);
    await page.close();
  });

  it('loads without a server, once it was there', async () => {
    const page = await browser.page();
    await page.goto(server.url);
    await until('a kept set', async () => (await state(page)) === 'ready');
    const { port } = server;
    await server.close();
    await page.reload();
    assert.equal(await until('the page without a server', () => version(page)), 'one');
    assert.equal(await page.evaluate(() => window.page.lazy()), 'lazy one');
    assert.deepEqual(page.seen.errors, []);
    assert.deepEqual(page.seen.violations, []);
    server = await serve(() => join(folder, deployed), port);
    await page.close();
  });

  it('lets a new build wait, through reloads too, and switches when told', async () => {
    const page = await browser.page();
    await page.goto(server.url);
    await until('a kept set', async () => (await state(page)) === 'ready');
    deployed = 'two';
    await findsUpdate(page);
    assert.equal(await page.evaluate(() => window.page.lazy()), 'lazy one', 'the old lazy file');
    await page.reload();
    assert.equal(await until('the page', () => version(page)), 'one');
    await until('the new set still to wait', async () => (await state(page)) === 'update_waiting');
    await page.evaluate(() => window.page.offline.applyUpdate());
    await until('the new page', async () => (await version(page)) === 'two');
    assert.equal(await until('ready', async () => (await state(page)) === 'ready'), true);
    assert.deepEqual(page.seen.errors, []);
    await page.close();
  });

  it('finds the lazy files of the set before in a page that was not reloaded', async () => {
    const [old, other] = [await browser.page(), await browser.page()];
    deployed = 'one';
    for (const page of [old, other]) await page.goto(server.url);
    await until('the present page', async () => (await version(old)) === 'two');
    await until('control', () => old.evaluate(() => navigator.serviceWorker.controller !== null));
    // The other tab switches to the new build; this one keeps running on files no server has now.
    await findsUpdate(other);
    await other.evaluate(() => window.page.offline.applyUpdate());
    await until('the other page to switch', async () => (await version(other)) === 'one');
    assert.equal(await version(old), 'two');
    assert.equal(await old.evaluate(() => window.page.lazy()), 'lazy two');
    await old.close();
    await other.close();
  });

  for (const [what, torn] of [
    ['a new set', 'three'],
    ['the set before, rolled back to', 'two'],
  ]) {
    it(`keeps no half set: a file that does not fit its list ends the attempt (${what})`, async () => {
      const page = await browser.page();
      deployed = 'one';
      await page.goto(server.url);
      await until('a kept set', async () => (await state(page)) === 'ready');
      const before = await page.evaluate(() => caches.keys());
      assert.equal(before.length, 2, 'the present set and the one before');
      await cp(join(folder, torn), join(folder, `torn ${torn}`), { recursive: true });
      await writeFile(join(folder, `torn ${torn}`, 'icon.svg'), '<svg/>');
      deployed = `torn ${torn}`;
      // Listens before it asks: an attempt may end at once.
      const ended = await page.evaluate(async () => {
        const registration = await navigator.serviceWorker.getRegistration();
        let isFound = false;
        const end = new Promise((resolve) =>
          registration.addEventListener('updatefound', () => {
            isFound = true;
            const worker = registration.installing;
            worker.addEventListener('statechange', () => resolve(worker.state));
          }),
        );
        while (!isFound) await window.page.offline.check();
        return end;
      });
      assert.equal(ended, 'redundant');
      assert.equal(await state(page), 'ready');
      assert.deepEqual(await page.evaluate(() => caches.keys()), before);
      await page.close();
    });
  }
});
