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

/** The page's service worker, as far as it has come. */
interface Installed {
  readonly listeners: Set<(state: OfflineState) => void>;
  state: OfflineState;
  failure: string | null;
  registration: ServiceWorkerRegistration | null;
  /** The page has asked for the waiting set. */
  applying: boolean;
}

export function startOffline(options: OfflineOptions = {}): Offline {
  const container = 'container' in options ? options.container : navigator.serviceWorker;
  const url = options.url ?? new URL('service-worker.js', document.baseURI);
  const reload = options.reload ?? (() => location.reload());
  const installed: Installed = {
    listeners: new Set(),
    state: container ? 'preparing' : 'unsupported',
    failure: null,
    registration: null,
    applying: false,
  };
  if (container) {
    // The first set's worker takes control too, of a page that has all its files already.
    container.addEventListener('controllerchange', () => {
      if (installed.applying) reload();
    });
    void register(installed, container, url);
  }
  return {
    get state() {
      return installed.state;
    },
    get failure() {
      return installed.failure;
    },
    onChange(listener) {
      installed.listeners.add(listener);
      return () => void installed.listeners.delete(listener);
    },
    async check() {
      // Without a network there is simply nothing newer.
      await installed.registration?.update().catch(() => undefined);
    },
    applyUpdate() {
      const waiting = installed.registration?.waiting;
      if (!waiting) return;
      installed.applying = true;
      waiting.postMessage('activate');
    },
  };
}

async function register(
  installed: Installed,
  container: ServiceWorkerContainer,
  url: string | URL,
): Promise<void> {
  try {
    const registration = await container.register(url);
    installed.registration = registration;
    registration.addEventListener('updatefound', () => follow(installed, registration.installing));
    follow(installed, registration.installing);
    enter(installed, offlineState(registration));
  } catch (error) {
    fail(installed, error instanceof Error ? error.message : String(error));
  }
}

function follow(installed: Installed, worker: ServiceWorker | null): void {
  worker?.addEventListener('statechange', () => {
    const { registration } = installed;
    if (registration === null) return;
    if (worker.state === 'redundant' && registration.active === null) {
      fail(installed, 'the files could not be kept');
    } else {
      enter(installed, offlineState(registration));
    }
  });
}

function fail(installed: Installed, failure: string): void {
  installed.failure = failure;
  enter(installed, 'failed');
}

function enter(installed: Installed, next: OfflineState): void {
  if (next === installed.state) return;
  installed.state = next;
  for (const listener of [...installed.listeners]) listener(next);
}
