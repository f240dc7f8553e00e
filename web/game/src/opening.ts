/**
 * The first ten seconds of a match that nobody asked for: Red's arrow draws itself, the agents that
 * carry it out are ringed, then one line says what to do. The first input ends it.
 */

import type { State } from './state';

const ARROW_MS = 1500;
const OBEY_MS = 3000;
const OTHERS_MS = 4200;
const LINE_MS = 5000;
const OBEY_SHOWN_MS = 3500;
export const OPENING_LINE = "Red's plan. Click a reason on Red's card to see it on the map.";

/** Starts the opening; returns what ends it at once. */
export function startOpening(state: State, teams: number): () => void {
  const timers: ReturnType<typeof setTimeout>[] = [];
  const at = (ms: number, then: () => void) => timers.push(setTimeout(then, ms));
  const none = Array.from({ length: teams }, () => false);
  state.plansShown.value = none;
  at(ARROW_MS, () => (state.plansShown.value = none.map((_, team) => team === 0)));
  at(OBEY_MS, () => {
    const arrows = state.explanations.value[0]?.plan ?? [];
    state.obeying.value = new Set(arrows.flatMap((arrow) => arrow.agents));
  });
  at(OTHERS_MS, () => (state.plansShown.value = none.map(() => true)));
  at(LINE_MS, () => (state.hint.value = OPENING_LINE));
  at(OBEY_MS + OBEY_SHOWN_MS, () => (state.obeying.value = new Set()));
  return () => {
    for (const timer of timers) clearTimeout(timer);
    state.plansShown.value = none.map(() => true);
    state.obeying.value = new Set();
    state.hint.value = null;
  };
}
