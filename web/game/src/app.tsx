import { signal, useComputed, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { Board } from './board/board';
import type { Game } from './game';
import { Dock } from './panels/dock';
import { LayerStrip } from './panels/layer_strip';
import { Icon } from './panels/marks';
import type { Matches } from './matches';
import { Roster } from './panels/roster';
import { StatusLine } from './panels/status_line';
import { StrategyCards } from './panels/strategy_card';
import { TopBar } from './panels/top_bar';
import type { Tab } from './state';

/** Runs and what they need: loaded when they are first wanted, or to go on with those kept. */
const runs = signal<typeof import('./panels/runs_panel') | null>(null);
const RUNS_DATABASE = 'redoubt-runs';

function loadRuns(game: Game): void {
  void import('./panels/runs_panel').then((panels) => {
    panels.runsOf(game);
    runs.value = panels;
  });
}

/** Runs that an earlier visit left go on, whether their tab is opened or not. */
async function resumeRuns(game: Game): Promise<void> {
  const kept = await indexedDB.databases?.().catch(() => []);
  if (kept?.some(({ name }) => name === RUNS_DATABASE)) loadRuns(game);
}

/** Null until the first of these panels is wanted, or the match has run for a moment. */
const more = signal<typeof import('./more') | null>(null);
const MORE_AFTER_MS = 2500;

function loadNow(): void {
  void import('./more').then((panels) => (more.value = panels));
}

export function loadMore(game: Game): void {
  setTimeout(() => {
    loadNow();
    void resumeRuns(game);
  }, MORE_AFTER_MS);
}

interface Props {
  readonly game: Game;
  readonly matches: Matches;
}

const TABS: readonly { readonly name: Tab; readonly label: string }[] = [
  { name: 'roster', label: 'Roster' },
  { name: 'charts', label: 'Charts' },
  { name: 'runs', label: 'Runs' },
  { name: 'relay', label: 'Relay' },
  { name: 'match', label: 'Match' },
];

export function App({ game, matches }: Props) {
  return (
    <div class="page" data-sheet={game.state.sheetOpen}>
      <TopBar game={game} share={matches.share} />
      <LayerStrip game={game} />
      <Board game={game} />
      <Dock game={game} />
      <Rail game={game} matches={matches} />
      <p id="cell-text" class="visually-hidden" aria-live="polite">
        {game.state.gridOn.value ? game.state.cellText : ''}
      </p>
      <p class="visually-hidden" role="status" aria-live="polite">
        {game.state.announcement}
      </p>
    </div>
  );
}

function Rail({ game, matches }: Props) {
  const { sheetOpen } = game.state;
  const rail = useRef<HTMLElement>(null);
  // What peeks out of a closed sheet is its beginning: what is going on.
  useSignalEffect(() => {
    if (!sheetOpen.value) rail.current?.scrollTo(0, 0);
  });
  return (
    <aside class="rail" ref={rail} aria-label="Strategies and panels">
      <button
        type="button"
        class="sheet-handle"
        aria-expanded={sheetOpen.value}
        onClick={() => (sheetOpen.value = !sheetOpen.value)}
      >
        <Icon name="chevron" />
        <span class="visually-hidden">
          {sheetOpen.value ? 'Close the panels' : 'Open the panels'}
        </span>
      </button>
      <StatusLine game={game} />
      <Ended game={game} matches={matches} />
      <StrategyCards game={game} />
      <Tabs game={game} matches={matches} />
    </aside>
  );
}

function Ended({ game, matches }: Props) {
  const panels = more.value;
  const { ending, tick } = game.state;
  // While one looks back at an earlier moment the match has not ended there.
  const atEnd = useComputed(() => ending.value !== null && tick.value >= ending.value.outcome.tick);
  if (!atEnd.value) return null;
  if (!panels) {
    loadNow();
    return null;
  }
  return <panels.EndingPanel game={game} again={matches.again} saveReplay={matches.saveReplay} />;
}

function Tabs({ game, matches }: Props) {
  const { tab } = game.state;
  const shown = TABS.some((entry) => entry.name === tab.value) ? tab.value : 'keys';
  const move = (event: KeyboardEvent, index: number) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = TABS[(index + step + TABS.length) % TABS.length].name;
    tab.value = next;
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <section class="tabs">
      <div class="tab-list" role="tablist" aria-label="Panels">
        {TABS.map((entry, i) => (
          <button
            type="button"
            role="tab"
            key={entry.name}
            id={`tab-${entry.name}`}
            aria-selected={tab.value === entry.name}
            aria-controls="tab-panel"
            tabIndex={tab.value === entry.name || (shown === 'keys' && i === 0) ? 0 : -1}
            onKeyDown={(event) => move(event, i)}
            onClick={() => (tab.value = entry.name)}
          >
            {entry.label}
          </button>
        ))}
      </div>
      <div
        class="tab-panel"
        role="tabpanel"
        id="tab-panel"
        tabIndex={0}
        aria-labelledby={shown === 'keys' ? undefined : `tab-${shown}`}
        aria-label={shown === 'keys' ? 'Keyboard' : undefined}
      >
        <Panel game={game} matches={matches} tab={shown} />
      </div>
    </section>
  );
}

function Panel({ game, matches, tab }: Props & { tab: Tab }) {
  if (tab === 'roster') return <Roster game={game} />;
  if (tab === 'runs') {
    if (runs.value) return <runs.value.RunsPanel game={game} />;
    loadRuns(game);
    return <p class="empty">Loading\u2026</p>;
  }
  const panels = more.value;
  if (!panels) {
    loadNow();
    return <p class="empty">Loading\u2026</p>;
  }
  switch (tab) {
    case 'charts':
      return <panels.ChartsTab game={game} />;
    case 'relay':
      return <panels.RelayPanel game={game} />;
    case 'match':
      return (
        <panels.MatchPanel
          key={JSON.stringify(game.state.choice.value)}
          game={game}
          matches={matches}
        />
      );
    case 'keys':
      return <panels.KeysPanel />;
  }
}
