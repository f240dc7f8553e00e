#!/usr/bin/env node
/**
 * Pictures of the page to be looked at, at the three sizes.
 *
 *   node tests/e2e/screenshots.mjs ADDRESS FOLDER [--wait MS] [--query STRING] [--hash STRING]
 *        [--keys "3 g"] [--click SELECTOR] [--only 1440x900] [--name PREFIX]
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const SIZES = ['1440x900', '1024x768', '390x844'];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    wait: { type: 'string', default: '7000' },
    query: { type: 'string', default: '' },
    hash: { type: 'string', default: '' },
    keys: { type: 'string', default: '' },
    click: { type: 'string', multiple: true, default: [] },
    only: { type: 'string' },
    name: { type: 'string', default: 'page' },
  },
});
const [address, folder] = positionals;
if (!address || !folder) {
  console.error('usage: screenshots.mjs ADDRESS FOLDER');
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
});
let faults = 0;
for (const size of values.only ? [values.only] : SIZES) {
  const [width, height] = size.split('x').map(Number);
  const phone = width < 700;
  const page = await browser.newPage({
    viewport: { width, height },
    deviceScaleFactor: phone ? 2 : 1,
    hasTouch: phone,
  });
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return;
    faults++;
    console.log(`${size} ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => {
    faults++;
    console.log(`${size} ${error.stack}`);
  });
  await page.goto(`${address}${values.query}${values.hash}`);
  await page.waitForTimeout(Number(values.wait));
  for (const key of values.keys.split(' ').filter(Boolean)) await page.keyboard.press(key);
  for (const selector of values.click) await page.click(selector);
  if (values.keys || values.click.length) await page.waitForTimeout(1500);
  const file = join(folder, `${values.name}-${size}.png`);
  await page.screenshot({ path: file });
  console.log(file);
  await page.close();
}
await browser.close();
process.exit(faults ? 1 : 0);
