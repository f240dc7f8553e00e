import { describe, expect, it } from 'vitest';
import { waveAt } from '../../../web/game/src/render/agents';
import { heatStep } from '../../../web/game/src/render/heat';

describe('layers of the board', () => {
  it('light cells up three times and then no more', () => {
    expect([0, 300, 600, 900].map((ageMs) => waveAt(ageMs, false)!.toFixed(2))).toEqual([
      '0.00',
      '1.00',
      '0.00',
      '1.00',
    ]);
    expect(waveAt(1799, true)).toBe(1);
    expect(waveAt(1800, false)).toBeNull();
    expect(waveAt(1800, true)).toBeNull();
  });

  it('show heat in sixteen steps each way, the ends for all beyond', () => {
    const values = Int16Array.from([0, 500, 1000, 4000, -1000, -9000]);
    const heat = { name: 'influence', team: 0, values, upper: 1000 } as const;
    expect([...values.keys()].map((cell) => heatStep(heat, cell))).toEqual([
      0, 8, 16, 16, -16, -16,
    ]);
  });
});
