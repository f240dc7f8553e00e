/**
 * Which match the page plays: from a link, from the autosave, by choice or from a file; and the ways
 * out again, a link or a replay file.
 */

import { openFile, saveFile } from './files';
import type { Game } from './game';
import { formatShareLink, parseShareLink } from './link/share-link';
import {
  FIRST_CHOICE,
  generatedSize,
  IMPORTED,
  mapSource,
  SHIPPED_MAPS,
  teamsOf,
  type MatchChoice,
  type PlayerChoice,
} from './match/choice';
import { paintedMap } from './match/painted_map';
import { createAutosave, indexedDbStore, startOffline, watchInstallPrompt } from './offline/index';
import { startOpening } from './opening';

const SEED_LIMIT = 1e9;
const SHIPPED_IDS = SHIPPED_MAPS.map((map) => map.id).filter((id) => !generatedSize(id));

/** By then both sides have a few agents and some ground: something to look at. */
const FIRST_TICK = 450;
/** At most so much of a match is lost by a reload. */
const KEEP_EVERY_MS = 3000;

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

export function createMatches(game: Game): Matches {
  const { state } = game;
  const offline = startOffline(import.meta.env.DEV ? { container: undefined } : {});
  const installPrompt = watchInstallPrompt();
  const autosave = createAutosave(indexedDbStore(), __VERSIONS__);
  let imported: string | null = null;
  let opening: (() => void) | null = null;

  state.installable.value = installPrompt.available;
  installPrompt.onChange((available) => (state.installable.value = available));

  function endOpening(): void {
    opening?.();
    opening = null;
  }

  async function mapText(id: string): Promise<string | null> {
    if (generatedSize(id)) return null;
    if (id === IMPORTED) return imported;
    const answer = await fetch(new URL(`maps/${id}.json`, document.baseURI));
    if (!answer.ok) throw new Error(`The map ${id} did not load (${answer.status}).`);
    return answer.text();
  }

  function playersFor(wanted: MatchChoice): PlayerChoice[] {
    const teams = teamsOf(wanted.map) ?? wanted.players.length;
    return Array.from({ length: teams }, (_, team) => wanted.players[team] ?? 'strategist');
  }

  /** A match, paused at its start. */
  async function load(next: MatchChoice): Promise<void> {
    const first = game.engine() === null;
    const text = await mapText(next.map);
    // The map is there before the engine is: the page shows it meanwhile.
    if (first && text !== null) state.map.value = paintedMap(text) ?? state.map.value;
    await game.start({
      map: mapSource(next, text),
      seed: next.seed,
      players: playersFor(next),
      work: next.work,
    });
    if (first) keepState();
    state.choice.value = next;
  }

  async function start(next: MatchChoice, tick: number): Promise<void> {
    await load(next);
    if (tick > 0) await game.engine()?.step(tick);
    game.play();
  }

  function keepState(): void {
    const save = (bytes: Uint8Array): void => {
      if (state.mode.value !== 'live' || state.ending.value) return;
      const title = JSON.stringify({
        map: state.choice.value.map,
        seed: state.choice.value.seed,
        players: state.choice.value.players,
      });
      autosave.save({ state: bytes, tick: state.tick.value, title });
    };
    const keep = (): void => void game.engine()?.saveState().then(save, game.tell);
    // In fast play three seconds are long: the engine hands its state over by ticks, too.
    game.engine()?.onState(save);
    setInterval(() => {
      if (state.playing.value) keep();
    }, KEEP_EVERY_MS);
    state.playing.subscribe((playing) => {
      if (!playing) keep();
    });
    // What a page has not begun to write when it is left is lost.
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') keep();
    });
    // A finished match is not gone back to, and its end is the moment for a newer page.
    state.ending.subscribe((ending) => {
      if (!ending || state.mode.value !== 'live') return;
      void autosave.clear();
    });
  }

  /** Goes on where a reload interrupted; false where there is nothing to go on with. */
  async function resume(): Promise<boolean> {
    const saved = await autosave.load();
    if (!saved) return false;
    const kept = { ...FIRST_CHOICE, ...readTitle(saved.title) };
    await load(kept.map === IMPORTED ? { ...kept, map: FIRST_CHOICE.map } : kept);
    if (!(await game.loadState(saved.state))) return false;
    state.choice.value = kept;
    game.play();
    return true;
  }

  function begin(next: MatchChoice): void {
    endOpening();
    state.tab.value = 'roster';
    // Between two matches is when a newer page may take over; the choice is then made again there.
    if (offline.state === 'update_waiting' && state.ending.value) return offline.applyUpdate();
    start(next, 0).catch(game.tell);
  }

  async function open(): Promise<void> {
    const link = parseShareLink(location.hash, SHIPPED_IDS);
    if (link.kind === 'match') {
      const { map, seed, players, work, tick, made } = link.match;
      await start({ map, seed, players, work }, tick);
      if (made !== __VERSIONS__) {
        game.say({
          text: 'This link was made with another version; the match may go another way.',
          tone: 'warning',
        });
      }
      return;
    }
    if (link.kind !== 'error' && (await resume())) return;
    await start(FIRST_CHOICE, FIRST_TICK);
    // Said when the match is there: the time to read it begins then.
    if (link.kind === 'error') game.say({ text: link.error.message, tone: 'warning' });
    opening = startOpening(state, state.players.value.length);
  }

  function saveReplay(): void {
    game
      .engine()
      ?.saveReplay()
      .then((bytes) =>
        saveFile(
          `redoubt-${state.choice.value.map.replace(':', '-')}-seed-${state.seed.value}.replay`,
          bytes,
        ),
      )
      .catch(game.tell);
  }

  function share(): void {
    const link = formatShareLink(
      {
        made: __VERSIONS__,
        map: state.choice.value.map,
        seed: state.seed.value,
        players: playersFor(state.choice.value),
        work: state.choice.value.work,
        tick: state.tick.value,
      },
      SHIPPED_IDS,
    );
    // What came from outside is in no link: such a match is given away as a file.
    if (link === null || !state.exact.value || state.mode.value === 'replay') {
      saveReplay();
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

  function openFiles(files: FileList | null): void {
    const file = files?.[0];
    if (!file) return;
    endOpening();
    const beginMap: Parameters<typeof openFile>[2] = async (source, name, text) => {
      await game.start({
        map: source,
        seed: state.choice.value.seed,
        work: state.choice.value.work,
      });
      imported = text;
      state.choice.value = {
        ...state.choice.value,
        map: IMPORTED,
        players: state.players.value as PlayerChoice[],
      };
      game.say({ text: `${name} opened.`, tone: 'ok' });
      game.play();
    };
    openFile(game, file, beginMap).catch(game.tell);
  }

  return {
    begin,
    again: () =>
      begin({ ...state.choice.value, seed: String(Math.floor(Math.random() * SEED_LIMIT)) }),
    openFiles,
    saveReplay,
    share,
    install: () => void installPrompt.ask(),
    endOpening,
    open,
  };
}

/** The kept match's choice, as far as it can be read: it only names the match for "Another seed". */
function readTitle(title: string): Partial<MatchChoice> {
  try {
    return JSON.parse(title) as Partial<MatchChoice>;
  } catch {
    return {};
  }
}
