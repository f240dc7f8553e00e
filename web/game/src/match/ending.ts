/** Who won and why, in words. */

import type { Outcome } from '@redoubt/engine';
import { TEAM_NAMES } from '../render/palette';
import { clock, percent } from '../text/format';
import { endingTitle } from './ending_title';
import type { TeamScore } from './scores';
import type { TurningPoint } from './turning_point';

export interface EndingWords {
  readonly title: string;
  readonly why: string;
}

export function describeEnding(outcome: Outcome, scores: readonly TeamScore[]): EndingWords {
  const title = endingTitle(outcome);
  if (outcome.winner === null) {
    return {
      title,
      why: `Equal territory when the time was up (${clock(outcome.tick)}).`,
    };
  }
  const name = TEAM_NAMES[outcome.winner];
  const own = scores[outcome.winner];
  const share = own ? percent(own.sharePermille) : '';
  const why = {
    territory: `${name} held ${share} of the map long enough.`,
    elimination: 'No other team has agents left, or the means to build one.',
    domination: `${name} delivered ${own?.deposits ?? 0} units, over ten times as much as anyone else.`,
    time_limit: `Most territory when the time was up: ${share}.`,
  }[outcome.by];
  return { title, why: `${why} ${clock(outcome.tick)} played.` };
}

export function describeTurning(turning: TurningPoint, winner: number): string {
  const name = TEAM_NAMES[winner];
  const gain = percent(Math.abs(turning.gain));
  return turning.kind === 'lead_for_good'
    ? `Turning point at ${clock(turning.tick)}: ${name} takes the lead for good, ${gain} ahead 20 s later.`
    : `Turning point at ${clock(turning.tick)}: ${name} gains ${gain} of the map in 20 s.`;
}
