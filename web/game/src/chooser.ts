/**
 * Which match the page plays: from a link, from the autosave, by choice or from a file. The ways out
 * again are sharing.ts's.
 */

import { readTitle, startAutosaving } from './autosaving';
import type { Game } from './game';
import type { ParsedLink, SharedMatch } from './link/share-link';
import {
  FIRST_CHOICE,
  generatedSize,
  IMPORTED,
  mapSource,
  playersFor,
  SHIPPED_IDS,
  type MatchChoice,
  type PlayerChoice,
  type sourceOfText,
} from './match/choice';
import { paintedMap } from './match/painted_map';
import type { Matches } from './matches';
import {
  createAutosave,
  indexedDbStore,
  startOffline,
  watchInstallPrompt,
  type Autosave,
  type Offline,
} from './offline/index';
import { startOpening } from './opening';

const SEED_LIMIT = 1e9;

/** By then both sides have a few agents and some ground: something to look at. */
const FIRST_TICK = 450;

interface Chooser {
  readonly game: Game;
  readonly offline: Offline;
  readonly autosave: Autosave;
  /** The text of the map that was opened last. */
  imported: string | null;
  /** Ends the opening, while there is one. */
  opening: (() => void) | null;
}

export function createMatches(game: Game): Matches {
  const { state } = game;
  const installPrompt = watchInstallPrompt();
  const chooser: Chooser = {
    game,
    offline: startOffline(import.meta.env.DEV ? { container: undefined } : {}),
    autosave: createAutosave(indexedDbStore(), __VERSIONS__),
    imported: null,
    opening: null,
  };
  state.installable.value = installPrompt.available;
  installPrompt.onChange((available) => (state.installable.value = available));
  return {
    begin: (choice) => begin(chooser, choice),
    again: () => begin(chooser, { ...state.choice.value, seed: randomSeed() }),
    openFiles: (files) => openFiles(chooser, files),
    saveReplay: () => withMore(game, ({ saveReplay }) => saveReplay(game)),
    share: () => withMore(game, ({ share }) => share(game)),
    install: () => void installPrompt.ask(),
    endOpening: () => endOpening(chooser),
    open: () => open(chooser),
  };
}

/** Does what only some visitors want; its code is loaded for that, if it is not there yet. */
function withMore(
  { tell }: Game,
  work: (more: typeof import('./more')) => Promise<void> | void,
): void {
  import('./more').then(work).catch(tell);
}

function randomSeed(): string {
  return String(Math.floor(Math.random() * SEED_LIMIT));
}

function endOpening(chooser: Chooser): void {
  chooser.opening?.();
  chooser.opening = null;
}

async function mapText(id: string, imported: string | null): Promise<string | null> {
  if (generatedSize(id)) return null;
  if (id === IMPORTED) return imported;
  const answer = await fetch(new URL(`maps/${id}.json`, document.baseURI));
  if (!answer.ok) throw new Error(`The map ${id} did not load (${answer.status}).`);
  return answer.text();
}

/** A match, paused at its start. */
async function load({ game, autosave, imported }: Chooser, next: MatchChoice): Promise<void> {
  const { state } = game;
  const first = game.engine() === null;
  const text = await mapText(next.map, imported);
  // The map is there before the engine is: the page shows it meanwhile.
  if (first && text !== null) state.map.value = paintedMap(text) ?? state.map.value;
  await game.start({
    map: mapSource(next, text),
    seed: next.seed,
    players: playersFor(next),
    work: next.work,
  });
  if (first) startAutosaving(game, autosave);
  state.choice.value = next;
}

async function start(chooser: Chooser, next: MatchChoice, tick: number): Promise<void> {
  const { game } = chooser;
  await load(chooser, next);
  if (tick > 0) await game.engine()?.step(tick);
  game.play();
}

/** Goes on where a reload interrupted; false where there is nothing to go on with. */
async function resume(chooser: Chooser): Promise<boolean> {
  const { game, autosave } = chooser;
  const saved = await autosave.load();
  if (!saved) return false;
  const kept = { ...FIRST_CHOICE, ...readTitle(saved.title) };
  await load(chooser, kept.map === IMPORTED ? { ...kept, map: FIRST_CHOICE.map } : kept);
  if (!(await game.loadState(saved.state))) return false;
  game.state.choice.value = kept;
  game.play();
  return true;
}

function begin(chooser: Chooser, next: MatchChoice): void {
  const { game, offline } = chooser;
  endOpening(chooser);
  game.state.tab.value = 'roster';
  // Between two matches is when a newer page may take over; the choice is then made again there.
  if (offline.state === 'update_waiting' && game.state.ending.value) return offline.applyUpdate();
  start(chooser, next, 0).catch(game.tell);
}

async function open(chooser: Chooser): Promise<void> {
  const { game } = chooser;
  const { state } = game;
  const link = await readAddress();
  if (link.kind === 'match') return openLink(chooser, link.match);
  if (link.kind !== 'error' && (await resume(chooser))) return;
  await start(chooser, FIRST_CHOICE, FIRST_TICK);
  // Said when the match is there: the time to read it begins then.
  if (link.kind === 'error') game.say({ text: link.error.message, tone: 'warning' });
  chooser.opening = startOpening(state, state.players.value.length);
}

async function readAddress(): Promise<ParsedLink> {
  if (location.hash.length < 2) return { kind: 'none' };
  const { parseShareLink } = await import('./more');
  return parseShareLink(location.hash, SHIPPED_IDS);
}

async function openLink(chooser: Chooser, { tick, made, ...choice }: SharedMatch): Promise<void> {
  await start(chooser, choice, tick);
  if (made === __VERSIONS__) return;
  chooser.game.say({
    text: 'This link was made with another version; the match may go another way.',
    tone: 'warning',
  });
}

function openFiles(chooser: Chooser, files: FileList | null): void {
  const file = files?.[0];
  if (!file) return;
  endOpening(chooser);
  withMore(chooser.game, ({ openFile }) =>
    openFile(chooser.game, file, (...map) => beginMap(chooser, ...map)),
  );
}

async function beginMap(
  chooser: Chooser,
  map: ReturnType<typeof sourceOfText>,
  name: string,
  text: string,
): Promise<void> {
  const { game } = chooser;
  const { choice, players } = game.state;
  await game.start({ map, seed: choice.value.seed, work: choice.value.work });
  chooser.imported = text;
  choice.value = {
    ...choice.value,
    map: IMPORTED,
    players: players.value as PlayerChoice[],
  };
  game.say({ text: `${name} opened.`, tone: 'ok' });
  game.play();
}
