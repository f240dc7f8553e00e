/** The keyboard: which key does what (panels/key_list.ts says it to people). Pure. */

import type { LayerName } from './match/layers';

export type Action =
  | { readonly do: 'toggle_play' }
  | { readonly do: 'step'; readonly ticks: 1 | -1 }
  | { readonly do: 'speed'; readonly direction: 1 | -1 }
  | { readonly do: 'skip'; readonly seconds: 5 | -5 }
  | { readonly do: 'seek_start' }
  | { readonly do: 'seek_end' }
  | { readonly do: 'layer'; readonly layer: LayerName }
  | { readonly do: 'grid' }
  | { readonly do: 'follow' }
  | { readonly do: 'share' }
  | { readonly do: 'keys' }
  | { readonly do: 'escape' };

export interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

/** Where the key was pressed: text fields keep all keys, sliders and lists keep their own. */
export type Focus = 'page' | 'text' | 'control' | 'grid';

const PLAIN: Readonly<Record<string, Action>> = {
  ' ': { do: 'toggle_play' },
  '.': { do: 'step', ticks: 1 },
  ',': { do: 'step', ticks: -1 },
  ']': { do: 'speed', direction: 1 },
  '[': { do: 'speed', direction: -1 },
  ArrowRight: { do: 'skip', seconds: 5 },
  ArrowLeft: { do: 'skip', seconds: -5 },
  Home: { do: 'seek_start' },
  End: { do: 'seek_end' },
  '1': { do: 'layer', layer: 'territory' },
  '2': { do: 'layer', layer: 'plan' },
  '3': { do: 'layer', layer: 'threat' },
  '4': { do: 'layer', layer: 'influence' },
  '5': { do: 'layer', layer: 'resource_pull' },
  '6': { do: 'layer', layer: 'contested' },
  g: { do: 'grid' },
  f: { do: 'follow' },
  s: { do: 'share' },
  '?': { do: 'keys' },
  Escape: { do: 'escape' },
};
/** Keys that a focused button, tab, list or slider needs itself. */
const OWNED_BY_CONTROLS = new Set([' ', 'ArrowLeft', 'ArrowRight', 'Home', 'End']);

export function actionFor(pressed: Pressed, focus: Focus): Action | null {
  if (pressed.ctrlKey || pressed.metaKey || pressed.altKey) return null;
  if (focus === 'text') return pressed.key === 'Escape' ? PLAIN['Escape'] : null;
  if (focus === 'control' && OWNED_BY_CONTROLS.has(pressed.key)) return null;
  // With the grid cursor on the arrows move it.
  if (focus === 'grid' && pressed.key.startsWith('Arrow')) return null;
  const key = pressed.key.length === 1 ? pressed.key.toLowerCase() : pressed.key;
  return PLAIN[key] ?? null;
}

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16] as const;

export function nextSpeed(speed: number, direction: 1 | -1): number {
  const at = SPEEDS.findIndex((s) => s >= speed);
  const index = Math.min(
    SPEEDS.length - 1,
    Math.max(0, (at < 0 ? SPEEDS.length - 1 : at) + direction),
  );
  return SPEEDS[index];
}
