/** A model's words for a step, and a step's words for a model. */

import type { ChatMessage, ChatRequest, ChatToolCall } from '@redoubt/client';
import type { ModelAnswer, ModelMessage, ModelRequest } from '@redoubt/engine/workflows';

const textOf = (content: unknown) =>
  typeof content === 'string' ? content : JSON.stringify(content);

function messageOf({ role, content, tool_calls, tool_call_id = '' }: ModelMessage): ChatMessage {
  if (role === 'tool') return { role, tool_call_id, content: textOf(content) };
  if (role !== 'assistant' || tool_calls === undefined) return { role, content: textOf(content) };
  return {
    role,
    content: content === '' ? null : textOf(content),
    tool_calls: tool_calls.map(({ id, name, arguments: given }) => ({
      id,
      type: 'function',
      function: { name, arguments: textOf(given) },
    })),
  };
}

/** The same as a question to a model, whoever it belongs to. */
export function askedOf(request: ModelRequest): Omit<ChatRequest, 'model'> {
  const { messages, settings = {}, output, tools } = request;
  return {
    messages: messages.map(messageOf),
    ...(settings.max_tokens === undefined ? {} : { maxTokens: settings.max_tokens }),
    ...(settings.temperature === undefined ? {} : { temperature: settings.temperature }),
    ...(output === undefined ? {} : { schema: output }),
    ...(tools === undefined
      ? {}
      : { tools: tools.map((tool) => ({ type: 'function', function: tool })) }),
    ...(request.tool_choice === undefined ? {} : { toolChoice: request.tool_choice }),
    ...(request.parallel_tool_calls === undefined
      ? {}
      : { parallelToolCalls: request.parallel_tool_calls }),
  };
}

/** What a model has said, as a run takes it. */
export function answerOf(piece: {
  text: string;
  toolCalls: readonly ChatToolCall[];
  inputTokens: number;
  outputTokens: number;
}): ModelAnswer {
  return {
    text: piece.text,
    ...jsonIn(piece.text),
    ...(piece.toolCalls.length === 0 ? {} : { tool_calls: piece.toolCalls }),
    usage: { input_tokens: piece.inputTokens, output_tokens: piece.outputTokens },
  };
}

/** The JSON object or list that a text is, in a fence or bare; nothing for any other text. */
export function jsonIn(text: string): { json?: unknown } {
  const inner = /^\s*```(?:json)?\s*([\s\S]*?)\s*```\s*$/.exec(text)?.[1] ?? text;
  try {
    const json: unknown = JSON.parse(inner);
    return typeof json === 'object' && json !== null ? { json } : {};
  } catch {
    return {};
  }
}
