/** Strategies for a browser game from the relay, and from the engine when the relay is gone. */

export { createClient, DEADLINE_DEFAULT_MS } from './client.js';
export type { ConnectionState } from './connection.js';
export { ClientError, type ClientErrorCode } from './errors.js';
export type {
  Answer,
  AnsweringEngine,
  CallOptions,
  ChatMessage,
  ChatPiece,
  ChatRequest,
  ChatTool,
  ChatToolCall,
  Client,
  ClientOptions,
  DirectAdviser,
  DirectAnswer,
  Directive,
  GameState,
  Limit,
  NetworkHint,
  Push,
  Recommendation,
  Reduced,
  Schedule,
  Status,
  Team,
  TeamNumber,
} from './types.js';
export {
  type AdaptationRequest,
  type AgentSpecification,
  type AgentSpecificationRequest,
  type Reason,
  type ResourceAmounts,
  type Strategy,
  TEAM_NAMES,
  type TeamName,
  type TeamStrategy,
  type TeamStrategyRequest,
} from './wire.js';
export { BACK_SHOWN_MS, type Circumstances, relayWords, words } from './words.js';
