import { indexedDbJournal } from './indexeddb_journal.js';
import type { Journal, JournalKind } from './journal.js';
import { memoryJournal } from './memory_journal.js';

/** The journal that a worker's `init` names. */
export async function openJournal(kind: JournalKind): Promise<Journal> {
  if (kind === 'memory') return memoryJournal();
  return indexedDbJournal(kind === 'indexeddb' ? undefined : kind.indexeddb);
}
