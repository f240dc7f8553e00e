/** Colours and marks of the board; the style sheet names the same values for the panels. */

export const BOARD = '#0f141b';
export const OPEN_GROUND = '#171e27';
export const ROUGH_DOTS = '#4a5665';
export const OBSTACLE = { face: '#39424d', light: '#4d5865', dark: '#20272f' };
export const HALO = '#0b0f14';
export const TEXT = '#e6edf3';
export const ACCENT = '#c9d6e4';
export const OK = '#3fb950';
export const WARNING = '#e3b341';
export const BAD = '#f85149';

/** Checked for the three colour-blindnesses; the marks carry the difference where colour cannot. */
export const TEAM_COLOURS = ['#e8503a', '#3b82f6', '#f5df4d', '#a4ebda'] as const;
export const TEAM_NAMES = ['Red', 'Blue', 'Gold', 'Mint'] as const;
export const TEAM_MARKS = ['square', 'diamond', 'triangle', 'circle'] as const;
export const TEAMS_MAX = 4;

export type Rgb = readonly [number, number, number];

export function rgb(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

export function mix(from: string, to: string, share: number): string {
  const a = rgb(from);
  const b = rgb(to);
  const part = (i: number) => Math.round(a[i] + (b[i] - a[i]) * share);
  return `rgb(${part(0)},${part(1)},${part(2)})`;
}

export function withAlpha(hex: string, alpha: number): string {
  const [r, g, b] = rgb(hex);
  return `rgba(${r},${g},${b},${alpha.toFixed(3)})`;
}

/** Stops of a heat map's ramp, from 0 to 1. */
export const RAMPS = {
  threat: ['#3b1c5a', '#8b2a81', '#d8456b', '#f98e5a', '#fde08a'],
  resource_pull: ['#0e3146', '#14667a', '#2a9d8f', '#7fd6a4', '#e3f7c1'],
} as const;

export function ramp(stops: readonly string[], value: number): string {
  const at = Math.min(Math.max(value, 0), 1) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  return mix(stops[low], stops[low + 1], at - low);
}
