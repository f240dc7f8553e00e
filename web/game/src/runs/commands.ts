/** What the player asks for about runs. What is refused is told. */

import { TEAM_NAMES } from '@redoubt/client';
import type { TeamId } from '@redoubt/engine/worker';
import type { Workflows } from '@redoubt/engine/workflows';
import type { Game } from '../game';
import { jsonIn } from './answers';
import { bringBack, moveToRelay } from './moving';
import { inputOf, type Offer } from './offers';
import { readEvents, showRuns, type Runs } from './runs';

/** Does it once the worker has loaded. */
function run({ workflows, game }: Runs, work: (workflows: Workflows) => Promise<unknown>): void {
  workflows.then(work).catch(game.tell);
}

export function startRun(runs: Runs, offer: Offer, team: number, text: string): void {
  run(runs, async (workflows) => {
    const input = await inputFor(runs.game, offer, team, text);
    const view = await workflows.start(offer.workflow, input);
    showRuns(runs, workflows);
    runs.open.value = view.id;
    runs.events.value = [];
    await readEvents(runs, workflows);
  });
}

async function inputFor(game: Game, offer: Offer, team: number, text: string): Promise<unknown> {
  if (offer.input === 'text') return inputOf(offer.workflow, text);
  const { team_id: _, ...situation } = await game.engine()!.situation(team as TeamId);
  return { ...situation, team_id: TEAM_NAMES[team] };
}

/** Opens a run up, or closes it. */
export function toggleRun(runs: Runs, id: string): void {
  runs.open.value = runs.open.value === id ? null : id;
  runs.events.value = [];
  run(runs, (workflows) => readEvents(runs, workflows));
}

export function answerRun(runs: Runs, id: string, question: string, text: string): void {
  run(runs, (workflows) => workflows.answer(id, question, jsonIn(text).json ?? text));
}

export function cancelRun(runs: Runs, id: string): void {
  run(runs, (workflows) => workflows.cancel(id, 'by the player'));
}

/** Tries a run once more that could not be taken up. */
export function resumeRun(runs: Runs, id: string): void {
  run(runs, (workflows) => workflows.resume(id));
}

export function removeRun(runs: Runs, id: string): void {
  run(runs, async (workflows) => {
    await workflows.remove(id);
    if (runs.open.value === id) runs.open.value = null;
    showRuns(runs, workflows);
  });
}

/** Parks the run here and lets the relay go on with it; its result comes back by itself. */
export function moveRun(runs: Runs, id: string): void {
  const { relay } = runs.game;
  run(runs, async (workflows) => {
    if (relay === null) return;
    const bundle = await workflows.export(id);
    try {
      await moveToRelay(relay, bundle);
    } catch (error) {
      // It was not taken: it goes on here.
      await workflows.import(bundle);
      throw error;
    }
    showRuns(runs, workflows);
  });
}

/** Takes a run back from the relay, as far as it has come there. */
export function bringRunBack(runs: Runs, id: string): void {
  const { relay } = runs.game;
  run(runs, async (workflows) => {
    if (relay !== null) await workflows.import(await bringBack(relay, id));
  });
}
