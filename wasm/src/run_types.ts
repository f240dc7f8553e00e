/** Runs as their caller sees them, and what they want of models and tools. */

/** Something that a run wants done. */
export interface Effect {
  id: string;
  /** The same for every attempt of one call. */
  key: string;
  kind: 'model' | 'tool' | 'builtin' | 'ask' | 'child';
  class: 'pure' | 'idempotent' | 'once';
  target: string;
  request: unknown;
  attempt: number;
  /** When the run stops waiting, in ms since 1970; 0: never. */
  deadline: number;
}

/** A message of a conversation; what is no text stands as JSON. */
export interface ModelMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: unknown;
  tool_calls?: { id: string; name: string; arguments: unknown }[];
  tool_call_id?: string;
}

/** What a model step asks, in no provider's words. */
export interface ModelRequest {
  messages: ModelMessage[];
  settings?: { max_tokens?: number; temperature?: number };
  /** The JSON Schema that the answer is to fit. */
  output?: object;
  tools?: { name: string; description?: string; parameters?: object }[];
  tool_choice?: 'none' | 'required';
  parallel_tool_calls?: boolean;
}

/** What a run wants of a model. */
export interface ModelEffect extends Effect {
  request: ModelRequest;
}

/** What a model says to a ModelRequest: `json` where its text is JSON. */
export interface ModelAnswer {
  text: string;
  json?: unknown;
  /** Calls of the request's tools; `arguments` as an object or as its text. */
  tool_calls?: readonly { id: string; name: string; arguments: unknown }[];
  usage?: { input_tokens: number; output_tokens: number; cost_microusd?: number };
  /** Which model answered. */
  model?: string;
}

/** Why an effect failed; throw one from a model or a tool to name a code of your own. */
export class EffectFailure extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly retryAfterMs = 0,
  ) {
    super(message);
    this.name = 'EffectFailure';
  }
}

export type ModelCall = (effect: ModelEffect, signal: AbortSignal) => Promise<ModelAnswer>;
/** `request` is what the workflow's own file says: only its author knows the type. */
export type ToolCall = (request: any, signal: AbortSignal) => unknown;

export type RunStatus = 'running' | 'done' | 'failed' | 'cancelled' | 'continued' | 'parked';

export interface RunEvent {
  seq: number;
  /** ms since 1970 */
  at: number;
  kind: string;
  step?: string;
  instance?: number;
  payload: unknown;
}

export interface Question {
  /** What answer() takes. */
  id: string;
  question: unknown;
}

export interface RunView {
  id: string;
  workflow: string;
  sha256: string;
  status: RunStatus;
  startedAt: number;
  endedAt: number;
  /** How many events its history has. */
  events: number;
  /** The result, or {code, message, step}; null while it is running. */
  outcome: unknown;
  questions: Question[];
  stateHash: string;
  /** Why it stands still where it should not: its journal or its definition failed. */
  error: { code: string; message: string } | null;
}
