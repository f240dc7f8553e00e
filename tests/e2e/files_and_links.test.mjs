// Maps and replays in and out, and links: what is broken is named and the match that runs is kept.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { openBrowser, until } from './browser.mjs';
import { gamePage } from './game_page.mjs';
import { PAGE } from './relay.mjs';
import { serve } from './static_server.mjs';

const run = promisify(execFile);
const COMMAND =
  process.env.E2E_COMMAND ??
  join(import.meta.dirname, '../../build/native-release/tools/cli/redoubt');
const LINK = '#v=1.';

/** Plays a replay back in the native program, every hash checked, and tells what it found. */
async function verified(replay) {
  const folder = await mkdtemp(join(tmpdir(), 'redoubt-replay-'));
  try {
    await writeFile(join(folder, 'page.replay'), replay);
    const { stdout } = await run(COMMAND, ['replay', '--json', join(folder, 'page.replay')]);
    return JSON.parse(stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('files and links', { concurrency: false }, () => {
  let server;
  let browser;

  // Without a relay: only then is a match the built-in players' alone, and a link exact.
  before(async () => {
    server = await serve(() => PAGE);
    browser = await openBrowser({ permissions: ['clipboard-read', 'clipboard-write'] });
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  async function opened(hash = '') {
    const page = await browser.page();
    const game = gamePage(page);
    // A link says which match; without one the page goes on with what another test left.
    if (hash === '') await game.forget(server.url);
    await game.open(server.url + hash);
    return { page, game };
  }
  async function closed({ page }) {
    assert.deepEqual(page.seen.errors, []);
    assert.deepEqual(page.seen.violations, []);
    await page.close();
  }
  const says = (game, pattern) =>
    until(String(pattern), async () => pattern.test(await game.status()));

  it('names what is wrong with a map and keeps the present one', async () => {
    const { page, game } = await opened();
    const subject = await page.locator('.subject').innerText();
    for (const [name, content, said] of [
      ['torn.json', '{"format":"redoubt-map","version":1,', /^torn\.json: .+ Current map kept\.$/],
      ['text.map', 'not a map at all', /^text\.map: .+ Current map kept\.$/],
      [
        'walls.json',
        JSON.stringify({
          format: 'redoubt-map',
          version: 1,
          name: 'walls',
          rows: [
            '....#....',
            '....#....',
            '....#....',
            '....#....',
            '....#....',
            '....#....',
            '....#....',
            '....#....',
          ],
          bases: [
            [0, 0],
            [8, 7],
          ],
          sites: [],
        }),
        /^walls\.json: .*(row|base).* Current map kept\.$/,
      ],
    ]) {
      await game.openFile(name, content);
      await says(game, said);
      console.log(`note: ${await game.status()}`);
      assert.equal(await page.locator('.subject').innerText(), subject);
      await game.plays(3, 'the match to go on');
    }
    await closed({ page });
  });

  it('plays a map from a file', async () => {
    const { page, game } = await opened();
    const valley = await readFile(join(PAGE, 'maps/valley.json'));
    await game.openFile('valley.json', valley);
    await says(game, /valley/i);
    await game.plays(10);
    await closed({ page });
  });

  it('saves a replay that plays back, here and in the native program', async () => {
    const { page, game } = await opened();
    await game.speedUp(4);
    await game.plays(200);
    const replay = await game.saveReplay();
    assert.ok(replay.length > 100);
    const torn = Buffer.from(replay);
    torn[torn.length >> 1] ^= 0x5a;
    for (const [name, bytes] of [
      ['short.replay', replay.subarray(0, replay.length >> 1)],
      ['torn.replay', torn],
      ['noise.replay', Buffer.from(Array.from({ length: 500 }, (_, index) => (index * 73) % 256))],
    ]) {
      await game.openFile(name, bytes);
      await says(
        game,
        /^(\S+\.replay: .+ Current match kept\.|Replay differs at tick [\d,]+ \(recorded [0-9a-f]{4}, computed [0-9a-f]{4}\)\. Shown to [\d,]+\.)$/,
      );
      console.log(`note: ${await game.status()}`);
    }
    // At its own pace: it must not be over before it is looked at.
    await page.getByRole('combobox', { name: 'Speed' }).selectOption('1');
    await game.openFile('good.replay', replay);
    await until('the replay', async () =>
      /Replay/.test(await page.locator('.subject').innerText()),
    );
    await game.plays(50, 'the replay to play');
    await closed({ page });
    await verified(replay);
  });

  it('takes a map and a replay that are dropped on the page, and says what is wrong with them', async () => {
    const { page, game } = await opened();
    const folder = await mkdtemp(join(tmpdir(), 'redoubt-drop-'));
    try {
      const board = page.locator('.board');
      await game.dropFile(join(PAGE, 'maps/narrows.json'), () =>
        until(
          'the sign to let it go',
          async () => (await board.getAttribute('data-dropping')) === 'true',
        ),
      );
      await says(game, /^narrows opened\.$/);
      assert.equal(await board.getAttribute('data-dropping'), 'false');
      assert.match(await page.locator('.subject').innerText(), /narrows/i);
      await game.plays(20);

      await writeFile(join(folder, 'torn.json'), '{"format":"redoubt-map",');
      await game.dropFile(join(folder, 'torn.json'));
      await says(game, /^torn\.json: .+ Current map kept\.$/);
      await game.plays(3, 'the match to go on');

      await writeFile(join(folder, 'match.replay'), await game.saveReplay());
      await game.dropFile(join(folder, 'match.replay'));
      await until('the replay', async () =>
        /Replay/.test(await page.locator('.subject').innerText()),
      );
      await game.plays(10, 'the replay to play');
    } finally {
      await rm(folder, { recursive: true });
    }
    await closed({ page });
  });

  it('shares a link that gives the same match, to the same hash at that tick', async () => {
    const first = await opened();
    // Not at full speed: a plan that a busy machine thinks too late makes the match no link's.
    await first.game.speedUp(2);
    await first.game.plays(150);
    await first.game.pause();
    await first.page.keyboard.press('s');
    const link = await until('a link', async () => {
      const text = await first.page.evaluate(() => navigator.clipboard.readText());
      return text.includes(LINK) ? text : null;
    });
    console.log(`note: link ${link.slice(link.indexOf('#'))}`);
    const tick = Number(new URLSearchParams(link.split('#')[1]).get('t'));
    assert.equal(tick, await first.game.tick());

    // The link's page starts at that tick and plays on; the first one follows it tick by tick.
    const second = await opened(link.slice(link.indexOf('#')));
    await second.game.pause();
    const reached = await second.game.tick();
    assert.ok(reached >= tick, `${reached} after ${tick}`);
    await first.page.bringToFront();
    for (let at = tick; at < reached; at++) {
      await first.page.keyboard.press('.');
      await until('one tick on', async () => (await first.game.tick()) === at + 1);
    }
    const [one, other] = [
      await verified(await first.game.saveReplay()),
      await verified(await second.game.saveReplay()),
    ];
    assert.equal(one.tick, reached);
    assert.deepEqual(other, one);
    console.log(
      `note: link: the same ${one.orders} orders and hash ${one.computed} at tick ${one.tick}`,
    );
    await closed(first);
    await closed(second);
  });

  it('says what is wrong with a link and shows a match all the same', async () => {
    const { page, game } = await opened(
      '#v=1.1.1&map=gen:40x28&seed=seven&red=rush&blue=rush&work=1&t=0',
    );
    await says(game, /^The link's seed is "seven"; expected .+ A new match is shown\.$/);
    await closed({ page });
  });
});
