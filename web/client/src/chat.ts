/** One question to a language model behind the relay, its answer read from the event stream. */

import { aborted } from './call.js';
import { broken, eventsOver } from './chat_socket.js';
import { ClientError } from './errors.js';
import { headers } from './request.js';
import { readJson, unreachable } from './response.js';
import type {
  CallOptions,
  ChatPiece,
  ChatRequest,
  ChatToolCall,
  ClientOptions,
  Schedule,
} from './types.js';

export interface ChatHost {
  relay: string;
  token: ClientOptions['token'];
  fetch: typeof fetch;
  WebSocket: ClientOptions['WebSocket'];
  now: () => number;
  schedule: Schedule;
}

/** An event longer than this is not read on: the stream is broken. */
const EVENT_CHARACTERS_MAX = 1_000_000;
const ANSWER_CHARACTERS_MAX = 4_000_000;
const TOOL_CALLS_MAX = 128;

interface Chunk {
  model?: unknown;
  error?: { message?: unknown } | null;
  choices?: {
    delta?: { content?: unknown; tool_calls?: unknown } | null;
    finish_reason?: unknown;
  }[];
  usage?: { prompt_tokens?: unknown; completion_tokens?: unknown } | null;
}

const body = (request: ChatRequest) => ({
  model: request.model,
  messages: request.messages,
  stream: true,
  stream_options: { include_usage: true },
  ...(request.maxTokens === undefined ? {} : { max_tokens: request.maxTokens }),
  ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
  ...(request.schema === undefined
    ? {}
    : {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'answer', schema: request.schema },
        },
      }),
  ...(request.tools === undefined ? {} : { tools: request.tools }),
  ...(request.toolChoice === undefined ? {} : { tool_choice: request.toolChoice }),
  ...(request.parallelToolCalls === undefined
    ? {}
    : { parallel_tool_calls: request.parallelToolCalls }),
});

interface CallPiece {
  index?: unknown;
  id?: unknown;
  function?: { name?: unknown; arguments?: unknown } | null;
}

/** Puts a piece of a tool call to its beginning; returns how many characters it added. */
function addCall(calls: ChatToolCall[], piece: CallPiece): number {
  const { index, id, function: called } = piece;
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index > calls.length) {
    throw broken('a tool call without its beginning');
  }
  if (index >= TOOL_CALLS_MAX) throw broken('too many tool calls');
  const call = (calls[index] ??= { id: '', name: '', arguments: '' });
  if (typeof id === 'string') call.id = id;
  if (typeof called?.name === 'string') call.name = called.name;
  if (typeof called?.arguments !== 'string') return 0;
  call.arguments += called.arguments;
  return called.arguments.length;
}

/** The data of each server-sent event, in order. @throws ClientError model_failed */
async function* eventsOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      text += done ? decoder.decode() : decoder.decode(value, { stream: true });
      for (let end = /\r?\n\r?\n/.exec(text); end; end = /\r?\n\r?\n/.exec(text)) {
        const event = text.slice(0, end.index);
        text = text.slice(end.index + end[0].length);
        const data = event
          .split(/\r?\n/)
          .filter((line) => line.startsWith('data:'))
          .map((line) => line.slice(5).replace(/^ /, ''));
        if (data.length > 0) yield data.join('\n');
      }
      if (done) return;
      if (text.length > EVENT_CHARACTERS_MAX) throw broken('an event is too long');
    }
  } finally {
    // Whoever stops listening ends the model's call, too.
    await reader.cancel().catch(() => undefined);
  }
}

const count = (value: unknown) => (typeof value === 'number' && value >= 0 ? value : 0);

/** The answer's chunks over server-sent events. @throws ClientError */
async function* chunksOf(response: Response): AsyncGenerator<Chunk> {
  if (!response.ok || response.body === null) {
    await readJson(response);
    throw broken('it has no body');
  }
  for await (const data of eventsOf(response.body)) {
    if (data === '[DONE]') return;
    try {
      yield JSON.parse(data) as Chunk;
    } catch (error) {
      throw error instanceof SyntaxError ? broken('an event is no JSON') : error;
    }
  }
}

async function post(host: ChatHost, request: ChatRequest, signal: AbortSignal | undefined) {
  return host.fetch(`${host.relay}/v1/chat/completions`, {
    method: 'POST',
    headers: { ...(await headers(host.token)), accept: 'text/event-stream' },
    body: JSON.stringify(body(request)),
    ...(signal ? { signal } : {}),
  });
}

interface Asked {
  chunks: AsyncIterable<Chunk>;
  /** Which model answers, as soon as the relay has said so. */
  model: string | null;
}

/** Over the socket where that is asked for. */
async function ask(
  host: ChatHost,
  request: ChatRequest,
  signal: AbortSignal | undefined,
): Promise<Asked> {
  if (!request.resumable) {
    const response = await post(host, request, signal);
    return { chunks: chunksOf(response), model: response.headers.get('x-redoubt-model') };
  }
  const { WebSocket } = host;
  if (!WebSocket) {
    const lack =
      'This platform has no WebSocket: pass one to createClient, or do without resumable.';
    throw new ClientError('bad_request', lack, { path: 'resumable' });
  }
  const onEnd = (model: string | null) => (asked.model = model);
  const asked: Asked = {
    chunks: eventsOver({ ...host, WebSocket }, body(request), onEnd, signal),
    model: null,
  };
  return asked;
}

export async function* chat(
  host: ChatHost,
  request: ChatRequest,
  options: CallOptions = {},
): AsyncGenerator<ChatPiece> {
  const { signal } = options;
  const begunMs = host.now();
  let model: string | null = null;
  let text = '';
  let characters = 0;
  const toolCalls: ChatToolCall[] = [];
  let usage: Chunk['usage'] = null;
  try {
    const asked = await ask(host, request, signal);
    for await (const chunk of asked.chunks) {
      if (chunk.error) throw broken(String(chunk.error.message ?? 'the relay says no more'));
      if (typeof chunk.model === 'string') model ??= chunk.model;
      usage = chunk.usage ?? usage;
      const delta = chunk.choices?.[0]?.delta;
      if (Array.isArray(delta?.tool_calls)) {
        for (const call of delta.tool_calls as CallPiece[]) characters += addCall(toolCalls, call);
      }
      const piece = typeof delta?.content === 'string' ? delta.content : '';
      characters += piece.length;
      if (characters > ANSWER_CHARACTERS_MAX) throw broken('it is too long');
      if (piece === '') continue;
      text += piece;
      yield { type: 'text', text: piece };
    }
    model = asked.model ?? model;
  } catch (error) {
    if (signal?.aborted) throw aborted();
    throw error instanceof ClientError ? error : unreachable(host.relay, error);
  }
  yield {
    type: 'done',
    text,
    toolCalls,
    model,
    inputTokens: count(usage?.prompt_tokens),
    outputTokens: count(usage?.completion_tokens),
    latencyMs: host.now() - begunMs,
  };
}
