/**
 * Which match the page plays: from a link, from the autosave, by choice or from a file. The ways out
 * again are sharing.ts's.
 */

import { readTitle, startAutosaving } from './autosaving';
import { openFile } from './files';
import type { Game } from './game';
import { parseShareLink, type SharedMatch } from './link/share-link';
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
import {
  createAutosave,
  indexedDbStore,
  startOffline,
  watchInstallPrompt,
  type Autosave,
  type Offline,
} from './offline/index';
import { startOpening } from './opening';
import { saveReplay, share } from './sharing';

const SEED_LIMIT = 1e9;

/** By then both sides have a few agents and some ground: something to look at. */
const FIRST_TICK = 450;

export interface Matches {
  readonly begin: (choice: MatchChoice) => void;
  readonly again: () => void;
  readonly openFiles: (files: FileList | null) => void;
  readonly saveReplay: () => void;
  readonly share: () => void;
  readonly install: () => void;
  readonly endOpening: () => void;
  /** Starts what the address, the autosave or nobody asks for. */
  readonly open: () => Promise<void>;
}

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
    saveReplay: () => saveReplay(game),
    share: () => share(game),
    install: () => void installPrompt.ask(),
    endOpening: () => endOpening(chooser),
    open: () => open(chooser),
  };
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
  const link = parseShareLink(location.hash, SHIPPED_IDS);
  if (link.kind === 'match') return openLink(chooser, link.match);
  if (link.kind !== 'error' && (await resume(chooser))) return;
  await start(chooser, FIRST_CHOICE, FIRST_TICK);
  // Said when the match is there: the time to read it begins then.
  if (link.kind === 'error') game.say({ text: link.error.message, tone: 'warning' });
  chooser.opening = startOpening(state, state.players.value.length);
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
  openFile(chooser.game, file, (...map) => beginMap(chooser, ...map)).catch(chooser.game.tell);
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
