/** Made by tools/wire-types from the schemas of /openapi.json: change those, not this. */

export type Team =
  | 'red'
  | 'blue'
  | 'green'
  | 'yellow'
  | '1'
  | '2'
  | '3'
  | '4'
  | 'team1'
  | 'team2'
  | 'team3'
  | 'team4';

export interface Amounts {
  energy: number;
  materials: number;
  data: number;
}

export interface Agent {
  id: number;
  /** collector, explorer, defender or attacker; anything else counts as unknown */
  type: string;
  health: number;
  x: number;
  y: number;
}

export interface TeamStrategyRequest {
  team_id: Team;
  /** Percent by team */
  territory_control: Record<string, number>;
  /** Stores by team */
  resources: Record<string, Amounts>;
  /** Agents by team; an empty list means unknown */
  agents: Record<string, Agent[]>;
  /** What lies on the map, by type, and/or `total` */
  resource_distribution: Record<string, number>;
}

export const STANCES = ['balanced', 'aggressive', 'economic', 'defensive'] as const;
export type Stance = (typeof STANCES)[number];

export const FOCUSES = ['resources', 'territory', 'combat'] as const;
export type Focus = (typeof FOCUSES)[number];

export const PRIORITIES = [
  'collect_energy',
  'collect_materials',
  'collect_data',
  'expand_territory',
  'attack_enemies',
  'defend_territory',
  'defend_base',
] as const;
export type Priority = (typeof PRIORITIES)[number];

export interface AgentSpecificationRequest {
  team_id: Team;
  strategy: {
    strategy: Stance;
    focus: Focus;
    priorities?: Priority[];
    description?: string;
  };
  resources: Amounts;
  current_agents?: {
    type: string;
    count: number;
  }[];
}

export type StrategyAdaptationRequest = TeamStrategyRequest & {
  current_strategy: {
    strategy: Stance;
    focus: Focus;
  };
  opponent_history: {
    tick: number;
    /** The opponent's percent */
    territory?: number;
    /** How many of each role were seen */
    agents?: Record<string, number>;
    actions?: string[];
  }[];
};

export interface Reason {
  /** A stable name, e.g. territory_gap */
  feature: string;
  /** In words, with its number */
  text: string;
  value: number;
  unit: string;
  /** Signed contribution to the choice, -1 to 1 */
  weight: number;
}

export interface Reduced {
  code: string;
  message: string;
}

export interface Reasoned {
  /** Who answered */
  source: 'engine' | 'model';
  /** Where the engine answered */
  reasons?: Reason[];
  /** Where the engine answered */
  confidence?: number;
  /** Where a model answered: which */
  model?: string;
  /** Where a model answered */
  cost_microusd?: number;
  /** Why the engine answered in a model's place */
  reduced?: Reduced;
}

export type TeamStrategy = Reasoned & {
  strategy: Stance;
  focus: Focus;
  /** 1 to 7, the most important first */
  priorities: Priority[];
  /** 5 to 200 characters */
  description: string;
};

export const ROLES = ['collector', 'explorer', 'defender', 'attacker'] as const;
export type Role = (typeof ROLES)[number];

export type Attribute = number;

export const RESOURCES = ['energy', 'materials', 'data'] as const;
export type Resource = (typeof RESOURCES)[number];

export type AgentSpecification = Reasoned & {
  role: Role;
  /** 0.1 to 1.0 each, in sum at most 3.0 */
  attributes: {
    speed: Attribute;
    health: Attribute;
    attack: Attribute;
    defense: Attribute;
    carryCapacity: Attribute;
  };
  priority: Resource;
  /** 5 to 200 characters */
  description: string;
};

export type StreamId = string;

export type ModelClientFrame =
  | {
      type: 'call';
      id: StreamId;
      format: 'openai.chat' | 'openai.responses' | 'anthropic.messages' | 'gemini.generateContent';
      request: object;
    }
  | {
      type: 'resume';
      token: string;
      after: number;
    }
  | {
      type: 'ack';
      id: StreamId;
      seq: number;
    }
  | {
      type: 'cancel';
      id: StreamId;
    };
