/** A model's words for a step, and a step's words for a model. */

import type { ChatRequest } from '@redoubt/client';

/** A model step's request, as workflows say it. */
export interface ModelRequest {
  messages: { role: 'system' | 'user' | 'assistant'; content: unknown }[];
  settings?: { max_tokens?: number; temperature?: number };
  output?: object;
}

const textOf = (content: unknown) =>
  typeof content === 'string' ? content : JSON.stringify(content);

/** The same as a question to a model, whoever it belongs to. */
export function askedOf({
  messages,
  settings = {},
  output,
}: ModelRequest): Omit<ChatRequest, 'model'> {
  return {
    messages: messages.map(({ role, content }) => ({ role, content: textOf(content) })),
    ...(settings.max_tokens === undefined ? {} : { maxTokens: settings.max_tokens }),
    ...(settings.temperature === undefined ? {} : { temperature: settings.temperature }),
    ...(output === undefined ? {} : { schema: output }),
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
