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

/** The order of memories. */
export const byNumber = (a: MemoryEntry, b: MemoryEntry) => Number(a.id) - Number(b.id);

export function taken(id: string): EngineError {
  return new EngineError('journal_failed', `A run with the id ${id} is kept already.`, {
    path: 'id',
    got: id,
  });
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
