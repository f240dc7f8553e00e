import { call, loadCore } from './core.js';
import { EngineError } from './errors.js';
import { bytesOf, Held, infoOf, Shown, symbolDispose, wholeNumber } from './engine.js';
import type { MapInfo, WasmSource } from './types.js';

export interface ReplayVerdict {
  same: boolean;
  /** The last tick played, or the first recorded tick that differs. */
  tick: number;
  /** The hashes there, 16 hexadecimal digits. */
  recorded: string;
  computed: string;
}

/** A recorded match: its orders are played again, to any tick. */
export class Replay extends Shown {
  protected readonly held: Held;
  readonly map: MapInfo;
  readonly rules: Readonly<Record<string, unknown>>;
  readonly seed: string;
  /** One name a team, as recorded. */
  readonly players: readonly string[];
  readonly finalTick: number;

  /** @internal */
  constructor(held: Held) {
    super();
    this.held = held;
    const json = held.call((face, handle) => face.info(handle));
    const info = infoOf(json);
    const extra = JSON.parse(json) as { players: string[]; finalTick: number };
    this.map = info.map;
    this.rules = info.rules;
    this.seed = info.seed;
    this.players = extra.players;
    this.finalTick = extra.finalTick;
  }

  /** Shows the world after `tick` ticks, from the nearest keyframe. */
  seek(tick: number): void {
    const to = wholeNumber('tick', tick, 0, this.finalTick);
    this.held.call((face, handle) => face.seek(handle, to));
  }

  /** Plays the whole replay and compares every recorded hash. The shown tick stays. */
  verify(): ReplayVerdict {
    return JSON.parse(this.held.call((face, handle) => face.verify(handle))) as ReplayVerdict;
  }

  /** verify(), throwing replay_diverged where it differs. */
  assertSame(): void {
    const verdict = this.verify();
    if (verdict.same) return;
    throw new EngineError(
      'replay_diverged',
      `Replay differs at tick ${verdict.tick} (recorded ${verdict.recorded}, computed ${verdict.computed}): it was made by another version.`,
      { path: `tick ${verdict.tick}`, expected: verdict.recorded, got: verdict.computed },
    );
  }

  dispose(): void {
    this.held.dispose();
  }
  [symbolDispose](): void {
    this.dispose();
  }
}

/** Opens a replay file. Rejects with bad_replay (with the byte) or version_mismatch. */
export async function openReplay(
  bytes: Uint8Array | ArrayBuffer,
  options: { wasm?: WasmSource } = {},
): Promise<Replay> {
  const given = bytesOf('replay', bytes, 'bad_replay');
  const core = await loadCore(options.wasm);
  const handle = call(core, (face) => face.openReplay(given));
  return new Replay(new Held(core, handle, 'replay'));
}
