/** Numbers and places in words. One tick is 100 ms of match time. */

export const TICKS_PER_SECOND = 10;

/** "1:05" from ticks. */
export function clock(tick: number): string {
  const seconds = Math.floor(tick / TICKS_PER_SECOND);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** "1,216" */
export function thousands(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** "42 %" from permille. */
export function percent(permille: number): string {
  return `${Math.round(permille / 10)} %`;
}

/** "+0.42", "-0.10" with a real minus sign. */
export function signed(value: number): string {
  const text = Math.abs(value).toFixed(2);
  return `${value < 0 ? '\u2212' : '+'}${text}`;
}

/** "840 ms" or "1.2 s". */
export function latency(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** "0.25x", "1x" */
export function speedText(speed: number): string {
  return `${speed}\u00d7`;
}

export function sentence(text: string): string {
  return text === '' ? '' : text[0].toUpperCase() + text.slice(1).replaceAll('_', ' ');
}

export interface Place {
  readonly width: number;
  readonly orientation: 'pointy_top' | 'flat_top';
}

/** "row 12, column 4", counted from 0 in the map's own drawing (flat_top maps are transposed). */
export function cellName(map: Place, cell: number): string {
  const row = Math.floor(cell / map.width);
  const column = cell % map.width;
  return map.orientation === 'flat_top'
    ? `row ${column}, column ${row}`
    : `row ${row}, column ${column}`;
}

/** An arrow's short label: what, and with how many. */
export function arrowLabel(arrow: {
  readonly kind: string;
  readonly agents: readonly number[];
}): string {
  return `${sentence(arrow.kind)} \u00b7 ${arrow.agents.length}`;
}
