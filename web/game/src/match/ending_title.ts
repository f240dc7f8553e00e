/** Who won, in a few words: what is announced when a match ends. ending.ts says why. */

import type { Outcome } from '@redoubt/engine';
import { TEAM_NAMES } from '../render/palette';

const HOW: Readonly<Record<Outcome['by'], string>> = {
  territory: 'by territory',
  elimination: 'by elimination',
  domination: 'by domination',
  time_limit: 'on time',
};

export function endingTitle({ winner, by }: Outcome): string {
  return winner === null ? 'A draw' : `${TEAM_NAMES[winner]} wins ${HOW[by]}`;
}
