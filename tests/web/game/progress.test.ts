import { describe, expect, it } from 'vitest';
import { progress } from '../../../web/game/src/render/progress';

describe('progress', () => {
  it('is 0 before the beginning and 1 after the end', () => {
    expect(progress(1000, 1000, 100)).toBe(0);
    expect(progress(1050, 1000, 100)).toBe(0.5);
    expect(progress(1900, 1000, 100)).toBe(1);
    expect(progress(300, 1000, 100)).toBe(0);
    expect(progress(1000, -Infinity, 100)).toBe(1);
  });

  it('is over at once where it takes no time', () => {
    expect(progress(1000, 1000, 0)).toBe(1);
  });
});
