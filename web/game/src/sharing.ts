/** The ways out of the page: a link to the moment, or a replay file. */

import { saveFile } from './files';
import type { Game } from './game';
import { formatShareLink } from './link/share-link';
import { playersFor, SHIPPED_IDS } from './match/choice';

export function saveReplay({ state, engine, tell }: Game): void {
  const name = `redoubt-${state.choice.value.map.replace(':', '-')}-seed-${state.seed.value}.replay`;
  engine()
    ?.saveReplay()
    .then((bytes) => saveFile(name, bytes))
    .catch(tell);
}

export function share(game: Game): void {
  const { state } = game;
  const link = linkTo(game);
  // What came from outside is in no link: such a match is given away as a file.
  if (link === null || !state.exact.value || state.mode.value === 'replay') {
    saveReplay(game);
    game.say({
      text: 'This match has moves from outside; it is shared as a replay file.',
      tone: 'info',
    });
    return;
  }
  const address = new URL(link, location.href).href;
  history.replaceState(null, '', link);
  navigator.clipboard
    .writeText(address)
    .then(() => game.say({ text: 'Link to this moment copied.', tone: 'ok' }))
    .catch(() => game.say({ text: 'The link is in the address bar.', tone: 'info' }));
}

/** Null where a link cannot give this match. */
function linkTo({ state }: Game): string | null {
  const choice = state.choice.value;
  return formatShareLink(
    {
      made: __VERSIONS__,
      map: choice.map,
      seed: state.seed.value,
      players: playersFor(choice),
      work: choice.work,
      tick: state.tick.value,
    },
    SHIPPED_IDS,
  );
}
