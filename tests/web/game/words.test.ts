import { describe, expect, it } from 'vitest';
import { describeCell } from '../../../web/game/src/text/cell';
import {
  cellName,
  clock,
  latency,
  percent,
  sentence,
  signed,
  thousands,
} from '../../../web/game/src/text/format';
import { heatLegend } from '../../../web/game/src/text/heat_legend';
import { upperEnd } from '../../../web/game/src/match/heat_scale';
import { madeUpMap, madeUpMatch } from './fixture/frames';

describe('formatting', () => {
  it('writes times, shares, weights and latencies', () => {
    expect(clock(0)).toBe('0:00');
    expect(clock(659)).toBe('1:05');
    expect(percent(423)).toBe('42 %');
    expect(signed(0.418)).toBe('+0.42');
    expect(signed(-0.1)).toBe('\u22120.10');
    expect(latency(841)).toBe('841 ms');
    expect(latency(1240)).toBe('1.2 s');
    expect(thousands(1216)).toBe('1,216');
    expect(sentence('resource_pull')).toBe('Resource pull');
  });

  it('names cells in the map\u2019s own drawing', () => {
    expect(cellName({ width: 40, orientation: 'pointy_top' }, 12 * 40 + 4)).toBe(
      'row 12, column 4',
    );
    expect(cellName({ width: 40, orientation: 'flat_top' }, 12 * 40 + 4)).toBe('row 4, column 12');
  });
});

describe('the grid cursor', () => {
  const map = madeUpMap(40, 28, 2, 3);
  const frame = madeUpMatch(map, 1)();
  const cell = 12 * 40 + 4;

  it('reads out territory and who stands there', () => {
    map.terrain[cell] = 0;
    frame.cells.owner[cell] = 0;
    frame.cells.control[cell] = 8000;
    frame.agents.cell[0] = cell;
    frame.agents.role[0] = 3;
    frame.agents.team[0] = 0;
    frame.agents.health[0] = 60;
    expect(describeCell(map, frame, cell)).toBe('Row 12, column 4, Red 80 %, attacker health 60');
  });

  it('names an agent\u2019s team where the ground is another one\u2019s', () => {
    frame.cells.owner[cell] = 1;
    expect(describeCell(map, frame, cell)).toBe(
      'Row 12, column 4, Blue 80 %, Red attacker health 60',
    );
  });

  it('names obstacles, bases and empty ground, with and without a frame', () => {
    const base = map.bases[1];
    map.terrain[0] = 2;
    expect(describeCell(map, frame, 0)).toBe('Row 0, column 0, obstacle');
    expect(describeCell(map, null, base)).toContain('Blue base, nobody');
  });
});

describe('heat maps', () => {
  it('have a round upper end that most of the map lies below, and keep it while it fits', () => {
    const values = Int16Array.from({ length: 100 }, (_, i) => i * 12);
    expect(upperEnd(values, null)).toBe(1500);
    expect(upperEnd(values, 2000)).toBe(2000);
    expect(upperEnd(values, 1000)).toBe(1500);
    expect(upperEnd(values, 15000)).toBe(1500);
    expect(upperEnd(new Int16Array(9), null)).toBe(250);
    expect(upperEnd(Int16Array.from([-3000, 20]), null)).toBe(250);
  });

  it('say their unit', () => {
    expect(heatLegend('threat', 0, 2, 1000)).toEqual({ low: 'Threat to Red 0', high: '1 fighter' });
    expect(heatLegend('influence', 1, 2, 2000)).toEqual({ low: 'Red 2', high: 'Blue 2 fighters' });
    expect(heatLegend('influence', 1, 4, 500).low).toBe('Others 0.5');
    expect(heatLegend('resource_pull', 2, 4, 1500).high).toBe('15 units');
  });
});
