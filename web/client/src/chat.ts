/** One question to a language model behind the relay, its answer read from the event stream. */

import { aborted, headers } from './calls.js';
import { ClientError } from './errors.js';
import { readJson, unreachable } from './response.js';
import type { CallOptions, ChatPiece, ChatRequest, ChatToolCall, ClientOptions } from './types.js';

export interface ChatHost {
  relay: string;
  token: ClientOptions['token'];
  fetch: typeof fetch;
  now: () => number;
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

function broken(why: string): ClientError {
  return new ClientError('model_failed', `The model's answer broke off: ${why}.`, {});
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

export async function* chat(
  host: ChatHost,
  request: ChatRequest,
  options: CallOptions = {},
): AsyncGenerator<ChatPiece> {
  const { signal } = options;
  const begunMs = host.now();
  let response: Response;
  try {
    response = await host.fetch(`${host.relay}/v1/chat/completions`, {
      method: 'POST',
      headers: { ...(await headers(host.token)), accept: 'text/event-stream' },
      body: JSON.stringify(body(request)),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw aborted();
    throw error instanceof ClientError ? error : unreachable(host.relay, error);
  }
  if (!response.ok || response.body === null) {
    await readJson(response);
    throw broken('it has no body');
  }
  let model = response.headers.get('x-redoubt-model');
  let text = '';
  let characters = 0;
  const toolCalls: ChatToolCall[] = [];
  let usage: Chunk['usage'] = null;
  try {
    for await (const data of eventsOf(response.body)) {
      if (data === '[DONE]') break;
      let chunk: Chunk;
      try {
        chunk = JSON.parse(data) as Chunk;
      } catch {
        throw broken('an event is no JSON');
      }
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
