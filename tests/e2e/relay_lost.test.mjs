// The main job: strategies from the relay, the relay killed mid-match, the match going on by itself,
// the relay back.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openBrowser, until } from './browser.mjs';
import { gamePage } from './game_page.mjs';
import { startRelay } from './relay.mjs';

const LOST =
  /^Relay lost\. Built-in strategist plays both teams\. Match continues; retry in [1-5] s\.$/;
const BACK = /^Relay back after \d+ s\.$/;
/** The client's own bounds are 2 s and 5 s, shown with a fake clock; here the machine may be busy. */
const LOSS_SEEN_MS_MAX = 20_000;
const RETURN_SEEN_MS_MAX = 30_000;

describe('a match whose relay dies', { concurrency: false }, () => {
  let relay;
  let browser;
  let page;
  let game;

  before(async () => {
    relay = await startRelay();
    browser = await openBrowser();
    page = await browser.page();
    game = gamePage(page);
    await game.open(relay.url);
  });
  after(async () => {
    await browser?.close();
    await relay?.kill();
  });

  const bothFrom = async (pattern) => {
    const sources = [await game.source('Red'), await game.source('Blue')];
    return sources.every((source) => pattern.test(source));
  };

  it('takes strategies for both teams from the relay', async () => {
    await until('two strategies from the relay', () => bothFrom(/^relay \d/));
    await game.openTab('Relay');
    const panel = page.getByRole('tabpanel');
    await until('the relay tab', async () => /Connected/.test(await panel.innerText()));
    assert.deepEqual(page.seen.networkLines, []);
  });

  it('goes on without a pause when the relay is killed, and says so', async () => {
    const killedAt = performance.now();
    const tick = await game.tick();
    await relay.kill();
    await until('the loss in words', async () => LOST.test(await game.status()), LOSS_SEEN_MS_MAX);
    await until('built-in strategists', () => bothFrom(/^built-in$/), LOSS_SEEN_MS_MAX);
    console.log(`note: relay lost: seen after ${Math.round(performance.now() - killedAt)} ms`);
    assert.ok((await game.tick()) > tick);
    assert.equal(await game.isPlaying(), true);
  });

  it('never stops while the relay is away', async () => {
    for (let second = 0; second < 8; second++) await game.plays(5, 'the match to go on');
    assert.match(await game.status(), LOST);
    assert.equal(await game.isPlaying(), true);
  });

  it('notices the return and takes strategies from the relay again', async () => {
    await game.speedUp(3);
    const startedAt = performance.now();
    await relay.start();
    await until(
      'the return in words',
      async () => BACK.test(await game.status()),
      RETURN_SEEN_MS_MAX,
    );
    console.log(`note: relay back: seen after ${Math.round(performance.now() - startedAt)} ms`);
    await until('two strategies from the relay', () => bothFrom(/^relay \d/));
  });

  it("left nothing in the console but the browser's own lines about refused connections", () => {
    assert.deepEqual(page.seen.errors, []);
    assert.deepEqual(page.seen.violations, []);
    const lines = page.seen.networkLines;
    console.log(
      `note: relay lost: ${lines.length} lines that Chromium writes for refused connections`,
    );
    // The network's own words for "nobody there", nothing that the relay answered.
    for (const line of lines) assert.match(line, /net::ERR_|^WebSocket connection/);
  });
});
