// A match by keyboard alone, axe, reduced motion, narrow and zoomed pages.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { openBrowser, until } from './browser.mjs';
import { gamePage } from './game_page.mjs';
import { PAGE } from './relay.mjs';
import { serve } from './static_server.mjs';

const axeSource = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** 1,800 ticks and more, on a machine that may not keep 16 times the speed. */
const MATCH_PATIENCE_MS = 240_000;

describe('for everybody', { concurrency: false }, () => {
  let server;
  let axe;

  before(async () => {
    server = await serve(() => PAGE);
    axe = await readFile(axeSource, 'utf8');
  });
  after(() => server?.close());

  async function withPage(options, work) {
    const browser = await openBrowser(options);
    try {
      const page = await browser.page();
      const game = gamePage(page);
      await game.open(server.url);
      await work(page, game);
      assert.deepEqual(page.seen.errors, []);
      assert.deepEqual(page.seen.violations, []);
    } finally {
      await browser.close();
    }
  }

  /** Serious and critical findings of axe, as "rule: element". */
  async function findings(page) {
    // Through the debugger, which a content security policy does not bind.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() =>
      window.axe.run({ resultTypes: ['violations'] }),
    );
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
  }

  it('keys play, step, change the speed, seek, show layers, move the cursor, list themselves', async () => {
    await withPage({}, async (page, game) => {
      const press = (key) => page.keyboard.press(key);
      await game.pause();
      const tick = await game.tick();
      await press('.');
      await until('one tick on', async () => (await game.tick()) === tick + 1);
      await press(',');
      await until('one tick back', async () => (await game.tick()) === tick);
      await press('Home');
      await until('the start', async () => (await game.tick()) === 0);
      await press('End');
      await until('the newest tick', async () => (await game.tick()) >= tick);
      await press(']');
      await until('double speed', async () => (await game.speed()) === '2');
      await press('[');
      await press('3');
      const threat = page
        .getByRole('group', { name: 'Shown on the map' })
        .getByRole('button')
        .nth(2);
      await until(
        'the third layer',
        async () => (await threat.getAttribute('aria-pressed')) === 'true',
      );
      await press('g');
      await page.locator('canvas[role=application]').focus();
      for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown']) await press(key);
      const cell = await until('the cursor to read its cell', async () =>
        (await page.locator('#cell-text').innerText()).trim(),
      );
      assert.match(cell, /^Row \d+, column \d+, /);
      await press('Escape');
      await press('?');
      await until('the list of keys', () =>
        page.getByRole('tabpanel', { name: 'Keyboard' }).isVisible(),
      );
      await press('?');
    });
  });

  it('a match by keyboard alone, from its choice to its end and back to where it turned', async () => {
    await withPage({}, async (page, game) => {
      const press = (key) => page.keyboard.press(key);
      /** What has the focus, as it is called: a list by its label, all else by its text. */
      const focused = () =>
        page.evaluate(() => {
          const at = document.activeElement;
          return (at?.labels?.[0]?.querySelector('span') ?? at)?.textContent?.trim() ?? '';
        });
      const tabTo = async (pattern) => {
        for (let presses = 0; presses < 120; presses++) {
          if (pattern.test(await focused())) return;
          await press('Tab');
        }
        assert.fail(`Tab never came to ${pattern}, at last ${await focused()}`);
      };
      await tabTo(/^(Roster|Charts|Relay|Match)$/);
      for (let presses = 0; presses < 4 && (await focused()) !== 'Match'; presses++) {
        await press('ArrowRight');
      }
      await press('Enter');
      const start = page.getByRole('button', { name: 'Start match' });
      await until('the form', () => start.isVisible());
      // Against a player that the strategist overcomes soon.
      await tabTo(/^Blue$/);
      await press('ArrowDown');
      await press('ArrowDown');
      await tabTo(/^Start match$/);
      await press('Enter');
      await until('the new match', async () => (await game.head()) < 400 && game.isPlaying());
      for (let presses = 0; presses < 4; presses++) await press(']');
      await until('16 times the speed', async () => (await game.speed()) === '16');

      const ending = page.getByRole('region', { name: 'End of the match' });
      await until('the end of the match', () => ending.isVisible(), MATCH_PATIENCE_MS);
      assert.match(await ending.innerText(), /^Red wins/);
      const end = await game.tick();
      await tabTo(/^Watch from there$/);
      await press('Enter');
      await until('an earlier moment', async () => (await game.tick()) < end);
      await press('End');
      await until('the end again', () => ending.isVisible());
      await tabTo(/^Another seed$/);
      await press('Enter');
      await until('another match', async () => (await game.head()) < end && game.isPlaying());
    });
  });

  for (const [what, viewport] of [
    ['a desk', { width: 1440, height: 900 }],
    ['a tablet', { width: 1024, height: 768 }],
    ['a telephone', { width: 390, height: 844 }],
    ['200 % zoom', { width: 720, height: 450 }],
  ]) {
    it(`axe finds nothing serious and nothing sticks out on ${what}`, async () => {
      await withPage({ viewport }, async (page, game) => {
        await game.plays(20);
        const found = await findings(page);
        for (const name of ['Charts', 'Relay', 'Match']) {
          const tab = page.getByRole('tab', { name });
          if (!(await tab.isVisible())) continue;
          await tab.click();
          found.push(...(await findings(page)));
        }
        assert.deepEqual([...new Set(found)], []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${wide} px wider than the window`);
      });
    });
  }

  it('reduced motion moves agents by whole ticks', async () => {
    await withPage({ reducedMotion: 'reduce' }, async (page, game) => {
      await page.getByRole('combobox', { name: 'Speed' }).selectOption('0.25');
      await game.plays(3);
      // At a quarter of the speed a tick is shown for 400 ms: with interpolation most animation
      // frames differ, without it only the first of each tick.
      const changes = await page.evaluate(async () => {
        const canvas = document.querySelector('canvas[role=application]');
        const shot = document.createElement('canvas');
        [shot.width, shot.height] = [canvas.width, canvas.height];
        const context = shot.getContext('2d', { willReadFrequently: true });
        const seen = { frames: 0, changed: 0 };
        let before = '';
        const until = performance.now() + 4000;
        while (performance.now() < until) {
          await new Promise((resolve) => requestAnimationFrame(resolve));
          context.clearRect(0, 0, shot.width, shot.height);
          context.drawImage(canvas, 0, 0);
          const { data } = context.getImageData(0, 0, shot.width, shot.height);
          let sum = 0;
          for (let index = 0; index < data.length; index += 4)
            sum = (sum * 31 + data[index] + data[index + 3] * 7) >>> 0;
          const now = String(sum);
          if (before !== '') seen.frames += 1;
          if (before !== '' && now !== before) seen.changed += 1;
          before = now;
        }
        return seen;
      });
      console.log(
        `note: reduced motion: ${changes.changed} of ${changes.frames} frames changed in 4 s at quarter speed`,
      );
      // 4 s at a quarter of ten ticks a second are ten ticks.
      assert.ok(changes.changed <= 14, JSON.stringify(changes));
    });
  });
});
