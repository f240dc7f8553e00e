/** One layer of the board: a canvas drawn in CSS pixels whatever the device's pixel ratio. */

import type { Layout } from './geometry';

export interface Surface {
  readonly canvas: HTMLCanvasElement;
  readonly context: CanvasRenderingContext2D;
  ratio: number;
}

export function openSurface(canvas: HTMLCanvasElement, opaque: boolean): Surface {
  const context = canvas.getContext('2d', { alpha: !opaque });
  if (!context) throw new Error('This browser gives no 2D canvas.');
  return { canvas, context, ratio: 1 };
}

export function resize(surface: Surface, width: number, height: number, ratio: number): void {
  const w = Math.max(1, Math.round(width * ratio));
  const h = Math.max(1, Math.round(height * ratio));
  if (surface.canvas.width !== w) surface.canvas.width = w;
  if (surface.canvas.height !== h) surface.canvas.height = h;
  surface.canvas.style.width = `${width}px`;
  surface.canvas.style.height = `${height}px`;
  surface.ratio = ratio;
  surface.context.setTransform(ratio, 0, 0, ratio, 0, 0);
}

export function clear(surface: Surface): void {
  surface.context.clearRect(
    0,
    0,
    surface.canvas.width / surface.ratio,
    surface.canvas.height / surface.ratio,
  );
}

/** Adds a cell's hex to the current path, scaled about its centre. */
export function traceHex(
  context: CanvasRenderingContext2D | Path2D,
  layout: Layout,
  cell: number,
  scale: number,
): void {
  const x = layout.x[cell];
  const y = layout.y[cell];
  const c = layout.corners;
  context.moveTo(x + c[0] * scale, y + c[1] * scale);
  for (let i = 2; i < 12; i += 2) context.lineTo(x + c[i] * scale, y + c[i + 1] * scale);
  context.closePath();
}
