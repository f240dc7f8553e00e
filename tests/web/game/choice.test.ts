import { describe, expect, it } from 'vitest';
import { readTitle, titleFor } from '../../../web/game/src/autosaving';
import { FIRST_CHOICE, playersFor, SHIPPED_IDS } from '../../../web/game/src/match/choice';

describe('choice of a match', () => {
  it('has a player for each team of the map', () => {
    expect(playersFor({ ...FIRST_CHOICE, map: 'triskele', players: ['rush'] })).toEqual([
      'rush',
      'strategist',
      'strategist',
    ]);
    expect(playersFor({ ...FIRST_CHOICE, map: 'gen:40x28', players: [] })).toHaveLength(2);
    // Only the engine knows how many play on a map from outside.
    expect(playersFor({ ...FIRST_CHOICE, map: 'imported', players: ['rush'] })).toEqual(['rush']);
    expect(playersFor({ ...FIRST_CHOICE, map: 'imported', players: [] }, 3)).toHaveLength(3);
  });

  it('is kept with a match in its title, as far as that can be read', () => {
    const { map, seed, players } = FIRST_CHOICE;
    expect(readTitle(titleFor(FIRST_CHOICE))).toEqual({ map, seed, players });
    expect(readTitle('40x28, seed 7')).toEqual({});
  });

  it('names in links only maps that ship with the page', () => {
    expect(SHIPPED_IDS).toContain('valley');
    expect(SHIPPED_IDS.filter((id) => id.startsWith('gen:'))).toEqual([]);
  });
});
