/** A journal that outlives the page. */
import { EngineError } from './errors.js';
import { byNumber, joined } from './journal.js';
import type { Journal, MemoryEntry, StoredRun } from './journal.js';

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

/** Runs and their histories' pieces within one transaction. */
interface Stores {
  runs: IDBObjectStore;
  pieces: IDBObjectStore;
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
  const db = await openDatabase(name);
  // Another tab that needs a later version is not held up.
  db.onversionchange = () => db.close();
  return {
    list: () => list(db),
    history: (id) => history(db, id),
    create: (run, history) =>
      change(db, ({ runs, pieces }) => {
        runs.add(run);
        addPiece(pieces, run.id, history);
      }),
    append: (id, events, endedAt) =>
      change(db, ({ runs, pieces }) => {
        addPiece(pieces, id, events);
        changeRun(runs, id, { endedAt });
      }),
    mark: (id, takeUps) => change(db, ({ runs }) => changeRun(runs, id, { takeUps })),
    async cut(id, bytes) {
      const kept = (await wholeHistory(db, id)).slice(0, bytes);
      await change(db, ({ pieces }) => dropPieces(pieces, id, () => addPiece(pieces, id, kept)));
    },
    replace: (run, history) =>
      change(db, ({ runs, pieces }) => {
        runs.put(run);
        dropPieces(pieces, run.id, () => addPiece(pieces, run.id, history));
      }),
    remove: (id) =>
      change(db, ({ runs, pieces }) => {
        runs.delete(id);
        dropPieces(pieces, id);
      }),
    memories: () => memories(db),
    remember: (written, dropped) => remember(db, written, dropped),
  };
}

function openDatabase(name: string): Promise<IDBDatabase> {
  const opening = indexedDB.open(name, 2);
  opening.onupgradeneeded = ({ oldVersion }) => {
    opening.result.createObjectStore(memories_store, { keyPath: 'id' });
    if (oldVersion === 1) return;
    opening.result.createObjectStore(runs_store, { keyPath: 'id' });
    const pieces = opening.result.createObjectStore(pieces_store, { autoIncrement: true });
    pieces.createIndex('run', 'run');
  };
  return settled(opening);
}

/** One transaction: all of it is kept, or nothing. */
function inOne(
  db: IDBDatabase,
  names: string[],
  work: (transaction: IDBTransaction) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(names, 'readwrite', { durability: 'strict' });
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(failed(transaction.error));
    work(transaction);
  });
}

function change(db: IDBDatabase, work: (stores: Stores) => void): Promise<void> {
  return inOne(db, [runs_store, pieces_store], (transaction) =>
    work({
      runs: transaction.objectStore(runs_store),
      pieces: transaction.objectStore(pieces_store),
    }),
  );
}

/** Aborts the transaction where there is no such run. */
function changeRun(runs: IDBObjectStore, id: string, members: Partial<StoredRun>): void {
  const known = runs.get(id);
  known.onsuccess = () => {
    const run = known.result as StoredRun | undefined;
    if (run) runs.put({ ...run, ...members });
    else known.transaction?.abort();
  };
}

function addPiece(pieces: IDBObjectStore, run: string, bytes: Uint8Array): void {
  pieces.add({ run, bytes: bytes.slice() } satisfies Piece);
}

function dropPieces(pieces: IDBObjectStore, id: string, then: () => void = () => {}): void {
  const cursor = pieces.index('run').openKeyCursor(id);
  cursor.onsuccess = () => {
    if (!cursor.result) return then();
    pieces.delete(cursor.result.primaryKey);
    cursor.result.continue();
  };
}

async function list(db: IDBDatabase): Promise<StoredRun[]> {
  const store = db.transaction(runs_store).objectStore(runs_store);
  const runs = (await settled(store.getAll())) as StoredRun[];
  return runs.sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1));
}

async function history(db: IDBDatabase, id: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const store = db.transaction(runs_store).objectStore(runs_store);
  return (await settled(store.getKey(id))) === undefined ? null : wholeHistory(db, id);
}

async function wholeHistory(db: IDBDatabase, id: string): Promise<Uint8Array<ArrayBuffer>> {
  const store = db.transaction(pieces_store).objectStore(pieces_store);
  const found = (await settled(store.index('run').getAll(id))) as Piece[];
  return joined(found.map(({ bytes }) => bytes));
}

async function memories(db: IDBDatabase): Promise<MemoryEntry[]> {
  const store = db.transaction(memories_store).objectStore(memories_store);
  return ((await settled(store.getAll())) as MemoryEntry[]).sort(byNumber);
}

function remember(
  db: IDBDatabase,
  written: readonly MemoryEntry[],
  dropped: readonly string[],
): Promise<void> {
  return inOne(db, [memories_store], (transaction) => {
    const store = transaction.objectStore(memories_store);
    for (const id of dropped) store.delete(id);
    for (const entry of written) store.put(entry);
  });
}
