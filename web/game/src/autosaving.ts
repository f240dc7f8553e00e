/** When the match is kept, so that a reload goes on with it. */

import type { Game } from './game';
import type { MatchChoice } from './match/choice';
import type { Autosave } from './offline/index';
import type { State } from './state';

/** At most so much of a match is lost by a reload. */
const KEEP_EVERY_MS = 3000;

/** Keeps the match that is played from now on. */
export function startAutosaving({ state, engine, tell }: Game, autosave: Autosave): void {
  const save = (bytes: Uint8Array): void => {
    if (state.mode.value !== 'live' || state.ending.value) return;
    autosave.save({ state: bytes, tick: state.tick.value, title: titleFor(state.choice.value) });
  };
  const keep = (): void => void engine()?.saveState().then(save, tell);
  // In fast play three seconds are long: the engine hands its state over by ticks, too.
  engine()?.onState(save);
  setInterval(() => {
    if (state.playing.value) keep();
  }, KEEP_EVERY_MS);
  keepAtPauses(state, keep);
  // A finished match is not gone back to, and its end is the moment for a newer page.
  state.ending.subscribe((ending) => {
    if (ending && state.mode.value === 'live') void autosave.clear();
  });
}

function keepAtPauses({ playing }: State, keep: () => void): void {
  playing.subscribe((plays) => {
    if (!plays) keep();
  });
  // What a page has not begun to write when it is left is lost.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') keep();
  });
}

export function titleFor({ map, seed, players }: MatchChoice): string {
  return JSON.stringify({ map, seed, players });
}

/** The kept match's choice, as far as it can be read: it only names the match for "Another seed". */
export function readTitle(title: string): Partial<MatchChoice> {
  try {
    return JSON.parse(title) as Partial<MatchChoice>;
  } catch {
    return {};
  }
}
