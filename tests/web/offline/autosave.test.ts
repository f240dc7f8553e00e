import { describe, expect, it } from 'vitest';
import {
  type AutosaveStore,
  createAutosave,
  type SavedRecord,
  STATE_BYTES_MAX,
} from '../../../web/game/src/offline/autosave.js';

/** A store whose writes are finished by the test. */
class SlowStore implements AutosaveStore {
  record: unknown = undefined;
  writes: SavedRecord[] = [];
  failure: Error | null = null;
  private finish: (() => void)[] = [];

  async read() {
    return this.record;
  }
  write(record: SavedRecord) {
    this.writes.push(record);
    return new Promise<void>((resolve, reject) => {
      this.finish.push(() => {
        if (this.failure) return reject(this.failure);
        this.record = record;
        resolve();
      });
    });
  }
  async remove() {
    this.record = undefined;
  }
  async finishOne() {
    this.finish.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const state = (tick: number) => ({
  state: new Uint8Array([1, tick]),
  tick,
  title: '40x28, seed 7',
});

describe('autosave', () => {
  it('brings back what was saved last', async () => {
    const store = new SlowStore();
    const autosave = createAutosave(store, '1.2', () => 77);
    autosave.save(state(5));
    await store.finishOne();
    await autosave.flush();
    expect(await createAutosave(store, '1.2').load()).toEqual({ ...state(5), savedAtMs: 77 });
  });

  it('keeps one write under way and the newest waiting', async () => {
    const store = new SlowStore();
    const autosave = createAutosave(store, '1.2');
    for (let tick = 0; tick < 10; tick++) autosave.save(state(tick));
    expect(store.writes.map((record) => record.tick)).toEqual([0]);
    await store.finishOne();
    expect(store.writes.map((record) => record.tick)).toEqual([0, 9]);
    await store.finishOne();
    await autosave.flush();
    expect(await autosave.load()).toMatchObject({ tick: 9 });
  });

  it('copies the state, because the worker goes on with its own', async () => {
    const store = new SlowStore();
    const autosave = createAutosave(store, '1.2');
    const match = state(5);
    autosave.save(match);
    match.state.fill(0);
    expect(store.writes[0]?.state).toEqual(new Uint8Array([1, 5]));
  });

  it('plays on without storage and says why', async () => {
    const store = new SlowStore();
    store.failure = new DOMException('full', 'QuotaExceededError');
    const autosave = createAutosave(store, '1.2');
    autosave.save(state(5));
    await store.finishOne();
    await autosave.flush();
    expect(autosave.lastError).toBe('QuotaExceededError: full');
    store.failure = null;
    autosave.save(state(6));
    await store.finishOne();
    expect(autosave.lastError).toBeNull();
  });

  it('forgets a match that is over, also one that waits to be written', async () => {
    const store = new SlowStore();
    const autosave = createAutosave(store, '1.2');
    autosave.save(state(5));
    autosave.save(state(6));
    const cleared = autosave.clear();
    await store.finishOne();
    await cleared;
    expect(store.writes).toHaveLength(1);
    expect(await autosave.load()).toBeNull();
  });

  it('refuses a state that is too large and keeps the one before', async () => {
    const store = new SlowStore();
    const autosave = createAutosave(store, '1.2');
    autosave.save(state(5));
    await store.finishOne();
    autosave.save({ ...state(6), state: new Uint8Array(STATE_BYTES_MAX + 1) });
    expect(autosave.lastError).toContain('at most');
    expect(await autosave.load()).toMatchObject({ tick: 5 });
  });

  const whole: SavedRecord = { format: 1, versions: '1.2', savedAtMs: 1, ...state(5) };
  it.each([
    ['an older format', { ...whole, format: 0 }],
    ['another version', { ...whole, versions: '1.1' }],
    ['no bytes', { ...whole, state: 'AAAA' }],
    ['an empty state', { ...whole, state: new Uint8Array() }],
    ['a tick of minus one', { ...whole, tick: -1 }],
    ['no title', { ...whole, title: undefined }],
    ['no time', { ...whole, savedAtMs: NaN }],
    ['a text', 'match'],
  ])('removes a record with %s', async (_what, record) => {
    const store = new SlowStore();
    store.record = record;
    const autosave = createAutosave(store, '1.2');
    expect(await autosave.load()).toBeNull();
    expect(store.record).toBeUndefined();
    expect(autosave.lastError).toContain('cannot be used');
  });

  it('finds nothing in an empty store and says nothing', async () => {
    const autosave = createAutosave(new SlowStore(), '1.2');
    expect(await autosave.load()).toBeNull();
    expect(autosave.lastError).toBeNull();
  });
});
