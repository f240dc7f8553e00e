/** The autosave's record in IndexedDB: one database, one object store, one key. */

import type { AutosaveStore } from './autosave.js';

const DATABASE = 'redoubt';
const DATABASE_VERSION = 1;
const STORE = 'autosave';
const KEY = 'match';

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'));
  });
}

function open(factory: IDBFactory): Promise<IDBDatabase> {
  const request = factory.open(DATABASE, DATABASE_VERSION);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return settled(request);
}

/** Opens the database for each use: a page that is put to sleep must not block another's upgrade. */
async function use<T>(
  factory: IDBFactory,
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await open(factory);
  try {
    const transaction = database.transaction(STORE, mode);
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB gave up'));
    });
    const [result] = await Promise.all([settled(work(transaction.objectStore(STORE))), done]);
    return result;
  } finally {
    database.close();
  }
}

export function indexedDbStore(factory: IDBFactory = indexedDB): AutosaveStore {
  return {
    read: () => use(factory, 'readonly', (store) => store.get(KEY) as IDBRequest<unknown>),
    write: async (record) =>
      void (await use(factory, 'readwrite', (store) => store.put(record, KEY))),
    remove: async () => void (await use(factory, 'readwrite', (store) => store.delete(KEY))),
  };
}
