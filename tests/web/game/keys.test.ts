import { describe, expect, it } from 'vitest';
import { actionFor, nextSpeed, type Focus } from '../../../web/game/src/keys';
import { KEY_LIST } from '../../../web/game/src/panels/key_list';

const press = (
  key: string,
  focus: Focus = 'page',
  held: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey', boolean>> = {},
) => actionFor({ key, ctrlKey: false, metaKey: false, altKey: false, ...held }, focus);

describe('keys', () => {
  it('do what the list says', () => {
    expect(press(' ')).toEqual({ do: 'toggle_play' });
    expect(press('.')).toEqual({ do: 'step', ticks: 1 });
    expect(press(',')).toEqual({ do: 'step', ticks: -1 });
    expect(press('[')).toEqual({ do: 'speed', direction: -1 });
    expect(press('ArrowLeft')).toEqual({ do: 'skip', seconds: -5 });
    expect(press('End')).toEqual({ do: 'seek_end' });
    expect(press('2')).toEqual({ do: 'layer', layer: 'plan' });
    expect(press('6')).toEqual({ do: 'layer', layer: 'contested' });
    expect(press('G')).toEqual({ do: 'grid' });
    expect(press('s')).toEqual({ do: 'share' });
    expect(press('?')).toEqual({ do: 'keys' });
    expect(press('x')).toBeNull();
    expect(press('l')).toBeNull();
  });

  it('leave the browser its own', () => {
    expect(press('s', 'page', { ctrlKey: true })).toBeNull();
    expect(press('f', 'page', { metaKey: true })).toBeNull();
    expect(press('ArrowLeft', 'page', { altKey: true })).toBeNull();
  });

  it('leave text fields everything but Escape', () => {
    expect(press('s', 'text')).toBeNull();
    expect(press(' ', 'text')).toBeNull();
    expect(press('Escape', 'text')).toEqual({ do: 'escape' });
  });

  it('leave a focused button or slider its own keys and no more', () => {
    expect(press(' ', 'control')).toBeNull();
    expect(press('ArrowRight', 'control')).toBeNull();
    expect(press('g', 'control')).toEqual({ do: 'grid' });
  });

  it('give the arrows to the grid cursor while it is on', () => {
    expect(press('ArrowLeft', 'grid')).toBeNull();
    expect(press(' ', 'grid')).toEqual({ do: 'toggle_play' });
  });

  it('step through the speeds and stop at both ends', () => {
    expect(nextSpeed(1, 1)).toBe(2);
    expect(nextSpeed(1, -1)).toBe(0.5);
    expect(nextSpeed(16, 1)).toBe(16);
    expect(nextSpeed(0.25, -1)).toBe(0.25);
  });

  it('are all in the list', () => {
    expect(KEY_LIST.map(([keys]) => keys).join(' ')).toBe(
      'Space , . [ ] \u2190 \u2192 Home End 1 \u2013 6 G F S ? Esc',
    );
  });
});
