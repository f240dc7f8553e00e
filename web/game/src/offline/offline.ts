/**
 * The page's side of the service worker: registers it, says whether the page would load without a
 * network, and switches to a new set of files when the page says that the match is over.
 */

/**
 *   unsupported     no service worker here (development, an insecure origin, a private window)
 *   preparing       the first set is being fetched
 *   ready           a reload works without a network
 *   update_waiting  the same, and a newer set waits for applyUpdate()
 *   failed          the set could not be kept; the page works, but only with a network
 */
export type OfflineState = 'unsupported' | 'preparing' | 'ready' | 'update_waiting' | 'failed';

export interface Offline {
  readonly state: OfflineState;
  /** Why `failed`, else null. */
  readonly failure: string | null;
  onChange(listener: (state: OfflineState) => void): () => void;
  /** Asks the server for a newer set; what it finds waits. Never rejects. */
  check(): Promise<void>;
  /** Switches to the waiting set and reloads. Save the match before. Nothing where none waits. */
  applyUpdate(): void;
}

export interface OfflineOptions {
  /** Beside the page. */
  url?: string | URL;
  container?: ServiceWorkerContainer | undefined;
  reload?: () => void;
}

/** What a registration's workers mean, once the first set is active or not. */
export function offlineState(registration: {
  active: unknown;
  waiting: unknown;
}): 'preparing' | 'ready' | 'update_waiting' {
  if (registration.active === null) return 'preparing';
  return registration.waiting === null ? 'ready' : 'update_waiting';
}

export function startOffline(options: OfflineOptions = {}): Offline {
  const container = 'container' in options ? options.container : navigator.serviceWorker;
  const url = options.url ?? new URL('service-worker.js', document.baseURI);
  const reload = options.reload ?? (() => location.reload());
  const listeners = new Set<(state: OfflineState) => void>();
  let state: OfflineState = container ? 'preparing' : 'unsupported';
  let failure: string | null = null;
  let registration: ServiceWorkerRegistration | null = null;
  let applying = false;

  function enter(next: OfflineState) {
    if (next === state) return;
    state = next;
    for (const listener of [...listeners]) listener(state);
  }

  function follow(worker: ServiceWorker | null) {
    worker?.addEventListener('statechange', () => {
      if (registration === null) return;
      if (worker.state === 'redundant' && registration.active === null) {
        failure = 'the files could not be kept';
        enter('failed');
      } else {
        enter(offlineState(registration));
      }
    });
  }

  async function register(from: ServiceWorkerContainer) {
    try {
      registration = await from.register(url);
      registration.addEventListener('updatefound', () => follow(registration?.installing ?? null));
      follow(registration.installing);
      enter(offlineState(registration));
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
      enter('failed');
    }
  }

  if (container) {
    // The first set's worker takes control too, of a page that has all its files already.
    container.addEventListener('controllerchange', () => {
      if (applying) reload();
    });
    void register(container);
  }

  return {
    get state() {
      return state;
    },
    get failure() {
      return failure;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async check() {
      // Without a network there is simply nothing newer.
      await registration?.update().catch(() => undefined);
    },
    applyUpdate() {
      const waiting = registration?.waiting;
      if (!waiting) return;
      applying = true;
      waiting.postMessage('activate');
    },
  };
}
