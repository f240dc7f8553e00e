/** Keys, first input and dropped files, for the page as a whole. */

import type { Game } from './game';
import { actionFor, type Action, type Focus } from './keys';
import { timed } from './measure';
import type { Matches } from './matches';

function focusOf(target: EventTarget | null, gridOn: boolean): Focus {
  if (!(target instanceof HTMLElement)) return 'page';
  if (target instanceof HTMLCanvasElement) return gridOn ? 'grid' : 'page';
  if (target instanceof HTMLInputElement) {
    return target.type === 'range' || target.type === 'file' ? 'control' : 'text';
  }
  if (target instanceof HTMLTextAreaElement) return 'text';
  if (target instanceof HTMLSelectElement) return 'text';
  return target.closest('button, a, [role=tab]') ? 'control' : 'page';
}

function perform(action: Action, game: Game, matches: Matches): void {
  const { state } = game;
  switch (action.do) {
    case 'toggle_play':
      return game.togglePlay();
    case 'step':
      return game.step(action.ticks);
    case 'speed':
      return game.changeSpeed(action.direction);
    case 'skip':
      return game.seek(state.tick.value + action.seconds * 10);
    case 'seek_start':
      return game.seek(0);
    case 'seek_end':
      return game.seek(state.headTick.value);
    case 'layer':
      return game.toggle(action.layer);
    case 'grid':
      state.gridOn.value = !state.gridOn.value;
      return;
    case 'follow':
      return game.followNext();
    case 'share':
      return matches.share();
    case 'keys':
      state.tab.value = state.tab.value === 'keys' ? 'roster' : 'keys';
      state.sheetOpen.value = true;
      return;
    case 'escape':
      return stepBack(game);
  }
}

/** Escape undoes the nearest thing first. */
function stepBack({ state }: Game): void {
  if (state.gridOn.value) state.gridOn.value = false;
  else if (state.followed.value !== null) state.followed.value = null;
  else if (state.tab.value === 'keys') state.tab.value = 'roster';
  else if (state.sheetOpen.value) state.sheetOpen.value = false;
  else state.notice.value = null;
}

export function installInput(game: Game, matches: Matches, firstInput: () => void): void {
  const { state } = game;
  const first = () => timed(firstInput);
  // Not when the pointer goes down: what then moves on the page would slip away under a click.
  addEventListener('pointerup', first, { once: true });
  addEventListener('keydown', first, { once: true });
  addEventListener('keydown', (event) =>
    timed(() => {
      if (event.defaultPrevented) return;
      const action = actionFor(event, focusOf(event.target, state.gridOn.value));
      if (!action) return;
      event.preventDefault();
      perform(action, game, matches);
    }),
  );
  addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    state.dropping.value = true;
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) state.dropping.value = false;
  });
  addEventListener('drop', (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    state.dropping.value = false;
    matches.openFiles(event.dataTransfer.files);
  });
}
