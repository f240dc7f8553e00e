/** Public types of @redoubt/client. Times are milliseconds of the client's clock (`client.now()`). */
/// <reference lib="esnext.disposable" preserve="true" />

import type { ConnectionState } from './connection.js';
import type { ClientError, ClientErrorCode } from './errors.js';
import type {
  AdaptationRequest,
  AgentSpecification,
  AgentSpecificationRequest,
  Strategy,
  TeamName,
  TeamStrategyRequest,
} from './wire.js';

/** The engine's team numbers, in the order of TEAM_NAMES. */
export type TeamNumber = 0 | 1 | 2 | 3;
export type Team = TeamName | TeamNumber;

type Awaitable<T> = T | Promise<T>;

/**
 * Who answers when the relay does not: `import * as engine from '@redoubt/engine'`, or whatever
 * speaks its requests, at once or with a promise (an engine in a worker).
 */
export interface AnsweringEngine {
  strategy(request: TeamStrategyRequest): unknown;
  agentSpecification(request: AgentSpecificationRequest): unknown;
  /** Without it an adaptation is answered as a plain strategy. */
  strategyAdaptation?(request: AdaptationRequest): unknown;
  /** Describes this engine's world as the team sees it; for `strategy(team)` without a request. */
  situation?(team: TeamNumber): Awaitable<Omit<TeamStrategyRequest, 'team_id'>>;
}

/** Runs `callback` once after `delayMs`; returns what cancels it. */
export type Schedule = (callback: () => void, delayMs: number) => () => void;

/** The browser's opinion about the network: a hint, never believed without asking the relay. */
export interface NetworkHint {
  onLine(): boolean;
  subscribe(changed: () => void): () => void;
}

/** What somebody beside relay and engine answered. */
export interface DirectAnswer {
  value: unknown;
  model: string;
  costMicroUsd: number;
}

/**
 * A model with the player's own key, asked where the relay does not answer. What it rejects with is
 * as good as no answer: the engine answers then.
 */
export interface DirectAdviser {
  strategy?(request: TeamStrategyRequest, signal: AbortSignal): Promise<DirectAnswer>;
  agentSpecification?(
    request: AgentSpecificationRequest,
    signal: AbortSignal,
  ): Promise<DirectAnswer>;
  strategyAdaptation?(request: AdaptationRequest, signal: AbortSignal): Promise<DirectAnswer>;
}

export interface ClientOptions {
  engine: AnsweringEngine;
  /** Asked between relay and engine; a function is asked for each call, null for none. */
  direct?: DirectAdviser | (() => DirectAdviser | null);
  /** Address of the relay, relative to the page where there is one; null plays without a relay. */
  relay: string | URL | null;
  /** Sent as a bearer token with every call; a function is asked for each. */
  token?: string | (() => string | Promise<string>);
  /** The engine answers when the relay has not by then. Default 2500. */
  deadlineMs?: number;
  fetch?: typeof fetch;
  /** For connect() and resumable chats; default the platform's WebSocket. */
  WebSocket?: new (url: string, protocols?: string[]) => WebSocket;
  now?: () => number;
  schedule?: Schedule;
  random?: () => number;
  network?: NetworkHint;
}

export interface CallOptions {
  signal?: AbortSignal;
}

/** A message in the shape of OpenAI's chat completions, calls of tools and their results among them. */
export type ChatMessage =
  | { role: 'system' | 'user'; content: string }
  | {
      role: 'assistant';
      content: string | null;
      tool_calls?: readonly {
        id: string;
        type: 'function';
        function: { name: string; arguments: string };
      }[];
    }
  | { role: 'tool'; tool_call_id: string; content: string };

/** Something that a model may call; `parameters` is a JSON Schema. */
export interface ChatTool {
  type: 'function';
  function: { name: string; description?: string; parameters?: object };
}

/** A call that a model asked for; `arguments` is JSON as the model wrote it. */
export interface ChatToolCall {
  id: string;
  name: string;
  arguments: string;
}

/** What a language model behind the relay is asked. */
export interface ChatRequest {
  /** A name of GET /v1/models: an alias such as "strategist", or a target. */
  model: string;
  messages: readonly ChatMessage[];
  maxTokens?: number;
  temperature?: number;
  /** A JSON Schema that the answer is to fit. */
  schema?: object;
  tools?: readonly ChatTool[];
  toolChoice?: 'auto' | 'none' | 'required';
  /** False: at most one call in an answer. */
  parallelToolCalls?: boolean;
  /**
   * Over the relay's WebSocket: where the connection breaks another one goes on with the answer.
   * Default false: over server-sent events, and a break is the answer's end.
   */
  resumable?: boolean;
}

/** Pieces of the answer as they come; the last one is the whole. */
export type ChatPiece =
  | { type: 'text'; text: string }
  | {
      type: 'done';
      text: string;
      toolCalls: readonly ChatToolCall[];
      /** Which model answered, "provider/name"; null where the relay does not say. */
      model: string | null;
      inputTokens: number;
      outputTokens: number;
      latencyMs: number;
    };

/** Why an answer is less than what was asked for. */
export interface Reduced {
  code: ClientErrorCode;
  message: string;
}

export interface Answer<T> {
  value: T;
  /** Who answered: the relay, the player's own model, or the engine in the page. */
  source: 'relay' | 'direct' | 'engine';
  /** The model behind the answer; null where its built-in strategist or the engine answered. */
  model: string | null;
  latencyMs: number;
  costMicroUsd: number;
  reduced?: Reduced;
}

/** A limit that the relay named; calls go to the engine until it ends. */
export interface Limit {
  code: 'rate_limited' | 'budget_exhausted';
  message: string;
  untilMs: number;
}

export interface Status {
  state: ConnectionState;
  /** When `state` was entered. */
  since: number;
  /** When the relay is asked again; null while it is there. */
  retryAtMs: number | null;
  /** How long the relay had been away when it last came back; null if it never was. */
  outageMs: number | null;
  /** Whether the relay was ever there; before, `lost` means that none was found. */
  seen: boolean;
  lastError: ClientError | null;
  limit: Limit | null;
  /** The model of the relay's last answer. */
  model: string | null;
  /** Median of the relay's last 32 answers in time. */
  latencyP50Ms: number | null;
  /** Spent by this client's calls. */
  costMicroUsd: number;
  /** Whether the push socket is open. */
  push: boolean;
}

/** A strategy that nobody waited for: pushed by the relay, or an answer that came after its deadline. */
export interface Directive {
  team: TeamName;
  strategy: Strategy;
  model: string | null;
  /** True for an answer that came after its deadline. */
  late: boolean;
}

export interface Recommendation {
  team: TeamName;
  specification: AgentSpecification;
  model: string | null;
  late: boolean;
}

/** What the relay is told once a second while the push socket is open. */
export interface GameState {
  territoryControl: Record<string, number>;
  agents: Record<string, readonly unknown[]>;
  resources: Record<string, Record<string, number>>;
  resourcesOnMap: Record<string, number>;
}

export interface Push {
  readonly open: boolean;
  /** Keeps the newest state and sends it at most once a second. */
  send(state: GameState): void;
  close(): void;
}

export interface Client {
  /** Rejects only with bad_request, aborted, or what the engine itself threw. */
  strategy(
    team: Team,
    request?: Omit<TeamStrategyRequest, 'team_id'>,
    options?: CallOptions,
  ): Promise<Answer<Strategy>>;
  agentSpecification(
    team: Team,
    request: Omit<AgentSpecificationRequest, 'team_id'>,
    options?: CallOptions,
  ): Promise<Answer<AgentSpecification>>;
  /** A strategy that takes into account what the opponent was seen doing. */
  adaptation(
    team: Team,
    request: Omit<AdaptationRequest, 'team_id'>,
    options?: CallOptions,
  ): Promise<Answer<Strategy>>;
  /**
   * Asks a language model behind the relay and gives its answer piece by piece. There is no engine
   * to fall back on: it rejects with a ClientError for an outage, too.
   */
  chat(request: ChatRequest, options?: CallOptions): AsyncIterable<ChatPiece>;
  /** Opens the push socket and keeps it open while the relay is there. One at a time. */
  connect(): Push;
  readonly status: Status;
  /** Called after every change of the status; returns what ends it. */
  onStatus(listener: (status: Status) => void): () => void;
  onDirective(listener: (directive: Directive) => void): () => void;
  onRecommendation(listener: (recommendation: Recommendation) => void): () => void;
  now(): number;
  /** Ends timers, calls and the socket. Calls made afterwards reject with aborted. */
  dispose(): void;
  [Symbol.dispose](): void;
}
