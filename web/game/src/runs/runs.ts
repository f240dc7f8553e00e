/**
 * Workflows in the page: loads the engine's workflow worker when it is first wanted, keeps runs over
 * a reload, and answers model steps from the relay where it has a model.
 */

import { signal, type Signal } from '@preact/signals';
import { ClientError } from '@redoubt/client';
import {
  EffectFailure,
  startWorkflows,
  type ModelAnswer,
  type ModelEffect,
  type ModelRequest,
  type RunEvent,
  type RunView,
  type Workflows,
} from '@redoubt/engine/workflows';
import type { TeamId } from '@redoubt/engine/worker';
import type { Game } from '../game';
import { answerOf, askedOf, jsonIn } from './answers';
import { bringBack, lookAt, moveToRelay } from './moving';
import { inputOf, type Offer } from './offers';

const RELAY_MODEL = 'strategist';
/** How often the relay is asked about the runs that are there. */
const LOOK_MS = 1000;
/** The database, and the lock of the tab that has it. */
export const JOURNAL = 'redoubt-runs';

export interface Runs {
  readonly list: Signal<readonly RunView[]>;
  /** Which run is opened up, and its events. */
  readonly open: Signal<string | null>;
  readonly events: Signal<readonly RunEvent[]>;
  readonly ready: Signal<boolean>;
  /** Another tab carries the runs out; this one waits until it is closed. */
  readonly elsewhere: Signal<boolean>;
  start(offer: Offer, team: number, text: string): void;
  toggle(id: string): void;
  answer(id: string, question: string, text: string): void;
  cancel(id: string): void;
  /** Tries a run once more that could not be taken up. */
  resume(id: string): void;
  remove(id: string): void;
  /** Parks the run here and lets the relay go on with it; its result comes back by itself. */
  move(id: string): void;
  /** Takes a run back from the relay, as far as it has come there. */
  back(id: string): void;
}

/** A page that was just opened does not know yet whether there is a relay. */
function relayKnown({ client }: Game, signal: AbortSignal): Promise<void> {
  if (client.status.state !== 'connecting') return Promise.resolve();
  return new Promise((resolve) => {
    const known = () => {
      if (client.status.state === 'connecting' && !signal.aborted) return;
      end();
      resolve();
    };
    const end = client.onStatus(known);
    signal.addEventListener('abort', known, { once: true });
  });
}

/**
 * Asks the relay's model, else the player's own. Where there is neither the step fails at once, and
 * its fallback answers.
 */
async function askModel(
  game: Game,
  effect: ModelEffect,
  signal: AbortSignal,
): Promise<ModelAnswer> {
  await relayKnown(game, signal);
  const { request } = effect;
  const { state } = game.client.status;
  const own = game.own.current;
  if (state === 'online' || state === 'slow') {
    try {
      return await askRelay(game, request, signal);
    } catch (error) {
      if (!own || signal.aborted) throw error;
    }
  }
  if (own) return own.answer(request, signal);
  throw new EffectFailure('no_model', 'There is no relay now, and no model of your own.');
}

async function askRelay(
  game: Game,
  request: ModelRequest,
  signal: AbortSignal,
): Promise<ModelAnswer> {
  try {
    const pieces = game.client.chat({ model: RELAY_MODEL, ...askedOf(request) }, { signal });
    for await (const piece of pieces) {
      if (piece.type !== 'done') continue;
      return { ...answerOf(piece), ...(piece.model === null ? {} : { model: piece.model }) };
    }
    throw new EffectFailure('model_failed', 'The model said nothing.');
  } catch (error) {
    if (error instanceof ClientError) {
      throw new EffectFailure(error.code, error.message, error.retryAfterMs);
    }
    throw error;
  }
}

export function createRuns(game: Game): Runs {
  const list = signal<readonly RunView[]>([]);
  const open = signal<string | null>(null);
  const events = signal<readonly RunEvent[]>([]);
  const ready = signal(false);
  const elsewhere = signal(false);
  const model = (effect: ModelEffect, signal: AbortSignal) => askModel(game, effect, signal);

  const show = (workflows: Workflows) => {
    list.value = [...workflows.list()].reverse();
  };
  async function readEvents(workflows: Workflows): Promise<void> {
    const id = open.value;
    if (id === null) return;
    const shown = list.value.find((run) => run.id === id);
    // One that was not taken up has none to show.
    if (shown?.status === 'parked' && shown.error) return;
    const found = await workflows.events(id);
    if (open.value === id) events.value = found;
  }
  async function begin(): Promise<Workflows> {
    ready.value = false;
    const locks = await navigator.locks?.query();
    elsewhere.value = locks?.held?.some(({ name }) => name === JOURNAL) ?? false;
    const workflows = await startWorkflows({ journal: { indexeddb: JOURNAL }, model }).catch(
      (error: unknown) => {
        // A browser that keeps nothing can still run them.
        if ((error as { code?: unknown }).code !== 'journal_failed') throw error;
        return startWorkflows({ model });
      },
    );
    show(workflows);
    ready.value = true;
    elsewhere.value = false;
    workflows.onChange((run) => {
      show(workflows);
      if (run.id === open.value) readEvents(workflows).catch(game.tell);
    });
    return workflows;
  }
  let loading = begin();
  loading.catch(game.tell);
  /** Runs whose way back was refused: told once, and left to the player. */
  const refused = new Set<string>();
  /** What has come to its end at the relay is fetched. */
  async function look(): Promise<void> {
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
  const looking = setInterval(() => void look().catch(game.tell), LOOK_MS);
  addEventListener('pagehide', () => clearInterval(looking));
  // A page that goes away breaks off its calls. That is no answer of a model: the runs stop where
  // they are, and ask again when there is a page again.
  addEventListener('pagehide', () => {
    loading.then(
      (workflows) => workflows.dispose(),
      () => undefined, // told already
    );
  });
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) loading = begin();
  });

  const run = (work: (workflows: Workflows) => Promise<unknown>): void =>
    void loading.then(work).catch(game.tell);

  async function inputFor(offer: Offer, team: number, text: string): Promise<unknown> {
    if (offer.input === 'text') return inputOf(offer.workflow, text);
    const { team_id: _, ...situation } = await game.engine()!.situation(team as TeamId);
    return { ...situation, team_id: ['red', 'blue', 'green', 'yellow'][team] };
  }

  return {
    list,
    open,
    events,
    ready,
    elsewhere,
    start: (offer, team, text) =>
      run(async (workflows) => {
        const view = await workflows.start(offer.workflow, await inputFor(offer, team, text));
        show(workflows);
        open.value = view.id;
        events.value = [];
        await readEvents(workflows);
      }),
    toggle: (id) => {
      open.value = open.value === id ? null : id;
      events.value = [];
      run(readEvents);
    },
    answer: (id, question, text) =>
      run((workflows) => workflows.answer(id, question, jsonIn(text).json ?? text)),
    cancel: (id) => run((workflows) => workflows.cancel(id, 'by the player')),
    move: (id) =>
      run(async (workflows) => {
        if (game.relay === null) return;
        const bundle = await workflows.export(id);
        try {
          await moveToRelay(game.relay, bundle);
        } catch (error) {
          // It was not taken: it goes on here.
          await workflows.import(bundle);
          throw error;
        }
        show(workflows);
      }),
    back: (id) =>
      run(async (workflows) => {
        if (game.relay === null) return;
        await workflows.import(await bringBack(game.relay, id));
      }),
    resume: (id) => run((workflows) => workflows.resume(id)),
    remove: (id) =>
      run(async (workflows) => {
        await workflows.remove(id);
        if (open.value === id) open.value = null;
        show(workflows);
      }),
  };
}
