/** A journal that ends with the program. */
import { EngineError } from './errors.js';
import { byNumber, joined, taken } from './journal.js';
import type { Journal, MemoryEntry, StoredRun } from './journal.js';

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
