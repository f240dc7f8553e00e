/** A world without waiting for the client's tests: a clock that is turned by hand, and its timers. */

import type { Schedule } from '../../../web/client/src/index.js';

interface Timer {
  atMs: number;
  order: number;
  callback: () => void;
}

const TIMERS_MAX = 10_000;

export class FakeClock {
  private timers: Timer[] = [];
  private order = 0;
  nowMs = 0;

  readonly now = () => this.nowMs;

  readonly schedule: Schedule = (callback, delayMs) => {
    const timer = { atMs: this.nowMs + delayMs, order: this.order++, callback };
    this.timers.push(timer);
    if (this.timers.length > TIMERS_MAX) throw new Error('timers pile up');
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  };

  /** Runs what is due until `ms` later, settling promises after each timer. */
  async advance(ms: number): Promise<void> {
    const end = this.nowMs + ms;
    await settle();
    for (;;) {
      const next = this.timers
        .filter((timer) => timer.atMs <= end)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.callback();
      await settle();
    }
    this.nowMs = end;
  }

  get waiting(): number {
    return this.timers.length;
  }
}

/** Lets every promise that can settle do so: one turn of the event loop runs all microtasks. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export type Behaviour = 'up' | 'refused' | 'silent' | 'slow';

export interface Asked {
  path: string;
  body: unknown;
  headers: Record<string, string>;
  atMs: number;
}

export const GOOD_STRATEGY = {
  strategy: 'aggressive',
  focus: 'combat',
  priorities: ['attack_enemies', 'expand_territory'],
  description: 'Attack on the left, where Blue is thin.',
};

export const GOOD_SPECIFICATION = {
  role: 'defender',
  attributes: { speed: 0.4, health: 0.9, attack: 0.5, defense: 0.9, carryCapacity: 0.2 },
  priority: 'materials',
  description: 'Holds the bridge.',
};

/** A relay that does as it is told: up, gone (refused), swallowing everything (silent) or late. */
export class FakeRelay {
  behaviour: Behaviour = 'up';
  /** How long a slow relay takes for a call. */
  slowMs = 4000;
  asked: Asked[] = [];
  probesUnderWay = 0;
  probesUnderWayMost = 0;
  probeTimes: number[] = [];
  /** Overrides the answer of a path. */
  answers = new Map<string, () => Response>();

  constructor(private clock: FakeClock) {}

  readonly fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const path = new URL(String(input)).pathname.replace(/^\/below/, '');
    const signal = init.signal ?? new AbortController().signal;
    if (path !== '/healthz') {
      this.asked.push({
        path,
        body: JSON.parse(String(init.body)),
        headers: init.headers as Record<string, string>,
        atMs: this.clock.nowMs,
      });
      return this.reply(path, signal, this.behaviour === 'slow' ? this.slowMs : 20);
    }
    this.probeTimes.push(this.clock.nowMs);
    this.probesUnderWay += 1;
    this.probesUnderWayMost = Math.max(this.probesUnderWayMost, this.probesUnderWay);
    try {
      return await this.reply(path, signal, 5);
    } finally {
      this.probesUnderWay -= 1;
    }
  };

  private reply(path: string, signal: AbortSignal, delayMs: number): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new DOMException('aborted', 'AbortError'));
      let cancel: () => void = () => undefined;
      signal.addEventListener('abort', () => {
        cancel();
        reject(new DOMException('aborted', 'AbortError'));
      });
      if (this.behaviour === 'refused') return reject(new TypeError('Failed to fetch'));
      if (this.behaviour === 'silent') return;
      cancel = this.clock.schedule(() => resolve(this.answer(path)), delayMs);
    });
  }

  private answer(path: string): Response {
    const special = this.answers.get(path);
    if (special) return special();
    if (path === '/healthz') return json({ status: 'ok' });
    return json(path === '/api/agent-specification' ? GOOD_SPECIFICATION : GOOD_STRATEGY);
  }
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

/** The browser's hint about the network, given by hand. */
export class FakeNetwork {
  private line = true;
  private listeners = new Set<() => void>();

  readonly onLine = () => this.line;
  readonly subscribe = (changed: () => void) => {
    this.listeners.add(changed);
    return () => void this.listeners.delete(changed);
  };

  set(line: boolean) {
    if (line === this.line) return;
    this.line = line;
    for (const listener of [...this.listeners]) listener();
  }

  get subscribers(): number {
    return this.listeners.size;
  }
}
