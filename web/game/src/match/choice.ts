/** Which match is played: a map by name, a seed, and who plays. */

import type { MapSource } from '@redoubt/engine';

export const PLAYERS = ['strategist', 'rush', 'agentarena', 'random'] as const;
export type PlayerChoice = (typeof PLAYERS)[number];

export interface MatchChoice {
  /** A shipped map's id, "gen:40x28" or "gen:41x29x4" with its teams, or IMPORTED. */
  readonly map: string;
  readonly seed: string;
  readonly players: readonly PlayerChoice[];
  readonly work: number;
}

export const WORK_DEFAULT = 500;
export const IMPORTED = 'imported';

export interface MapEntry {
  readonly id: string;
  readonly label: string;
  readonly teams: number;
}

/** What "New match" offers; the first one is what the page opens with. */
export const SHIPPED_MAPS: readonly MapEntry[] = [
  { id: 'valley', label: 'Valley, 2 teams', teams: 2 },
  { id: 'narrows', label: 'Narrows, 2 teams, small', teams: 2 },
  { id: 'triskele', label: 'Triskele, 3 teams', teams: 3 },
  { id: 'crossroads', label: 'Crossroads, 4 teams', teams: 4 },
  { id: 'gen:40x28', label: 'From the seed, 40\u00d728', teams: 2 },
  { id: 'gen:30x24', label: 'From the seed, 30\u00d724', teams: 2 },
];

/** Maps that a link may name beside those made from a seed. */
export const SHIPPED_IDS = SHIPPED_MAPS.map(({ id }) => id).filter((id) => !generatedSize(id));

/** What a map is called: a shipped one as its list calls it. */
export const titleOf = (name: string): string =>
  SHIPPED_MAPS.find((entry) => entry.id === name)?.label.split(',')[0] ?? name;

/** What a visitor without a link sees: seeded, so that the first impression is the same for all. */
export const FIRST_CHOICE: MatchChoice = {
  map: SHIPPED_MAPS[0].id,
  seed: '7',
  players: ['strategist', 'strategist'],
  work: WORK_DEFAULT,
};

/** "gen:40x28" or "gen:41x29x4"; null for anything else. */
export function generatedSize(
  map: string,
): { readonly width: number; readonly height: number; readonly teams: number } | null {
  const match = /^gen:(\d{1,3})x(\d{1,3})(?:x([2-4]))?$/.exec(map);
  if (!match) return null;
  return { width: Number(match[1]), height: Number(match[2]), teams: Number(match[3] ?? 2) };
}

/** How many play on a map of this page; null where only the engine can tell. */
export function teamsOf(map: string): number | null {
  return SHIPPED_MAPS.find((entry) => entry.id === map)?.teams ?? generatedSize(map)?.teams ?? null;
}

/** Who plays each of the map's teams; the strategist where nobody was chosen. */
export function playersFor(
  { map, players }: MatchChoice,
  teams = teamsOf(map) ?? players.length,
): PlayerChoice[] {
  return Array.from({ length: teams }, (_, team) => players[team] ?? 'strategist');
}

/** What the engine is given. `text` is the file of a shipped or imported map. */
export function mapSource(choice: MatchChoice, text: string | null): MapSource {
  const size = generatedSize(choice.map);
  if (size) return { generate: { ...size, seed: choice.seed } };
  return sourceOfText(text ?? '', choice.map);
}

/** A map file in any of the three formats, told apart by content. */
export function sourceOfText(text: string, name: string): MapSource {
  const trimmed = text.trimStart();
  if (!trimmed.startsWith('{')) return { wesnoth: text, name };
  return /"format"\s*:\s*"redoubt-map"/.test(text) ? { compact: text } : { tiled: text };
}
