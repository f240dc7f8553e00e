/**
 * Autosave: the match as it stands, so that a reload goes on where it was.
 *
 * 1. One match is kept, the newest. At most one write is under way and at most one waits; what
 *    comes meanwhile replaces what waits.
 * 2. load() returns a match only if it was written whole, by a page with the same `versions`, in
 *    this format and within the bounds; anything else is null and is removed.
 * 3. Nothing here ever rejects or throws: a page without storage plays on. `lastError` says why.
 */

export const AUTOSAVE_FORMAT = 1;
/** A match of ten minutes with four strategists is far below. */
export const STATE_BYTES_MAX = 8_000_000;
export const TITLE_CHARACTERS_MAX = 200;

export interface SavedMatch {
  /** What the worker's saveState() gave. */
  state: Uint8Array;
  tick: number;
  /** For people: "40x28, seed 7". */
  title: string;
  /** Milliseconds since 1970. */
  savedAtMs: number;
}

/** As it lies in the store. */
export interface SavedRecord extends SavedMatch {
  format: number;
  versions: string;
}

/** Where the one record lies. */
export interface AutosaveStore {
  read(): Promise<unknown>;
  write(record: SavedRecord): Promise<void>;
  remove(): Promise<void>;
}

export interface Autosave {
  readonly lastError: string | null;
  /** Keeps a copy; returns at once. */
  save(match: Omit<SavedMatch, 'savedAtMs'>): void;
  load(): Promise<SavedMatch | null>;
  /** After the match ended, or when it was started anew. Drops what waits to be written. */
  clear(): Promise<void>;
  /** Settles when everything saved so far is written (or has failed). */
  flush(): Promise<void>;
}

/** The record if every invariant holds, else what is wrong with it. */
export function checkRecord(found: unknown, versions: string): SavedRecord | string {
  if (typeof found !== 'object' || found === null) return 'no record';
  const record = found as Partial<SavedRecord>;
  if (record.format !== AUTOSAVE_FORMAT) return `format ${String(record.format)}`;
  if (record.versions !== versions) return `saved by version ${String(record.versions)}`;
  if (!(record.state instanceof Uint8Array) || record.state.length === 0) return 'no state';
  if (record.state.length > STATE_BYTES_MAX) return `${record.state.length} bytes`;
  if (!Number.isInteger(record.tick) || (record.tick ?? -1) < 0) return 'no tick';
  if (typeof record.title !== 'string' || record.title.length > TITLE_CHARACTERS_MAX)
    return 'no title';
  if (!Number.isFinite(record.savedAtMs)) return 'no time';
  return record as SavedRecord;
}

/** What an autosave holds. */
interface Keeping {
  readonly store: AutosaveStore;
  readonly versions: string;
  lastError: string | null;
  /** The record that is written next. */
  waiting: SavedRecord | null;
  /** Settles when nothing waits any more. */
  writing: Promise<void> | null;
}

export function createAutosave(
  store: AutosaveStore,
  versions: string,
  now: () => number = Date.now,
): Autosave {
  const keeping: Keeping = { store, versions, lastError: null, waiting: null, writing: null };
  return {
    get lastError() {
      return keeping.lastError;
    },
    save: (match) => save(keeping, match, now()),
    load: () => load(keeping),
    async clear() {
      keeping.waiting = null;
      await keeping.writing;
      await attempt(keeping, () => store.remove());
    },
    async flush() {
      await keeping.writing;
    },
  };
}

function save(
  keeping: Keeping,
  { state, tick, title }: Omit<SavedMatch, 'savedAtMs'>,
  savedAtMs: number,
): void {
  if (state.length > STATE_BYTES_MAX) {
    keeping.lastError = `The match is ${state.length} bytes; at most ${STATE_BYTES_MAX} are kept.`;
    return;
  }
  keeping.waiting = {
    format: AUTOSAVE_FORMAT,
    versions: keeping.versions,
    state: state.slice(),
    tick,
    title: title.slice(0, TITLE_CHARACTERS_MAX),
    savedAtMs,
  };
  keeping.writing ??= writeAll(keeping);
}

async function writeAll(keeping: Keeping): Promise<void> {
  while (keeping.waiting !== null) {
    const record = keeping.waiting;
    keeping.waiting = null;
    await attempt(keeping, () => keeping.store.write(record));
  }
  keeping.writing = null;
}

async function load(keeping: Keeping): Promise<SavedMatch | null> {
  const { store, versions } = keeping;
  const found = await attempt(keeping, () => store.read());
  if (found === null || found === undefined) return null;
  const record = checkRecord(found, versions);
  if (typeof record === 'string') {
    await attempt(keeping, () => store.remove());
    keeping.lastError = `The saved match cannot be used: ${record}.`;
    return null;
  }
  const { state, tick, title, savedAtMs } = record;
  return { state, tick, title, savedAtMs };
}

/** Work with the store: what it gave, or null where it failed, which lastError then tells. */
async function attempt<T>(keeping: Keeping, work: () => Promise<T>): Promise<T | null> {
  try {
    const result = await work();
    keeping.lastError = null;
    return result;
  } catch (error) {
    keeping.lastError = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return null;
  }
}
