/** Runs as they were last told of, and who waits for them. */
import { EngineError } from './errors.js';
import type { RunView } from './run_types.js';

/** What both kinds share: the views as they were last told, and who wants to know. */
export class Watched {
  readonly views = new Map<string, RunView>();
  private readonly listeners = new Set<(run: RunView) => void>();
  /** Who waits for the result of a run that may be removed. */
  private readonly waiting = new Map<string, Set<(why: EngineError) => void>>();

  readonly tell = (view: RunView): void => {
    this.views.set(view.id, view);
    for (const listener of this.listeners) listener(view);
  };
  onChange(listener: (run: RunView) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  list(): RunView[] {
    return [...this.views.values()].sort(
      (a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1),
    );
  }
  result<T>(id: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (run: RunView | undefined): boolean => {
        if (!run) {
          reject(
            new EngineError('bad_argument', `There is no run ${id}.`, { path: 'id', got: id }),
          );
        } else if (run.status === 'done') {
          resolve(run.outcome as T);
        } else if (run.status === 'failed' || run.status === 'cancelled' || run.error) {
          reject(ended(run));
        } else {
          return false;
        }
        return true;
      };
      if (look(this.views.get(id))) return;
      const waiting = this.waiting.get(id) ?? new Set();
      this.waiting.set(id, waiting);
      const end = this.onChange((run) => {
        if (run.id !== id || !look(run)) return;
        end();
        waiting.delete(giveUp);
      });
      const giveUp = (why: EngineError) => {
        end();
        reject(why);
      };
      waiting.add(giveUp);
    });
  }
  private giveUp(id: string, why: EngineError): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    waiting?.forEach((tell) => tell(why));
  }
  /** The run was removed. */
  forget(id: string): void {
    this.views.delete(id);
    const message = `Run ${id} was removed.`;
    this.giveUp(id, new EngineError('run_over', message, { path: id, got: 'removed' }));
  }
  clear(): void {
    this.listeners.clear();
    this.waiting.clear();
  }
}

function ended(run: RunView): EngineError {
  const outcome = (run.outcome ?? run.error) as { code?: string; message?: string } | null;
  const why = outcome?.message ?? run.status;
  return new EngineError('run_over', `Run ${run.id} is ${run.status}: ${why}`, {
    path: run.id,
    got: outcome?.code ?? run.status,
  });
}
