/** The engine's WebAssembly core: what it can do, and loading it. */
import createCore from '#engine-core';
import { moduleLoader, ofBuild } from './module.js';
import type { Core as CoreOf } from './module.js';
import { ownFile } from './own_file.js';
import type { VersionInfo, WasmSource } from './types.js';

export { call } from './module.js';

/** Set by the build from what the built core says of itself. */
declare const REDOUBT_VERSIONS: VersionInfo;

/** Versions of this package; the same numbers stand in the core that it was built with. */
export const version: VersionInfo = REDOUBT_VERSIONS;

/**
 * The functions of engine_face.cpp. A handle is a small integer. What returns bytes returns a view
 * of the core's memory that the next call may move: copy or read it at once.
 */
export interface Face {
  versions(): string;
  describeMap(kind: string, text: string, name: string): string;
  compactMap(kind: string, text: string, name: string): string;
  answer(which: string, request: string): string;
  /** What a workflow can call without a model or a tool: names separated by commas. */
  builtinNames(): string;
  /** Carries out a workflow's built-in; both texts are JSON. */
  builtin(name: string, request: string): string;

  open(kind: string, map: string, name: string, rules: string, seed: string): number;
  openReplay(bytes: Uint8Array): number;
  openSaved(snapshot: Uint8Array): number;
  close(handle: number): void;
  info(handle: number): string;

  setPlayer(handle: number, team: number, name: string): void;
  step(handle: number, orders: Uint8Array, ticks: number): Uint8Array;
  play(handle: number, ticks: number, work: number): Uint8Array;
  tick(handle: number): number;
  hash(handle: number): string;
  head(handle: number): number;
  over(handle: number): boolean;
  /** `takeEvents`: with the events since the last frame that took them. */
  frame(handle: number, takeEvents: boolean): Uint8Array;
  sight(handle: number, team: number): Uint8Array;

  think(handle: number, team: number, work: number): Uint8Array;
  direct(handle: number, team: number, strategy: string, ticks: number): void;
  explain(handle: number, team: number): string;
  heatMap(handle: number, team: number, which: number): Uint8Array;

  save(handle: number): Uint8Array;
  restore(handle: number, snapshot: Uint8Array): void;
  replay(handle: number): Uint8Array;

  setWork(handle: number, work: number): void;
  beginThoughts(handle: number): void;
  thinkSome(handle: number, units: number): boolean;
  thinking(handle: number): number;
  checkOrders(handle: number, orders: Uint8Array): void;
  advance(handle: number, orders: Uint8Array): void;
  exact(handle: number): boolean;
  seek(handle: number, tick: number): void;
  branch(handle: number, players: string): void;
  history(handle: number, everyTicks: number): Uint8Array;
  verify(handle: number): string;
}

export type Core = CoreOf<Face>;

const { version: _, ...own } = version;

const load = moduleLoader<Face>({
  name: 'engine-core.wasm',
  file: () => ownFile(new URL('./engine-core.wasm', import.meta.url)),
  create: createCore,
  signatures: {
    versions: {},
    describeMap: { kind: 'text', map: 'text', name: 'text' },
    compactMap: { kind: 'text', map: 'text', name: 'text' },
    answer: { which: 'text', request: 'text' },
    builtinNames: {},
    builtin: { name: 'text', request: 'text' },
    open: { kind: 'text', map: 'text', name: 'text', rules: 'text', seed: 'text' },
    openReplay: { replay: 'bytes' },
    openSaved: { snapshot: 'bytes' },
    close: { handle: 'int' },
    info: { handle: 'int' },
    setPlayer: { handle: 'int', team: 'int', player: 'text' },
    step: { handle: 'int', orders: 'bytes', ticks: 'int' },
    play: { handle: 'int', ticks: 'int', work: 'int' },
    tick: { handle: 'int' },
    hash: { handle: 'int' },
    head: { handle: 'int' },
    over: { handle: 'int' },
    frame: { handle: 'int', takeEvents: 'flag' },
    sight: { handle: 'int', team: 'int' },
    think: { handle: 'int', team: 'int', work: 'int' },
    direct: { handle: 'int', team: 'int', strategy: 'text', ticks: 'int' },
    explain: { handle: 'int', team: 'int' },
    heatMap: { handle: 'int', team: 'int', which: 'int' },
    save: { handle: 'int' },
    restore: { handle: 'int', snapshot: 'bytes' },
    replay: { handle: 'int' },
    setWork: { handle: 'int', work: 'int' },
    beginThoughts: { handle: 'int' },
    thinkSome: { handle: 'int', units: 'int' },
    thinking: { handle: 'int' },
    checkOrders: { handle: 'int', orders: 'bytes' },
    advance: { handle: 'int', orders: 'bytes' },
    exact: { handle: 'int' },
    seek: { handle: 'int', tick: 'int' },
    branch: { handle: 'int', players: 'text' },
    history: { handle: 'int', everyTicks: 'int' },
    verify: { handle: 'int' },
  },
  check: ofBuild('engine-core.wasm', JSON.stringify(own)),
});

/** The core for `source`, loaded once; a failed load or a dead core is tried anew. */
export function loadCore(source?: WasmSource): Promise<Core> {
  return load(source);
}
