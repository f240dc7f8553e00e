/** What the ends of a heat map's ramp mean, in the strategist's units. */

import type { HeatName } from '../match/layers';
import { TEAM_NAMES } from '../render/palette';

export interface HeatLegend {
  readonly low: string;
  readonly high: string;
}

/** 1000 is a default attacker in full health, or ten units of stock, and fades with the distance. */
const UNITS = { threat: 1000, influence: 1000, resource_pull: 100 } as const;

const counted = (count: string, one: string): string =>
  `${count} ${one}${count === '1' ? '' : 's'}`;

const amount = (upper: number, heat: HeatName): string =>
  String(Math.round((upper / UNITS[heat]) * 100) / 100);

export function heatLegend(heat: HeatName, team: number, teams: number, upper: number): HeatLegend {
  const name = TEAM_NAMES[team];
  const enemy = teams === 2 ? TEAM_NAMES[1 - team] : 'Others';
  const end = amount(upper, heat);
  switch (heat) {
    case 'threat':
      return { low: `Threat to ${name} 0`, high: counted(end, 'fighter') };
    case 'influence':
      return { low: `${enemy} ${end}`, high: `${name} ${counted(end, 'fighter')}` };
    case 'resource_pull':
      return { low: `Pull on ${name} 0`, high: counted(end, 'unit') };
  }
}
