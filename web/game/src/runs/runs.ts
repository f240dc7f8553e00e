/**
 * Workflows in the page: loads the engine's workflow worker when it is first wanted, keeps runs over
 * a reload, and fetches from the relay what has come to its end there.
 */

import { signal, type Signal } from '@preact/signals';
import {
  startWorkflows,
  type ModelEffect,
  type RunEvent,
  type RunView,
  type Workflows,
} from '@redoubt/engine/workflows';
import type { Game } from '../game';
import { askModel } from './model_step';
import { bringBack, lookAt } from './moving';

/** How often the relay is asked about the runs that are there. */
const LOOK_MS = 1000;
/** The database, and the lock of the tab that has it. */
export const JOURNAL = 'redoubt-runs';

/** What is shown of the runs. */
export interface ShownRuns {
  readonly game: Game;
  readonly list: Signal<readonly RunView[]>;
  /** Which run is opened up, and its events. */
  readonly open: Signal<string | null>;
  readonly events: Signal<readonly RunEvent[]>;
  readonly ready: Signal<boolean>;
  /** Another tab carries the runs out; this one waits until it is closed. */
  readonly elsewhere: Signal<boolean>;
}

export interface Runs extends ShownRuns {
  /** The worker, once it has loaded. */
  workflows: Promise<Workflows>;
  /** Runs whose way back was refused: told once, and left to the player. */
  readonly refused: Set<string>;
}

export function createRuns(game: Game): Runs {
  const shown: ShownRuns = {
    game,
    list: signal([]),
    open: signal(null),
    events: signal([]),
    ready: signal(false),
    elsewhere: signal(false),
  };
  const runs: Runs = { ...shown, workflows: begin(shown), refused: new Set() };
  runs.workflows.catch(game.tell);
  followPage(runs);
  return runs;
}

export function showRuns({ list }: ShownRuns, workflows: Workflows): void {
  list.value = [...workflows.list()].reverse();
}

/** Reads the events of the run that is opened up. */
export async function readEvents(runs: ShownRuns, workflows: Workflows): Promise<void> {
  const { list, open, events } = runs;
  const id = open.value;
  if (id === null) return;
  const shown = list.value.find((run) => run.id === id);
  // One that was not taken up has none to show.
  if (shown?.status === 'parked' && shown.error) return;
  const found = await workflows.events(id);
  if (open.value === id) events.value = found;
}

async function begin(runs: ShownRuns): Promise<Workflows> {
  const { game, ready, elsewhere, open } = runs;
  ready.value = false;
  const locks = await navigator.locks?.query();
  elsewhere.value = locks?.held?.some(({ name }) => name === JOURNAL) ?? false;
  const workflows = await loadWorkflows(game);
  showRuns(runs, workflows);
  ready.value = true;
  elsewhere.value = false;
  workflows.onChange((run) => {
    showRuns(runs, workflows);
    if (run.id === open.value) readEvents(runs, workflows).catch(game.tell);
  });
  return workflows;
}

function loadWorkflows(game: Game): Promise<Workflows> {
  const model = (effect: ModelEffect, signal: AbortSignal) => askModel(game, effect, signal);
  return startWorkflows({ journal: { indexeddb: JOURNAL }, model }).catch((error: unknown) => {
    // A browser that keeps nothing can still run them.
    if ((error as { code?: unknown }).code !== 'journal_failed') throw error;
    return startWorkflows({ model });
  });
}

/** Looks at the relay as long as the page is there, and begins again when it comes back. */
function followPage(runs: Runs): void {
  const looking = setInterval(() => void fetchEnded(runs).catch(runs.game.tell), LOOK_MS);
  addEventListener('pagehide', () => clearInterval(looking));
  // A page that goes away breaks off its calls. That is no answer of a model: the runs stop where
  // they are, and ask again when there is a page again.
  addEventListener('pagehide', () => {
    runs.workflows.then(
      (workflows) => workflows.dispose(),
      () => undefined, // told already
    );
  });
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) runs.workflows = begin(runs);
  });
}

/** What has come to its end at the relay is fetched. */
async function fetchEnded({ game, list, workflows: loading, refused }: Runs): Promise<void> {
  // Where they did not load, that was told when it happened.
  const workflows = await loading.catch(() => null);
  if (workflows === null) return;
  const away = list.value.filter((run) => run.status === 'parked' && !run.error);
  if (away.length === 0 || game.relay === null || game.client.status.state !== 'online') return;
  for (const { id } of away) {
    if (refused.has(id)) continue;
    try {
      const there = await lookAt(game.relay, id);
      if (there && there !== 'running' && there !== 'parked') {
        await workflows.import(await bringBack(game.relay, id));
      }
    } catch (error) {
      // fetch's own error: the relay went away meanwhile, and is asked again.
      if (error instanceof TypeError) return;
      refused.add(id);
      throw error;
    }
  }
}
