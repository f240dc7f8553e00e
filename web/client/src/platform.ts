/** What a client takes from the platform where it is given nothing else. */

import { ClientError } from './errors.js';
import type { NetworkHint, Schedule } from './types.js';

export const timers: Schedule = (callback, delayMs) => {
  const timer = setTimeout(callback, delayMs) as unknown as { unref?: () => void };
  // In Node a waiting client must not keep the process alive.
  timer.unref?.();
  return () => clearTimeout(timer as unknown as number);
};

export const browserNetwork: NetworkHint = {
  onLine: () => globalThis.navigator?.onLine !== false,
  subscribe(changed) {
    if (typeof globalThis.addEventListener !== 'function') return () => undefined;
    globalThis.addEventListener('online', changed);
    globalThis.addEventListener('offline', changed);
    return () => {
      globalThis.removeEventListener('online', changed);
      globalThis.removeEventListener('offline', changed);
    };
  },
};

/** Absolute, without the slash at its end. @throws ClientError bad_request */
export function relayAddress(relay: string | URL): string {
  const expected = 'an http or https URL, or null';
  try {
    const page = (globalThis as { location?: { href: string } }).location?.href;
    const url = new URL(relay, page);
    if (!/^https?:$/.test(url.protocol)) throw new Error(url.protocol);
    return (url.origin + url.pathname).replace(/\/+$/, '');
  } catch (cause) {
    const message = `The relay's address "${relay}" cannot be used. Pass ${expected}.`;
    throw new ClientError('bad_request', message, {
      path: 'relay',
      expected,
      got: String(relay),
      cause,
    });
  }
}
