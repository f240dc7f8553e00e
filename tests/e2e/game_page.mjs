/** The game page as somebody sees and uses it: by roles, names and texts. */
import { until } from './browser.mjs';

export const TICKS_A_SECOND = 10;

export function gamePage(page) {
  const slider = page.getByRole('slider', { name: 'Match time' });
  const card = (team) => page.getByRole('article', { name: `${team}'s strategy` });
  const game = {
    page,
    card,
    /** The tick that is shown. */
    tick: async () => Number(await slider.inputValue()),
    /** The newest tick. */
    head: async () => Number(await slider.getAttribute('max')),
    /** What the one status line says. */
    status: () => page.locator('.status').innerText(),
    /** Who gave a team's strategy: "built-in", "relay 3 ms", ... */
    source: (team) => card(team).locator('.badge').innerText(),
    isPlaying: () => page.getByRole('button', { name: 'Pause', exact: true }).isVisible(),
    speed: () => page.getByRole('combobox', { name: 'Speed' }).inputValue(),
    openTab: (name) => page.getByRole('tab', { name }).click(),

    /** The tick of the match that a reload would go on with; null where none is kept. */
    keptTick: () =>
      page.evaluate(async () => {
        const settled = (request) =>
          new Promise((resolve, reject) => {
            request.onsuccess = () => resolve(request.result);
            request.onerror = () => reject(request.error);
          });
        const database = await settled(indexedDB.open('redoubt'));
        try {
          const kept = database.transaction('autosave').objectStore('autosave').get('match');
          return (await settled(kept))?.tick ?? null;
        } finally {
          database.close();
        }
      }),

    /** Drops the match that another test left behind: the page would go on with it. */
    async forget(url) {
      const other = await page.context().newPage();
      await other.goto(new URL('manifest.webmanifest', url).href);
      await other.evaluate(
        () =>
          new Promise((resolve, reject) => {
            const request = indexedDB.deleteDatabase('redoubt');
            request.onsuccess = () => resolve();
            request.onerror = () => reject(request.error);
          }),
      );
      await other.close();
    },
    async open(url) {
      await page.goto(url);
      await until('the match to run', async () => (await game.tick()) > 0);
    },
    /** Until the match has played so many ticks more. */
    async plays(ticks, what = `${ticks} ticks more`) {
      const from = await game.tick();
      await until(what, async () => (await game.tick()) >= from + ticks);
    },
    async pause() {
      // A page that was just opened at a tick may be about to play.
      await until('the match to play', () => game.isPlaying());
      await page.keyboard.press('Space');
      // The engine says "paused" after the frame of that tick.
      await until('a pause', async () => !(await game.isPlaying()));
    },
    async speedUp(times) {
      for (let time = 0; time < times; time++) await page.keyboard.press(']');
    },
    async openFile(name, bytes) {
      await game.openTab('Match');
      const buffer = Buffer.from(bytes);
      await page
        .locator('input[type=file]')
        .setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
    },
    /** Drags a file of this machine over the map and lets it go there, as a hand would. */
    async dropFile(path, whileOver = () => undefined) {
      const { x, y, width, height } = await page.locator('canvas[role=application]').boundingBox();
      const browser = await page.context().newCDPSession(page);
      const drag = (type) =>
        browser.send('Input.dispatchDragEvent', {
          type,
          x: x + width / 2,
          y: y + height / 2,
          data: { items: [], files: [path], dragOperationsMask: 1 },
        });
      for (const type of ['dragEnter', 'dragOver']) await drag(type);
      await whileOver();
      await drag('drop');
      await browser.detach();
    },
    async saveReplay() {
      await game.openTab('Match');
      const download = page.waitForEvent('download');
      await page.getByRole('tabpanel').getByRole('button', { name: 'Save replay' }).click();
      const stream = await (await download).createReadStream();
      return Buffer.concat(await stream.toArray());
    },
  };
  return game;
}
