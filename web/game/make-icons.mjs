// Draws the page's PNG icons from public/icons/icon.svg, with Chromium:
//
//   node web/game/make-icons.mjs
//
// Run it after a change of the SVG and commit what it makes.
import { readFile, writeFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';

const folder = new URL('public/icons/', import.meta.url);
const svg = await readFile(new URL('icon.svg', folder), 'utf8');

/** `bleed` icons fill the square: the system cuts its own corners off. */
const icons = [
  { name: 'icon-180.png', size: 180, bleed: true },
  { name: 'icon-192.png', size: 192, bleed: false },
  { name: 'icon-512.png', size: 512, bleed: false },
  { name: 'icon-maskable-512.png', size: 512, bleed: true },
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const page = await browser.newPage();
  for (const { name, size, bleed } of icons) {
    await page.setViewportSize({ width: size, height: size });
    const drawn = bleed ? svg.replace(' rx="96"', '') : svg;
    const source = `data:image/svg+xml,${encodeURIComponent(drawn)}`;
    await page.setContent(
      `<style>body{margin:0}</style><img src="${source}" width="${size}" height="${size}">`,
    );
    await page.locator('img').evaluate((image) => image.decode());
    await writeFile(new URL(name, folder), await page.screenshot({ omitBackground: true }));
    console.log(`${name} ${size}x${size}`);
  }
} finally {
  await browser.close();
}
