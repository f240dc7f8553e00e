import { describe, expect, it } from 'vitest';
import type { Frame } from '../../../wasm/src/types';
import type { ClientStatus } from '../../../wasm/src/worker';
import { controlsOf, nextOf } from '../../../web/game/src/controls';
import { applyStatus, createSession, follows } from '../../../web/game/src/session';

const at = (tick: number) => ({ tick }) as Frame;

describe('session', () => {
  it('lets what moves glide between frames of fast play, and not over a jump', () => {
    expect(follows(at(10), at(11))).toBe(true);
    expect(follows(at(10), at(34))).toBe(true);
    expect(follows(at(10), at(35))).toBe(false);
    expect(follows(at(10), at(10))).toBe(false);
    expect(follows(at(10), at(9))).toBe(false);
    expect(follows(null, at(1))).toBe(false);
  });

  it('follows one agent after the other, round and round', () => {
    expect(nextOf([3, 5, 9], null)).toBe(3);
    expect(nextOf([3, 5, 9], 3)).toBe(5);
    expect(nextOf([3, 5, 9], 9)).toBe(3);
    expect(nextOf([3, 5, 9], 4)).toBe(3);
  });

  it('keeps the speed that the player set, whatever the worker said before it heard of it', () => {
    const session = createSession(null);
    controlsOf(session).changeSpeed(1);
    applyStatus(session, { state: 'paused', speed: 1, headTick: 7 } as ClientStatus);
    expect(session.state.headTick.value).toBe(7);
    expect(session.state.speed.value).toBe(2);
  });
});
