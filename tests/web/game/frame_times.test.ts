import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Game } from '../../../web/game/src/game';
import { drawFrame, type MountedBoard } from '../../../web/game/src/board/mounted';
import { drawDeath, drawTracer, type Brush } from '../../../web/game/src/render/agent_draw';
import { DEATH_MS, TRACER_MS } from '../../../web/game/src/render/effects';

/** As a canvas does, it refuses a circle of a negative radius; and numbers that are none. */
function strictContext(): CanvasRenderingContext2D {
  const check = (...numbers: number[]) => expect(numbers.every(Number.isFinite)).toBe(true);
  return {
    beginPath: () => {},
    stroke: () => {},
    moveTo: check,
    lineTo: check,
    drawImage: (_: unknown, ...numbers: number[]) => check(...numbers),
    arc(x: number, y: number, radius: number) {
      check(x, y, radius);
      if (radius < 0) throw new RangeError(`the radius is negative (${radius})`);
    },
  } as unknown as CanvasRenderingContext2D;
}

const image = { width: 20, height: 20 } as HTMLCanvasElement;
const brush = (): Brush => ({
  surface: { context: strictContext(), ratio: 1 } as Brush['surface'],
  glyph: 10,
  sprites: Array<HTMLCanvasElement>(64).fill(image),
});

describe('a frame whose time lies before or long after what it shows', () => {
  const ages = [-5000, -700, -16, 0, 16, 700, 5000];

  it('draws a death', () => {
    for (const age of [...ages, DEATH_MS])
      drawDeath(brush(), { start: 1000, team: 0, role: 0, at: { x: 1, y: 2 } }, 1000 + age);
  });

  it('draws a shot', () => {
    const [from, to] = [
      { x: 0, y: 0 },
      { x: 10, y: 20 },
    ];
    for (const age of [...ages, TRACER_MS]) {
      const paint = brush();
      const line = vi.spyOn(paint.surface.context, 'lineTo');
      drawTracer(paint, { start: 1000, team: 0, from, to }, 1000 + age);
      const [[x, y]] = line.mock.calls;
      expect(x >= 0 && x <= 10 && y >= 0 && y <= 20).toBe(true);
    }
  });
});

describe('a fault in drawing', () => {
  afterEach(() => void vi.unstubAllGlobals());

  it('costs its frame alone, and is reported once', () => {
    const frames: FrameRequestCallback[] = [];
    const reported: unknown[] = [];
    vi.stubGlobal('requestAnimationFrame', (next: FrameRequestCallback) => frames.push(next));
    vi.stubGlobal('reportError', (fault: unknown) => reported.push(fault));
    let drawn = 0;
    const board = {
      running: true,
      faultTold: false,
      measure: null,
      game: { heat: () => null, state: { followed: { peek: () => null } } } as unknown as Game,
      renderer: {
        setHeat: () => {},
        draw() {
          drawn++;
          if (drawn < 3) throw new RangeError('planted');
        },
      },
    } as unknown as MountedBoard;
    drawFrame(board, 0);
    for (let i = 0; i < 3; i++) frames.shift()!(i * 16);
    expect(drawn).toBe(4);
    expect(frames).toHaveLength(1);
    expect(reported).toEqual([new RangeError('planted')]);
  });
});
