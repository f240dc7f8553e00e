/**
 * The set of files that the page needs without a network, and what the service worker does with it:
 * pure decisions, so that they can be tested without a browser.
 *
 * 1. A set is whole or absent: every file is fetched with its integrity, so that a set never mixes
 *    two builds.
 * 2. Only files of a set are ever answered from it: /api, /ws, /healthz and whatever else the relay
 *    serves are not looked at.
 * 3. The set before the present one is kept, so that a page that was loaded from it still finds its
 *    lazy files (their names carry a hash, so no other set has them).
 */

export interface PrecacheFile {
  /** Relative to the worker's scope; "" is the page itself. */
  url: string;
  /** As in an integrity attribute: sha256-... */
  integrity: string;
}

export interface PrecacheSet {
  /** Changes when any file does. */
  version: string;
  files: PrecacheFile[];
}

export const CACHE_PREFIX = 'redoubt-set-';
export const SETS_KEPT = 2;
export const PRECACHE_FILES_MAX = 256;
export const PRECACHE_BYTES_MAX = 4_000_000;

export const cacheName = (set: PrecacheSet) => `${CACHE_PREFIX}${set.version}`;

/** Names in the order in which they were made; those to delete. */
export function staleCaches(names: readonly string[], present: string): string[] {
  const others = names.filter((name) => name.startsWith(CACHE_PREFIX) && name !== present);
  return others.slice(0, Math.max(0, others.length - (SETS_KEPT - 1)));
}

export type Route =
  /** Not ours: the browser goes to the network as if there were no worker. */
  | { kind: 'network' }
  /** The set's file of this name, else the network. */
  | { kind: 'set'; url: string }
  /** A file of an earlier set, by its hashed name, else the network. */
  | { kind: 'any_set' };

/** How a request is answered. `scope` ends in a slash. */
export function route(
  set: PrecacheSet,
  scope: string,
  request: { url: string; method: string; mode: string },
): Route {
  if (request.method !== 'GET') return { kind: 'network' };
  const url = new URL(request.url);
  const within = `${url.origin}${url.pathname}`;
  if (!within.startsWith(scope)) return { kind: 'network' };
  const path = within.slice(scope.length);
  if (request.mode === 'navigate') {
    return path === '' || path === 'index.html' ? { kind: 'set', url: '' } : { kind: 'network' };
  }
  if (set.files.some((file) => file.url === path)) return { kind: 'set', url: path };
  return path.startsWith('assets/') ? { kind: 'any_set' } : { kind: 'network' };
}
