// The page at three sizes, with two and four teams, with the relay there, lost, and no network at
// all: nothing covers the cells, nothing sticks out, the words are right. Leaves a picture of each in
// test-results/states.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openBrowser, until } from './browser.mjs';
import { gamePage } from './game_page.mjs';
import { startRelay } from './relay.mjs';

const pictures = join(import.meta.dirname, '../../test-results/states');
const SIZES = [
  { name: '1440', width: 1440, height: 900 },
  { name: '1024', width: 1024, height: 768 },
  { name: '390', width: 390, height: 844, hasTouch: true, isMobile: true },
];

/** Points of the board's drawn part that something else lies on. */
function coveredPoints() {
  const canvas = document.querySelector('canvas[role=application]');
  const box = canvas.getBoundingClientRect();
  const covered = [];
  for (let row = 1; row < 20; row++) {
    for (let column = 1; column < 20; column++) {
      const [x, y] = [box.left + (box.width * column) / 20, box.top + (box.height * row) / 20];
      const top = document.elementFromPoint(x, y);
      if (top !== canvas)
        covered.push(`${Math.round(x)},${Math.round(y)} ${top?.className ?? 'outside'}`);
    }
  }
  return covered;
}

async function startFourTeams(page, game) {
  await game.openTab('Match');
  const map = page.getByRole('combobox', { name: 'Map' });
  await map.waitFor();
  const labels = await map.locator('option').allInnerTexts();
  await map.selectOption({ label: labels.find((label) => /4 teams/.test(label)) });
  await page.getByRole('button', { name: 'Start match' }).click();
  await until('four cards', async () => (await page.locator('article.card').count()) === 4);
  await game.openTab('Roster');
}

describe('the states of the page', { concurrency: false }, () => {
  let relay;
  before(async () => {
    await mkdir(pictures, { recursive: true });
    relay = await startRelay();
  });
  after(() => relay?.kill());

  for (const { name, ...size } of SIZES) {
    for (const teams of [2, 4]) {
      it(`${teams} teams at ${size.width}x${size.height}: relay there, lost, no network`, async () => {
        const { width, height, ...rest } = size;
        const browser = await openBrowser({ viewport: { width, height }, ...rest });
        try {
          const page = await browser.page();
          const game = gamePage(page);
          await game.open(relay.url);
          if (width < 700) await page.getByRole('button', { name: /Open the panels/ }).click();
          if (teams === 4) await startFourTeams(page, game);
          if (width < 700) await page.getByRole('button', { name: /Close the panels/ }).click();
          await game.plays(80);
          const look = async (state) => {
            const words = page.locator('.status');
            assert.ok(
              await words.evaluate((at) => at.getBoundingClientRect().top < innerHeight - 8),
            );
            assert.ok(await words.evaluate((at) => at.offsetParent.scrollTop === 0), state);
            await page.screenshot({ path: join(pictures, `${name}-${teams}-${state}.png`) });
            assert.deepEqual(await page.evaluate(coveredPoints), [], state);
            const wide = await page.evaluate(
              () => document.documentElement.scrollWidth - innerWidth,
            );
            assert.ok(wide <= 0, `${state}: ${wide} px wider than the window`);
          };
          const says = (pattern) =>
            until(String(pattern), async () =>
              pattern.test(await page.locator('.status').textContent()),
            );
          await page.locator('.chip.relay-online').waitFor();
          await look('relay');
          await relay.kill();
          const all = teams === 2 ? 'both teams' : 'all four teams';
          await says(new RegExp(`^Relay lost\\. Built-in strategist plays ${all}\\.`));
          await look('lost');
          await browser.context.setOffline(true);
          await says(/^Offline\. Everything works except models\.$/);
          await look('offline');
          assert.deepEqual(page.seen.errors, []);
          assert.deepEqual(page.seen.violations, []);
        } finally {
          await browser.close();
          await relay.kill();
          await relay.start();
        }
      });
    }
  }
});
