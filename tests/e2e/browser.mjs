/**
 * Chromium for the tests: a fresh profile each, everything that goes wrong in it written down, and
 * waiting by condition only.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

/** How long a condition may take; generous, because the machine may be busy. */
export const PATIENCE_MS = 60_000;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * The line that Chromium itself writes for a request to the relay that found nobody. No page can
 * prevent it: it is the network's, not an error of the page, and is counted apart. For anything else
 * than the relay's paths it is an error.
 */
function isNetworkLine(text, url) {
  if (/^WebSocket connection to '[^']+\/ws\/[^']+' failed/.test(text)) return true;
  return /^Failed to load resource: /.test(text) && /\/(healthz|api\/[a-z-]+)$/.test(url);
}

/** Watches one page; what it saw is in `errors`, `networkLines` and `violations`. */
export function watchPage(page) {
  const seen = { errors: [], networkLines: [], violations: [], failedRequests: [] };
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    const { url } = message.location();
    const line = `${message.text()} (${url})`;
    if (/Content Security Policy/.test(line)) seen.violations.push(line);
    else if (isNetworkLine(message.text(), url)) seen.networkLines.push(line);
    else seen.errors.push(line);
  });
  page.on('pageerror', (error) => seen.errors.push(String(error.stack ?? error)));
  page.on('crash', () => seen.errors.push('the page crashed'));
  page.on('requestfailed', (request) =>
    seen.failedRequests.push(`${request.url()} ${request.failure()?.errorText ?? ''}`),
  );
  return seen;
}

/** A browser with one context; `options` are Playwright's for a context. */
export async function openBrowser(options = {}) {
  const profile = await mkdtemp(join(tmpdir(), 'redoubt-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: FLAGS,
    viewport: { width: 1440, height: 900 },
    acceptDownloads: true,
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  return {
    context,
    async page() {
      const page = await context.newPage();
      return Object.assign(page, { seen: watchPage(page) });
    },
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/**
 * Polls until `check` gives something true and returns it.
 * @throws Error that says what was waited for, and what was there instead.
 */
export async function until(what, check, withinMs = PATIENCE_MS) {
  const deadline = performance.now() + withinMs;
  let last;
  for (;;) {
    try {
      last = await check();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      const shown = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`waited ${withinMs} ms in vain: ${what}; last: ${shown}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
