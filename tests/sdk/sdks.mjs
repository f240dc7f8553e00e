// The SDKs of the matrix: where each is installed from, the program that uses it, the formats that
// it speaks, and what it throws.

const openai_throws = { 400: 'BadRequestError', 429: 'RateLimitError' };
const ai_throws = { 400: 'APICallError', 429: 'APICallError' };
const text = ['text', 'text streamed'];
const loops = ['tools', 'tools streamed'];
const errors = ['400', '429', '429 streamed'];
const several = ['several', 'several streamed'];
const of_chat = { chat: [...several, 'embeddings'] };
const all = [...text, ...loops, 'object', ...errors];

const python = (requirements, program, more) => ({
  language: 'Python',
  requirements,
  program: `${program}_client.py`,
  tasks: all,
  throws: openai_throws,
  ...more,
});
const node = (packages, program, more) => ({
  language: 'Node',
  folder: '',
  packages,
  program: `${program}_client.mjs`,
  tasks: all,
  throws: openai_throws,
  ...more,
});

const openai_formats = ['chat', 'responses'];
const all_formats = [...openai_formats, 'messages'];

export const sdks = [
  python('openai', 'openai', { packages: ['openai'], formats: openai_formats, more: of_chat }),
  python('openai-2', 'openai', { packages: ['openai'], formats: openai_formats, more: of_chat }),
  python('openai-1', 'openai', { packages: ['openai'], formats: openai_formats, more: of_chat }),
  python('anthropic', 'anthropic', { packages: ['anthropic'], formats: ['messages'] }),
  python('anthropic-1', 'anthropic', { packages: ['anthropic'], formats: ['messages'] }),
  python('anthropic-0', 'anthropic', { packages: ['anthropic'], formats: ['messages'] }),
  python('langchain', 'langchain', {
    packages: ['langchain', 'langchain-openai', 'langchain-anthropic'],
    formats: all_formats,
  }),
  python('pydantic-ai', 'pydantic_ai', {
    packages: ['pydantic-ai-slim'],
    formats: all_formats,
    tasks: [...all, 'object streamed', 'object by tool', 'object by tool streamed'],
    throws: { 400: 'ModelHTTPError', 429: 'ModelHTTPError' },
  }),
  python('litellm', 'litellm', { packages: ['litellm'], formats: all_formats }),
  python('instructor', 'instructor', {
    packages: ['instructor'],
    formats: all_formats,
    tasks: ['object', 'object streamed', 'object by tool', 'object by tool streamed', ...errors],
    // It has no such way for this format.
    left_out: { responses: ['object', 'object streamed'] },
    tool: 'Plan',
  }),
  python('openai-agents', 'openai_agents', {
    packages: ['openai-agents'],
    formats: openai_formats,
  }),
  python('google-genai', 'google', {
    packages: ['google-genai'],
    formats: ['google'],
    tasks: [...text, ...several, 'embeddings', ...errors],
    throws: { 400: 'ClientError', 429: 'ClientError' },
  }),
  node(['openai'], 'openai', { formats: openai_formats, more: of_chat }),
  node(['openai-6'], 'openai', { folder: 'older', formats: openai_formats, more: of_chat }),
  node(['openai-5'], 'openai', { folder: 'older', formats: openai_formats, more: of_chat }),
  node(['openai-4'], 'openai', { folder: 'older', formats: openai_formats, more: of_chat }),
  node(['@anthropic-ai/sdk'], 'anthropic', { formats: ['messages'] }),
  node(['anthropic-0'], 'anthropic', { folder: 'older', formats: ['messages'] }),
  node(['langchain', '@langchain/openai', '@langchain/anthropic'], 'langchain', {
    formats: all_formats,
  }),
  node(['@openai/agents'], 'openai_agents', { formats: openai_formats }),
  node(['ai', '@ai-sdk/openai'], 'ai', {
    formats: openai_formats,
    throws: ai_throws,
    more: { chat: ['embeddings'] },
  }),
  node(['ai', '@ai-sdk/openai-compatible'], 'ai', { formats: ['compatible'], throws: ai_throws }),
  node(['ai', '@ai-sdk/anthropic'], 'ai', { formats: ['messages'], throws: ai_throws }),
  node(['ai', '@ai-sdk/google'], 'ai', {
    formats: ['google'],
    tasks: [...all, 'embeddings'],
    throws: ai_throws,
  }),
];
