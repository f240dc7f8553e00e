/**
 * Journals: where the histories of runs are kept. The one rule: what append() was given is kept for
 * good once its promise resolves, and never in part.
 */
import { EngineError } from './errors.js';

/** What is kept of a run beside its history. */
export interface StoredRun {
  id: string;
  /** The workflow's name and its definition's SHA-256, as hex. */
  workflow: string;
  sha256: string;
  /** The definition as it was when the run began: a run keeps its file. */
  definition: string;
  startedAt: number;
  /** When it was over; 0 while it is not. */
  endedAt: number;
  /** How many hosts in a row began to take it up and did not come to the end of that. */
  takeUps?: number;
}

/** What an agent remembers, as the engine writes it. */
export interface MemoryEntry {
  id: string;
  [member: string]: unknown;
}

export interface Journal {
  /** Every run that is kept, in the order of their beginnings. */
  list(): Promise<StoredRun[]>;
  /** Null where no run has this id. */
  history(id: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** A new run with its history's first bytes. Rejects where the id is taken. */
  create(run: StoredRun, history: Uint8Array): Promise<void>;
  append(id: string, events: Uint8Array, endedAt: number): Promise<void>;
  /** Keeps StoredRun.takeUps. */
  mark(id: string, takeUps: number): Promise<void>;
  /** Replaces what is kept by its first `bytes` bytes: the rest was a torn event. */
  cut(id: string, bytes: number): Promise<void>;
  /** The run as another host brought it back: all that was kept of it is replaced at once. */
  replace(run: StoredRun, history: Uint8Array): Promise<void>;
  remove(id: string): Promise<void>;
  /** Everything that agents remember, in the order of its numbers. */
  memories(): Promise<MemoryEntry[]>;
  remember(written: readonly MemoryEntry[], dropped: readonly string[]): Promise<void>;
}

/** Kept in IndexedDB (the database's name may be given) or as long as the program runs. */
export type JournalKind = 'indexeddb' | 'memory' | { indexeddb: string };

const byNumber = (a: MemoryEntry, b: MemoryEntry) => Number(a.id) - Number(b.id);

function taken(id: string): EngineError {
  return new EngineError('journal_failed', `A run with the id ${id} is kept already.`, {
    path: 'id',
    got: id,
  });
}

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Kept as long as the program runs. */
export function memoryJournal(): Journal {
  const runs = new Map<string, { run: StoredRun; pieces: Uint8Array[] }>();
  const memories = new Map<string, MemoryEntry>();
  const known = (id: string) => {
    const found = runs.get(id);
    if (found) return found;
    throw new EngineError('journal_failed', `No run ${id} is kept.`, { path: 'id', got: id });
  };
  return {
    async list() {
      return [...runs.values()].map(({ run }) => ({ ...run }));
    },
    async history(id) {
      const found = runs.get(id);
      return found ? joined(found.pieces) : null;
    },
    async create(run, history) {
      if (runs.has(run.id)) throw taken(run.id);
      runs.set(run.id, { run: { ...run }, pieces: [history.slice()] });
    },
    async append(id, events, endedAt) {
      const found = known(id);
      found.pieces.push(events.slice());
      found.run.endedAt = endedAt;
    },
    async mark(id, takeUps) {
      known(id).run.takeUps = takeUps;
    },
    async cut(id, bytes) {
      const found = known(id);
      found.pieces = [joined(found.pieces).slice(0, bytes)];
    },
    async replace(run, history) {
      runs.set(run.id, { run: { ...run }, pieces: [history.slice()] });
    },
    async remove(id) {
      runs.delete(id);
    },
    async memories() {
      return [...memories.values()].sort(byNumber);
    },
    async remember(written, dropped) {
      for (const id of dropped) memories.delete(id);
      for (const entry of written) memories.set(entry.id, entry);
    },
  };
}

const runs_store = 'runs';
const pieces_store = 'pieces';
const memories_store = 'memories';
interface Piece {
  run: string;
  bytes: Uint8Array<ArrayBuffer>;
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(failed(request.error));
  });
}

function failed(cause: unknown): EngineError {
  const text = String((cause as Error | null)?.message ?? cause);
  return new EngineError(
    'journal_failed',
    `The browser did not keep the run (${text}): free some space or allow this site to keep data.`,
    { got: text, cause },
  );
}

/**
 * Resolves once this page is the only one with the journal; it stays so until the page or worker
 * ends. Two hosts of one run would both carry its effects out.
 */
function alone(name: string): Promise<void> {
  // Pages that are not a secure context have no locks.
  if (!globalThis.navigator?.locks) return Promise.resolve();
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, () => {
        resolve();
        return new Promise<never>(() => undefined);
      })
      .catch((cause: unknown) => reject(failed(cause)));
  });
}

/**
 * Kept in the browser's IndexedDB, so that a run outlives the page. Waits while another tab has the
 * journal: `navigator.locks.query()` shows the lock, which has the journal's name.
 */
export async function indexedDbJournal(name = 'redoubt-runs'): Promise<Journal> {
  if (typeof indexedDB === 'undefined') {
    throw new EngineError('journal_failed', 'There is no IndexedDB here: use memoryJournal().', {
      expected: 'a browser',
      got: 'no indexedDB',
    });
  }
  await alone(name);
  const opening = indexedDB.open(name, 2);
  opening.onupgradeneeded = ({ oldVersion }) => {
    opening.result.createObjectStore(memories_store, { keyPath: 'id' });
    if (oldVersion === 1) return;
    opening.result.createObjectStore(runs_store, { keyPath: 'id' });
    const pieces = opening.result.createObjectStore(pieces_store, { autoIncrement: true });
    pieces.createIndex('run', 'run');
  };
  const db = await settled(opening);
  // Another tab that needs a later version is not held up.
  db.onversionchange = () => db.close();

  /** One transaction: all of it is kept, or nothing. */
  function inOne(
    names: string[],
    work: (store: (name: string) => IDBObjectStore) => void,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const transaction = db.transaction(names, 'readwrite', { durability: 'strict' });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(failed(transaction.error));
      work((name) => transaction.objectStore(name));
    });
  }
  const change = (work: (runs: IDBObjectStore, pieces: IDBObjectStore) => void) =>
    inOne([runs_store, pieces_store], (store) => work(store(runs_store), store(pieces_store)));
  async function pieces(id: string): Promise<Uint8Array<ArrayBuffer>> {
    const store = db.transaction(pieces_store).objectStore(pieces_store);
    const found = (await settled(store.index('run').getAll(id))) as Piece[];
    return joined(found.map(({ bytes }) => bytes));
  }
  function drop(store: IDBObjectStore, id: string, then: () => void = () => {}): void {
    const cursor = store.index('run').openKeyCursor(id);
    cursor.onsuccess = () => {
      if (!cursor.result) return then();
      store.delete(cursor.result.primaryKey);
      cursor.result.continue();
    };
  }

  return {
    async list() {
      const store = db.transaction(runs_store).objectStore(runs_store);
      const runs = (await settled(store.getAll())) as StoredRun[];
      return runs.sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1));
    },
    async history(id) {
      const store = db.transaction(runs_store).objectStore(runs_store);
      return (await settled(store.getKey(id))) === undefined ? null : pieces(id);
    },
    create: (run, history) =>
      change((runs, store) => {
        runs.add(run);
        store.add({ run: run.id, bytes: history.slice() } satisfies Piece);
      }),
    append: (id, events, endedAt) =>
      change((runs, store) => {
        store.add({ run: id, bytes: events.slice() } satisfies Piece);
        const known = runs.get(id);
        known.onsuccess = () => {
          const run = known.result as StoredRun | undefined;
          if (run) runs.put({ ...run, endedAt });
          else known.transaction?.abort();
        };
      }),
    mark: (id, takeUps) =>
      change((runs) => {
        const known = runs.get(id);
        known.onsuccess = () => {
          const run = known.result as StoredRun | undefined;
          if (run) runs.put({ ...run, takeUps });
          else known.transaction?.abort();
        };
      }),
    async cut(id, bytes) {
      const kept = (await pieces(id)).slice(0, bytes);
      await change((_, store) =>
        drop(store, id, () => store.add({ run: id, bytes: kept } satisfies Piece)),
      );
    },
    replace: (run, history) =>
      change((runs, store) => {
        runs.put(run);
        drop(store, run.id, () =>
          store.add({ run: run.id, bytes: history.slice() } satisfies Piece),
        );
      }),
    remove: (id) =>
      change((runs, store) => {
        runs.delete(id);
        drop(store, id);
      }),
    async memories() {
      const store = db.transaction(memories_store).objectStore(memories_store);
      return ((await settled(store.getAll())) as MemoryEntry[]).sort(byNumber);
    },
    remember: (written, dropped) =>
      inOne([memories_store], (at) => {
        for (const id of dropped) at(memories_store).delete(id);
        for (const entry of written) at(memories_store).put(entry);
      }),
  };
}

/** The journal that a worker's `init` names. */
export async function openJournal(kind: JournalKind): Promise<Journal> {
  if (kind === 'memory') return memoryJournal();
  return indexedDbJournal(kind === 'indexeddb' ? undefined : kind.indexeddb);
}
