/**
 * Frames: one packed buffer behind all arrays of a tick, written by engine_face.cpp.
 *
 * Little-endian. A header of `headerWords` 32-bit words, then sections by falling alignment, so that
 * every typed array lies aligned without padding. The same decoder reads the core's memory (views
 * that the next call may move) and a copy that came from the worker.
 */
import type { Frame, GameEvent, Outcome, ResourceType, TeamId, TeamSight } from './types.js';
import { RESOURCES, TEAM_FIELDS } from './types.js';

const headerWords = 14;
const eventWords = 7;
const none = 0xff;

const eventKinds: readonly GameEvent['kind'][] = [
  'spawned',
  'died',
  'hit',
  'captured',
  'lost',
  'collected',
  'deposited',
  'order_dropped',
  'won',
];
const victories: readonly (Outcome['by'] | null)[] = [
  null,
  'territory',
  'elimination',
  'domination',
  'time_limit',
];

/** Walks a buffer and cuts typed arrays off it. */
class Cutter {
  private at: number;
  constructor(
    private readonly buffer: ArrayBufferLike,
    offset: number,
  ) {
    this.at = offset;
  }
  u32 = (n: number) => new Uint32Array(this.buffer, this.take(4 * n), n);
  i32 = (n: number) => new Int32Array(this.buffer, this.take(4 * n), n);
  f32 = (n: number) => new Float32Array(this.buffer, this.take(4 * n), n);
  u16 = (n: number) => new Uint16Array(this.buffer, this.take(2 * n), n);
  u8 = (n: number) => new Uint8Array(this.buffer, this.take(n), n);
  private take(bytes: number): number {
    const from = this.at;
    this.at += bytes;
    return from;
  }
}

const team = (value: number): TeamId | null =>
  value < 0 || value === none ? null : (value as TeamId);
const known = (value: number): number | null => (value < 0 ? null : value);

/** Events as objects, from `count` records of seven words. */
export function decodeEvents(words: Int32Array, count: number): GameEvent[] {
  const events: GameEvent[] = [];
  for (let i = 0; i < count; ++i) {
    const at = i * eventWords;
    events.push({
      kind: eventKinds[words[at]!]!,
      tick: words[at + 1]!,
      team: team(words[at + 2]!),
      agent: known(words[at + 3]!),
      other: known(words[at + 4]!),
      cell: known(words[at + 5]!),
      amount: words[at + 6]!,
    });
  }
  return events;
}

/** The bytes of a buffer that holds events alone: their count, then the records. */
export function decodeEventList(bytes: Uint8Array): GameEvent[] {
  const count = new Int32Array(bytes.buffer, bytes.byteOffset, 1)[0]!;
  return decodeEvents(
    new Int32Array(bytes.buffer, bytes.byteOffset + 4, count * eventWords),
    count,
  );
}

function hex(low: number, high: number): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

function outcomeOf(header: Uint32Array, teams: number): Outcome | null {
  const by = victories[header[8]!];
  if (!by) return null;
  const rank = Array.from({ length: teams }, (_, t) => (header[11]! >>> (8 * t)) & 0xff);
  return { by, winner: team(header[9]!), tick: header[10]!, rank };
}

/** `bytes`: a whole frame, aligned to four. Views of its buffer. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const cut = new Cutter(bytes.buffer, bytes.byteOffset);
  const header = cut.u32(headerWords);
  const at = (word: number) => header[word]!;
  const [cells, agents, sites, teams, events] = [at(4), at(5), at(6), at(7), at(12)];
  const words = agentWords(cut, agents);
  const teamRows = cut.i32(teams * TEAM_FIELDS);
  const eventRows = cut.i32(events * eventWords);
  const control = cut.u16(cells);
  const halves = agentHalves(cut, agents);
  const owner = cut.u8(cells);
  const small = agentBytes(cut, agents);
  return {
    tick: at(0),
    hash: at(1) ? hex(at(2), at(3)) : null,
    cells: { owner, control },
    agents: { count: agents, ...words, ...halves, ...small },
    stock: cut.u8(sites),
    teams: teamRows,
    events: decodeEvents(eventRows, events),
    outcome: outcomeOf(header, teams),
  };
}

/** `bytes`: what one team may know, aligned to four. Views of its buffer. */
export function decodeSight(bytes: Uint8Array): TeamSight {
  const cut = new Cutter(bytes.buffer, bytes.byteOffset);
  const header = cut.u32(headerWords);
  const at = (word: number) => header[word]!;
  const [cells, agents, sites, teams] = [at(4), at(5), at(6), at(7)];
  const words = agentWords(cut, agents);
  const seenTick = cut.i32(agents);
  const store = cut.i32(RESOURCES.length);
  const [held, deposits] = [cut.i32(teams), cut.i32(teams)];
  const spawnReadyTick = cut.i32(1)[0]!;
  const siteSeen = cut.i32(sites);
  const control = cut.u16(cells);
  const halves = agentHalves(cut, agents);
  const siteCell = cut.u16(sites);
  const owner = cut.u8(cells);
  const small = agentBytes(cut, agents);
  const [visible, explored] = [cut.u8(cells), cut.u8(cells)];
  const [siteType, siteStock, alive] = [cut.u8(sites), cut.u8(sites), cut.u8(teams)];
  return {
    tick: at(0),
    team: at(13) as TeamId,
    store: storeOf(store),
    held: [...held],
    deposits: [...deposits],
    alive: Array.from(alive, (flag) => flag === 1),
    spawnReadyTick,
    owner,
    control,
    visible,
    explored,
    agents: { count: agents, ...words, ...halves, ...small },
    seenTick,
    sites: Array.from(siteCell, (cell, i) => ({
      cell,
      type: RESOURCES[siteType[i]!]!,
      stock: siteStock[i]!,
      seenTick: siteSeen[i]!,
    })),
  };
}

export function storeOf(row: Int32Array): Record<ResourceType, number> {
  return { energy: row[0]!, materials: row[1]!, data: row[2]! };
}

function agentWords(cut: Cutter, n: number) {
  return { id: cut.u32(n), health: cut.f32(n), healthMax: cut.f32(n) };
}
function agentHalves(cut: Cutter, n: number) {
  return {
    cell: cut.u16(n),
    next: cut.u16(n),
    progress: cut.u16(n),
    orderCell: cut.u16(n),
    attributes: cut.u16(n * 5),
  };
}
function agentBytes(cut: Cutter, n: number) {
  return {
    team: cut.u8(n),
    role: cut.u8(n),
    loadType: cut.u8(n),
    load: cut.u8(n),
    capacity: cut.u8(n),
    order: cut.u8(n),
  };
}
