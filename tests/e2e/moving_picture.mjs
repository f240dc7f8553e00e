#!/usr/bin/env node
/**
 * Makes the moving picture of the READMEs: a seeded match in the built page, every few ticks a
 * picture, all of them one animated WebP.
 *
 *   node tests/e2e/moving_picture.mjs docs/match.webp [--map valley] [--seed 7] [--from 150]
 *        [--frames 50] [--ticks 16] [--quality 0.4]
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { openBrowser, until } from './browser.mjs';
import { gamePage } from './game_page.mjs';
import { PAGE } from './relay.mjs';
import { serve } from './static_server.mjs';

const WIDTH = 800;
const HEIGHT = 500;
const FRAME_MS = 120;
/** The last picture stays for a moment before it begins again. */
const LAST_MS = 1500;
const BYTES_MAX = 1_500_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    map: { type: 'string', default: 'valley' },
    seed: { type: 'string', default: '7' },
    from: { type: 'string', default: '150' },
    frames: { type: 'string', default: '50' },
    ticks: { type: 'string', default: '16' },
    quality: { type: 'string', default: '0.4' },
  },
});
const [file] = positionals;
if (!file) {
  console.error('usage: moving_picture.mjs FILE.webp');
  process.exit(2);
}

/** The lossy picture ("VP8 " chunk) inside a WebP of one frame. */
function pictureOf(webp) {
  for (let at = 12; at + 8 <= webp.length;) {
    const size = webp.readUInt32LE(at + 4);
    const end = at + 8 + size + (size & 1);
    if (webp.toString('latin1', at, at + 4) === 'VP8 ') return webp.subarray(at, end);
    at = end;
  }
  throw new Error('expected a lossy WebP without transparency');
}

function chunk(name, ...parts) {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.write(name, 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length & 1)]);
}
function uint24s(...numbers) {
  const bytes = Buffer.alloc(3 * numbers.length);
  numbers.forEach((number, i) => bytes.writeUIntLE(number, 3 * i, 3));
  return bytes;
}

/** https://developers.google.com/speed/webp/docs/riff_container, "Animation" */
function animation(pictures) {
  const animated = 0x02;
  const opaque = Buffer.from([0x14, 0x0f, 0x0b, 0xff]);
  const forever = Buffer.alloc(2);
  const frames = pictures.map((picture, i) => {
    const shownMs = i === pictures.length - 1 ? LAST_MS : FRAME_MS;
    const place = uint24s(0, 0, WIDTH - 1, HEIGHT - 1, shownMs);
    return chunk('ANMF', place, Buffer.from([0]), picture);
  });
  const head = chunk('VP8X', Buffer.from([animated, 0, 0, 0]), uint24s(WIDTH - 1, HEIGHT - 1));
  return chunk('RIFF', Buffer.from('WEBP'), head, chunk('ANIM', opaque, forever), ...frames);
}

const server = await serve(() => PAGE);
const browser = await openBrowser({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 });
try {
  const page = await browser.page();
  const game = gamePage(page);
  await page.goto(
    `${server.url}#v=1.1.1&map=${values.map}&seed=${values.seed}&red=strategist&blue=strategist&work=500&t=${values.from}`,
  );
  await until('the match', async () => (await game.tick()) >= Number(values.from));
  await game.pause();
  const scaler = await browser.context.newPage();
  const pictures = [];
  for (let frame = 0; frame < Number(values.frames); frame++) {
    const tick = (await game.tick()) + Number(values.ticks);
    for (let step = 0; step < Number(values.ticks); step++) await page.keyboard.press('.');
    await until(`tick ${tick}`, async () => (await game.tick()) === tick);
    const notice = page.getByRole('button', { name: 'Dismiss' });
    if (await notice.isVisible()) await notice.click();
    const shot = (await page.screenshot()).toString('base64');
    const webp = await scaler.evaluate(
      async ([png, width, height, quality]) => {
        const image = new Image();
        image.src = `data:image/png;base64,${png}`;
        await image.decode();
        const canvas = Object.assign(document.createElement('canvas'), { width, height });
        const context = canvas.getContext('2d', { alpha: false });
        context.imageSmoothingQuality = 'high';
        context.drawImage(image, 0, 0, width, height);
        return canvas.toDataURL('image/webp', quality).split(',')[1];
      },
      [shot, WIDTH, HEIGHT, Number(values.quality)],
    );
    pictures.push(pictureOf(Buffer.from(webp, 'base64')));
  }
  const bytes = animation(pictures);
  if (bytes.length > BYTES_MAX) throw new Error(`${bytes.length} bytes, at most ${BYTES_MAX}`);
  await writeFile(file, bytes);
  console.log(`${file}: ${pictures.length} pictures, ${(bytes.length / 1024).toFixed(0)} KB`);
} finally {
  await browser.close();
  await server.close();
}
