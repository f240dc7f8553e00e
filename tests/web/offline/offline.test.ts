import { describe, expect, it } from 'vitest';
import { watchInstallPrompt } from '../../../web/game/src/offline/install-prompt.js';
import { startOffline } from '../../../web/game/src/offline/offline.js';

class FakeWorker extends EventTarget {
  state = 'installing';
  messages: unknown[] = [];
  postMessage(message: unknown) {
    this.messages.push(message);
  }
  enter(state: string) {
    this.state = state;
    this.dispatchEvent(new Event('statechange'));
  }
}

class FakeRegistration extends EventTarget {
  installing: FakeWorker | null = null;
  waiting: FakeWorker | null = null;
  active: FakeWorker | null = null;
  updates = 0;
  async update() {
    this.updates += 1;
    throw new TypeError('Failed to fetch');
  }
}

class FakeContainer extends EventTarget {
  registration = new FakeRegistration();
  failure: Error | null = null;
  async register() {
    if (this.failure) throw this.failure;
    return this.registration;
  }
}

function begin(container: FakeContainer | undefined) {
  let reloads = 0;
  const offline = startOffline({
    url: 'https://game.test/service-worker.js',
    container: container as unknown as ServiceWorkerContainer,
    reload: () => (reloads += 1),
  });
  return { offline, reloads: () => reloads };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('offline', () => {
  it('says so where there are no service workers', () => {
    expect(begin(undefined).offline.state).toBe('unsupported');
  });

  it('prepares the first set, then is ready, and does not reload for it', async () => {
    const container = new FakeContainer();
    const first = new FakeWorker();
    container.registration.installing = first;
    const { offline, reloads } = begin(container);
    const seen: string[] = [];
    offline.onChange((state) => seen.push(state));
    await settle();
    expect(offline.state).toBe('preparing');
    container.registration.active = first;
    first.enter('activated');
    container.dispatchEvent(new Event('controllerchange'));
    expect(seen).toEqual(['ready']);
    expect(reloads()).toBe(0);
  });

  it('lets a new set wait until it is told to switch, then reloads once it has control', async () => {
    const container = new FakeContainer();
    container.registration.active = new FakeWorker();
    const { offline, reloads } = begin(container);
    await settle();
    const next = new FakeWorker();
    container.registration.installing = next;
    container.registration.dispatchEvent(new Event('updatefound'));
    container.registration.waiting = next;
    next.enter('installed');
    expect(offline.state).toBe('update_waiting');
    expect(next.messages).toEqual([]);
    offline.applyUpdate();
    expect(next.messages).toEqual(['activate']);
    expect(reloads()).toBe(0);
    container.dispatchEvent(new Event('controllerchange'));
    expect(reloads()).toBe(1);
  });

  it('names a refusal and a first set that could not be kept', async () => {
    const refusing = new FakeContainer();
    refusing.failure = new DOMException('insecure', 'SecurityError');
    const refused = begin(refusing);
    await settle();
    expect([refused.offline.state, refused.offline.failure]).toEqual(['failed', 'insecure']);

    const container = new FakeContainer();
    const first = new FakeWorker();
    container.registration.installing = first;
    const { offline } = begin(container);
    await settle();
    first.enter('redundant');
    expect(offline.state).toBe('failed');
  });

  it('asks for updates without a network and does not mind', async () => {
    const container = new FakeContainer();
    container.registration.active = new FakeWorker();
    const { offline } = begin(container);
    await settle();
    await offline.check();
    expect(container.registration.updates).toBe(1);
    offline.applyUpdate();
    expect(offline.state).toBe('ready');
  });
});

describe('install prompt', () => {
  it('keeps the offer until it is asked for, and uses it once', async () => {
    const target = new EventTarget();
    const install = watchInstallPrompt(target);
    const seen: boolean[] = [];
    install.onChange((available) => seen.push(available));
    expect(await install.ask()).toBe('unavailable');
    const offer = Object.assign(new Event('beforeinstallprompt', { cancelable: true }), {
      prompt: async () => ({ outcome: 'dismissed' as const }),
    });
    target.dispatchEvent(offer);
    expect(offer.defaultPrevented).toBe(true);
    expect(install.available).toBe(true);
    expect(await install.ask()).toBe('dismissed');
    expect(await install.ask()).toBe('unavailable');
    expect(seen).toEqual([true, false]);
  });
});
