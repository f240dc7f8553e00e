/** The page: reads the address, paints the map, starts the engine and lets a match run. */

import 'uplot/dist/uPlot.min.css';
import './style/page.css';
import { render } from 'preact';
import { App, loadMore } from './app';
import { createMatches } from './chooser';
import { createGame } from './game';
import { installInput } from './input';
import { timed } from './measure';

const game = createGame(new URL('.', document.baseURI));
const { state } = game;

const reduced = matchMedia('(prefers-reduced-motion: reduce)');
state.still.value = reduced.matches;
reduced.addEventListener('change', () => (state.still.value = reduced.matches));

const matches = createMatches(game);
installInput(game, matches, matches.endOpening);
timed(() => render(<App game={game} matches={matches} />, document.getElementById('app')!));
matches
  .open()
  .catch(game.tell)
  .finally(() => loadMore(game));
