/**
 * The service worker: keeps the page's files as one set, and lets a new set wait until the page says
 * that the match is over. What it decides is in precache.ts.
 */

import { cacheName, type PrecacheSet, route, staleCaches } from './precache.js';

/** Put in by precache-plugin.ts when the page is built. */
declare const PRECACHE_SET: PrecacheSet;

// TypeScript's DOM and WebWorker libraries exclude each other; this is what is used of the latter.
interface LifeEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface RequestEvent extends Event {
  request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Worker {
  registration: ServiceWorkerRegistration;
  clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(kind: 'install' | 'activate', listener: (event: LifeEvent) => void): void;
  addEventListener(kind: 'fetch', listener: (event: RequestEvent) => void): void;
  addEventListener(kind: 'message', listener: (event: MessageEvent) => void): void;
}
const worker = globalThis as unknown as Worker;
const scope = worker.registration.scope;

async function install() {
  const name = cacheName(PRECACHE_SET);
  // After a roll-back this set may still be the one before, which a page may be using.
  const wasKept = await caches.has(name);
  const cache = await caches.open(name);
  try {
    await Promise.all(
      PRECACHE_SET.files.map(async ({ url, integrity }) => {
        const request = new Request(scope + url, {
          integrity,
          // The relay's root answers programs in JSON and browsers with the page.
          headers: url === '' ? { accept: 'text/html' } : {},
          cache: url.startsWith('assets/') ? 'default' : 'no-cache',
        });
        const response = await fetch(request);
        if (!response.ok) throw new Error(`${url}: ${response.status}`);
        await cache.put(scope + url, response);
      }),
    );
  } catch (error) {
    if (!wasKept) await caches.delete(name);
    throw error;
  }
}

async function activate() {
  for (const name of staleCaches(await caches.keys(), cacheName(PRECACHE_SET))) {
    await caches.delete(name);
  }
  await worker.clients.claim();
}

async function fromSet(url: string, request: Request): Promise<Response> {
  const cache = await caches.open(cacheName(PRECACHE_SET));
  return (await cache.match(scope + url)) ?? fetch(request);
}

async function fromAnySet(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

worker.addEventListener('install', (event) => event.waitUntil(install()));
worker.addEventListener('activate', (event) => event.waitUntil(activate()));
worker.addEventListener('message', (event) => {
  if (event.data === 'activate') void worker.skipWaiting();
});
worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const way = route(PRECACHE_SET, scope, request);
  if (way.kind === 'set') event.respondWith(fromSet(way.url, request));
  if (way.kind === 'any_set') event.respondWith(fromAnySet(request));
});
