/** Public types of @redoubt/engine: what a game sees. Cells are indices row * width + column. */
/// <reference lib="esnext.disposable" preserve="true" />

export type TeamId = 0 | 1 | 2 | 3;
export type Role = 'collector' | 'explorer' | 'defender' | 'attacker';
export type ResourceType = 'energy' | 'materials' | 'data';
export type HeatMapName = 'threat' | 'influence' | 'resource_pull';

/** Permille, 100..1000 each, sum at most 3000. */
export interface Attributes {
  speed: number;
  health: number;
  attack: number;
  defense: number;
  carryCapacity: number;
}

export type MapSource =
  | {
      generate: {
        width?: number;
        height?: number;
        teams?: number;
        seed?: string | number | bigint;
      };
    }
  | { tiled: string | object }
  | { wesnoth: string; name?: string }
  | { compact: string | object };

export interface EngineOptions {
  map: MapSource;
  /** 64-bit; a string of decimal digits where it does not fit a number. Default "1". */
  seed?: string | number | bigint;
  /** A rules file's content (members left out have their default). */
  rules?: string | object;
  /** Who plays each team; null or "external" for a team whose orders come from you. Default: nobody. */
  players?: readonly (PlayerName | 'external' | null)[];
  /** Where the WebAssembly comes from: bytes, a compiled module or a URL. Default: beside the package. */
  wasm?: WasmSource;
}

export type WasmSource = BufferSource | WebAssembly.Module | string | URL;

/** The built-in players: the strategist and the bots that it is measured against. */
export type PlayerName = 'strategist' | 'random' | 'agentarena' | 'rush';

export interface MapInfo {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly teams: number;
  /** flat_top maps are stored transposed: draw column as row and row as column. */
  readonly orientation: 'pointy_top' | 'flat_top';
  /** A cell: 0 open, 1 rough, 2 obstacle. */
  readonly terrain: Uint8Array;
  readonly bases: Uint16Array;
  readonly sites: readonly { cell: number; type: ResourceType }[];
  readonly reachableCells: number;
  /** For people: what reading the map changed, and the sites that no base reaches. */
  readonly warnings?: readonly string[];
  readonly hash: string;
}

export type OrderKind =
  'idle' | 'move' | 'collect' | 'return' | 'capture' | 'attack' | 'guard' | 'spawn';

export interface Order {
  kind: OrderKind;
  team: TeamId;
  /** Who is ordered; not for spawn. */
  agent?: number;
  /** move, collect, capture, attack (where to go when the target is out of sight), guard. */
  cell?: number;
  /** attack. */
  target?: number;
  /** spawn. */
  role?: Role;
  attributes?: Attributes;
}

export interface GameEvent {
  kind:
    | 'spawned'
    | 'died'
    | 'hit'
    | 'captured'
    | 'lost'
    | 'collected'
    | 'deposited'
    | 'order_dropped'
    | 'won';
  tick: number;
  team: TeamId | null;
  agent: number | null;
  other: number | null;
  cell: number | null;
  amount: number;
}

export interface Outcome {
  by: 'territory' | 'elimination' | 'domination' | 'time_limit';
  winner: TeamId | null;
  tick: number;
  /** One a team; 1 is best, equal ranks are draws. */
  rank: number[];
}

/** Fresh on each read; one entry a cell. */
export interface CellsView {
  /** Team whose strength it is, 255 for none. */
  readonly owner: Uint8Array;
  /** 0..10000; held at 2000 or more. */
  readonly control: Uint16Array;
}

/** Structure of arrays, living agents only, ascending by id; the first `count` entries. */
export interface AgentsView {
  readonly count: number;
  readonly id: Uint32Array;
  readonly team: Uint8Array;
  /** 0 collector, 1 explorer, 2 defender, 3 attacker. */
  readonly role: Uint8Array;
  readonly cell: Uint16Array;
  /** The cell being entered, 65535 when standing. */
  readonly next: Uint16Array;
  /** Progress into `next`, permille. */
  readonly progress: Uint16Array;
  /** Points. */
  readonly health: Float32Array;
  readonly healthMax: Float32Array;
  /** 0 energy, 1 materials, 2 data, 255 no load. */
  readonly loadType: Uint8Array;
  readonly load: Uint8Array;
  readonly capacity: Uint8Array;
  /** Index into ORDER_KINDS. */
  readonly order: Uint8Array;
  /** The order's cell, 65535 for none. */
  readonly orderCell: Uint16Array;
  /** Attributes, permille: [speed, health, attack, defense, carryCapacity] an agent. */
  readonly attributes: Uint16Array;
}

export const ORDER_KINDS: readonly OrderKind[] = [
  'idle',
  'move',
  'collect',
  'return',
  'capture',
  'attack',
  'guard',
  'spawn',
];
export const ROLES: readonly Role[] = ['collector', 'explorer', 'defender', 'attacker'];
export const RESOURCES: readonly ResourceType[] = ['energy', 'materials', 'data'];

export interface TeamView {
  store: Record<ResourceType, number>;
  deposits: number;
  held: number;
  living: number;
}

export type StrategyName = 'balanced' | 'aggressive' | 'economic' | 'defensive';
export type Focus = 'resources' | 'territory' | 'combat';
export type Priority =
  | 'collect_energy'
  | 'collect_materials'
  | 'collect_data'
  | 'expand_territory'
  | 'attack_enemies'
  | 'defend_territory'
  | 'defend_base';

export interface TeamStrategy {
  strategy: StrategyName;
  focus: Focus;
  priorities: Priority[];
  /** 5..200 characters. */
  description: string;
}

export interface Reason {
  /** A stable name, e.g. "territory_gap". */
  feature: string;
  /** In words with its number. */
  text: string;
  /** The measured value in `unit`. */
  value: number;
  unit: string;
  /** Signed contribution to the choice, -1..1. */
  weight: number;
  /** Cells that show it (may be empty). */
  cells: number[];
}

export interface PlanArrow {
  kind: 'raid' | 'hold' | 'collect' | 'claim';
  label: string;
  from: number;
  to: number;
  agents: number[];
}

/** What a player wants and why. */
export interface Explanation extends TeamStrategy {
  team: TeamId;
  tick: number;
  /** "engine" for the built-in strategist, "relay" or a model's name when directed from outside. */
  source: string;
  /** 0..1 */
  confidence: number;
  reasons: Reason[];
  /** At most three. */
  plan: PlanArrow[];
  /** What each own agent is about, by agent id. */
  tasks: { agent: number; task: string; cell: number | null }[];
}

export interface ThinkResult {
  done: boolean;
  workUsed: number;
  /** Valid once done. */
  orders: Order[];
}

export interface AgentSpecification {
  role: Role;
  /** 0.1..1.0 each, sum at most 3.0. */
  attributes: {
    speed: number;
    health: number;
    attack: number;
    defense: number;
    carryCapacity: number;
  };
  priority: ResourceType;
  description: string;
}

/** What the worker posts for each tick: one transferable buffer behind all arrays. */
export interface Frame {
  tick: number;
  /** After this tick, 16 hexadecimal digits; every 64 ticks and at the end, else null. */
  hash: string | null;
  cells: CellsView;
  agents: AgentsView;
  /** Stock of each site, in the order of MapInfo.sites. */
  stock: Uint8Array;
  /** [energy, materials, data, deposits, held, living, spawnReadyTick, territoryTicks] a team. */
  teams: Int32Array;
  events: GameEvent[];
  outcome: Outcome | null;
}
export const TEAM_FIELDS = 8;
export const HEAT_MAPS: readonly HeatMapName[] = ['threat', 'influence', 'resource_pull'];

/** What one team may know: what is visible now, the rest as it was last seen. Copies, not views. */
export interface TeamSight {
  readonly tick: number;
  readonly team: TeamId;
  readonly store: Record<ResourceType, number>;
  /** The public score board, one entry a team. */
  readonly held: number[];
  readonly deposits: number[];
  readonly alive: boolean[];
  /** Earliest tick of the next own spawn. */
  readonly spawnReadyTick: number;
  /** One entry a cell, as last seen. */
  readonly owner: Uint8Array;
  readonly control: Uint16Array;
  /** 1: seen in this tick. */
  readonly visible: Uint8Array;
  /** 1: seen at least once. */
  readonly explored: Uint8Array;
  /** Own agents, then enemies that are seen or remembered. */
  readonly agents: AgentsView;
  /** One entry for each of `agents`: equals `tick` where it is visible now. */
  readonly seenTick: Int32Array;
  /** Those that can be reached. Seen tick -1: never seen, the stock is what such a site starts with. */
  readonly sites: { cell: number; type: ResourceType; stock: number; seenTick: number }[];
}

/** The body of the relay's POST /api/team-strategy: what a game with a world of its own sends. */
export interface TeamStrategyRequest {
  /** red, blue, green, yellow; also team1..team4 and 1..4. */
  team_id: string;
  /** Percent a team; need not sum to 100. */
  territory_control: Record<string, number>;
  resources: Record<string, Record<ResourceType, number>>;
  /** An empty list means unknown, not none. */
  agents: Record<string, { id: number; type: string; health: number; x: number; y: number }[]>;
  resource_distribution: Record<string, number>;
}

export interface AgentSpecificationRequest {
  team_id: string;
  strategy: { strategy: string; focus: string; priorities?: string[]; description?: string };
  resources: Record<ResourceType, number>;
  current_agents?: { type: string; count: number }[];
}

export interface StrategyAdaptationRequest extends TeamStrategyRequest {
  current_strategy: Partial<TeamStrategy>;
  opponent_history: {
    tick: number;
    territory: number;
    agents: Partial<Record<Role, number>>;
    actions?: string[];
  }[];
}

/** A team strategy with what led to it. */
export interface StrategyAnswer extends TeamStrategy {
  source: string;
  confidence: number;
  reasons: Reason[];
}

export interface AgentAnswer extends AgentSpecification {
  source: string;
  confidence: number;
  reasons: Reason[];
}

/** `version` is semver of the package; the others name what replays and snapshots depend on. */
export interface VersionInfo {
  readonly version: string;
  /** Changes when the same orders give another state hash. */
  readonly rulesVersion: string;
  /** Changes when the built-in players decide otherwise. */
  readonly strategyVersion: string;
  readonly replayFormat: number;
}

export type EngineErrorCode =
  | 'wasm_load_failed'
  | 'wasm_unsupported'
  | 'out_of_memory'
  | 'bad_map'
  | 'bad_rules'
  | 'bad_order'
  | 'bad_attributes'
  | 'bad_snapshot'
  | 'bad_replay'
  | 'bad_player'
  | 'bad_request'
  | 'bad_answer'
  | 'bad_argument'
  | 'replay_diverged'
  | 'version_mismatch'
  | 'match_over'
  | 'bad_workflow'
  | 'bad_input'
  | 'bad_json'
  | 'bad_history'
  | 'torn_history'
  | 'broken_chain'
  | 'other_definition'
  | 'diverged'
  | 'unknown_effect'
  | 'ambiguous_question'
  | 'run_over'
  | 'run_set_aside'
  | 'journal_failed'
  | 'bad_bundle'
  | 'run_here'
  | 'run_parked'
  | 'not_parked'
  | 'known_epoch'
  | 'changed_prefix'
  | 'once_under_way'
  | 'bad_chat_request'
  | 'bad_schema'
  | 'unsupported'
  | 'model_failed'
  | 'aborted'
  | 'worker_lost'
  | 'disposed'
  | 'internal';
