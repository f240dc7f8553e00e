// Models with the player's own key: every provider's own words out and in, cut anywhere, and a key
// that is nowhere but in its header.
import { describe, expect, it } from 'vitest';
import { directModel, EngineError, providers } from '@redoubt/engine/models';
import type { DirectPiece } from '@redoubt/engine/models';

const key = 'sk-the-players-own-key';
const request = { messages: [{ role: 'user' as const, content: 'Well?' }], maxTokens: 50 };

const sse = (events: unknown[], names = false) =>
  events
    .map((event) => {
      const name = names ? `event: ${(event as { type: string }).type}\n` : '';
      return `${name}data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`;
    })
    .join('');
const openai = sse([
  {
    id: 'x',
    model: 'gpt-5.4-mini',
    choices: [{ index: 0, delta: { role: 'assistant', content: '' } }],
  },
  { choices: [{ index: 0, delta: { content: 'Für ' } }] },
  { choices: [{ index: 0, delta: { content: 'Elise' }, finish_reason: 'stop' }] },
  { choices: [], usage: { prompt_tokens: 1000, completion_tokens: 2000, total_tokens: 3000 } },
  '[DONE]',
]);
const anthropic = sse(
  [
    {
      type: 'message_start',
      message: { id: 'm', model: 'claude', usage: { input_tokens: 1000, output_tokens: 1 } },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Für ' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Elise' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2000 } },
    { type: 'message_stop' },
  ],
  true,
);
const gemini = sse([
  { candidates: [{ content: { role: 'model', parts: [{ text: 'Für ' }] } }] },
  {
    candidates: [{ content: { role: 'model', parts: [{ text: 'Elise' }] }, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 1000, candidatesTokenCount: 2000, totalTokenCount: 3000 },
  },
]);

function served(text: string, size: number, init: ResponseInit = {}) {
  const bytes = new TextEncoder().encode(text);
  const asked: { url: string; headers: Record<string, string>; body: string }[] = [];
  const state = { cancelled: false };
  const answer: typeof fetch = async (url, options) => {
    const { headers, body } = options!;
    asked.push({
      url: String(url),
      headers: headers as Record<string, string>,
      body: String(body),
    });
    let at = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(at, (at += size)));
      },
      cancel: () => void (state.cancelled = true),
    });
    return new Response(stream, init);
  };
  return { answer, asked, state };
}

async function piecesOf(answer: AsyncIterable<DirectPiece>): Promise<DirectPiece[]> {
  const pieces: DirectPiece[] = [];
  for await (const piece of answer) pieces.push(piece);
  return pieces;
}
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: EngineError) => error,
  );

describe('a model of the player', () => {
  it.each([
    [
      'openai',
      'gpt-5.4-mini',
      openai,
      'authorization',
      `Bearer ${key}`,
      '/v1/chat/completions',
      9750,
    ],
    ['anthropic', 'claude-haiku-4-5', anthropic, 'x-api-key', key, '/v1/messages', 11000],
    ['gemini', 'gemini-2.5-flash', gemini, 'x-goog-api-key', key, ':streamGenerateContent', 5300],
  ])('speaks %s', async (provider, model, text, header, value, path, costMicroUsd) => {
    for (let size = 1; size < text.length; size += size < 12 ? 1 : 97) {
      const { answer, asked } = served(text, size);
      const direct = await directModel({ provider, model, key, fetch: answer, now: () => 7 });
      const pieces = await piecesOf(direct.chat(request));
      expect(pieces.at(-1)).toEqual({
        type: 'done',
        text: 'Für Elise',
        toolCalls: [],
        model: `${provider}/${model}`,
        inputTokens: 1000,
        outputTokens: 2000,
        costMicroUsd,
        latencyMs: 0,
      });
      expect(asked).toHaveLength(1);
      const [{ url, headers, body }] = asked as [(typeof asked)[0]];
      expect(url).toContain(path);
      const sent = Object.entries(headers).find(([name]) => name.toLowerCase() === header);
      expect(sent?.[1]).toBe(value);
      expect(url + body).not.toContain(key);
    }
  });

  it('calls tools in every format, and is told what came of them', async () => {
    const line = (json: object) => `data: ${JSON.stringify(json)}\n\n`;
    const begun = { type: 'tool_use', id: 't1', name: 'look', input: {} };
    const stream = [
      { type: 'message_start', message: { model: 'm', usage: { input_tokens: 1 } } },
      { type: 'content_block_start', index: 0, content_block: begun },
      {
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'input_json_delta', partial_json: '{"w":1}' },
      },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 2 } },
      { type: 'message_stop' },
    ];
    const { answer, asked } = served(
      stream.map((json) => `event: ${json.type}\n${line(json)}`).join(''),
      13,
    );
    const direct = await directModel({ provider: 'anthropic', model: 'm', key, fetch: answer });
    const called = { name: 'look', arguments: '{"w":0}' };
    const pieces = await piecesOf(
      direct.chat({
        messages: [
          { role: 'user', content: 'Look.' },
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: 't0', type: 'function', function: called }],
          },
          { role: 'tool', tool_call_id: 't0', content: 'found' },
        ],
        tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }],
      }),
    );
    expect(pieces.at(-1)).toMatchObject({
      toolCalls: [{ id: 't1', name: 'look', arguments: '{"w":1}' }],
    });
    const body = asked[0]?.body ?? '';
    for (const told of ['"tool_use_id":"t0"', '"input_schema"', '"input":{"w":0}']) {
      expect(body).toContain(told);
    }
  });

  it('says to Anthropic that it is a page', async () => {
    const { answer, asked } = served(anthropic, 999);
    const direct = await directModel({ provider: 'anthropic', model: 'm', key, fetch: answer });
    await piecesOf(direct.chat(request));
    expect(asked[0]?.headers).toMatchObject({
      'anthropic-dangerous-direct-browser-access': 'true',
    });
  });

  it('keeps its key out of errors and of everything that can be read of it', async () => {
    const refused = served(
      JSON.stringify({ error: { message: 'bad key', code: 'invalid_api_key' } }),
      99,
      {
        status: 401,
      },
    );
    const direct = await directModel({
      provider: 'openai',
      model: 'm',
      key,
      fetch: refused.answer,
    });
    const error = await errorOf(piecesOf(direct.chat(request)));
    expect(error).toMatchObject({ code: 'model_failed', path: 'unauthorized', got: '401' });
    expect(JSON.stringify([direct, error, error?.message, error?.stack])).not.toContain(key);
    const gone = await directModel({
      provider: 'openai',
      model: 'm',
      key,
      fetch: () => Promise.reject(new TypeError('Failed to fetch')),
    });
    const outage = await errorOf(piecesOf(gone.chat(request)));
    expect(outage).toMatchObject({ code: 'model_failed', path: 'https://api.openai.com' });
    expect(JSON.stringify([outage, outage?.message, outage?.stack])).not.toContain(key);
  });

  it('does not take a piece for the whole', async () => {
    // Before the reason for its end: without that no answer is whole.
    const cut = served(openai.slice(0, openai.indexOf('Elise')), 50);
    const direct = await directModel({ provider: 'openai', model: 'm', key, fetch: cut.answer });
    expect(await errorOf(piecesOf(direct.chat(request)))).toMatchObject({
      code: 'model_failed',
      path: 'cut',
    });
  });

  it('ends the call when its listener stops', async () => {
    const { answer, state } = served(openai, 20);
    const direct = await directModel({ provider: 'openai', model: 'm', key, fetch: answer });
    for await (const piece of direct.chat(request)) {
      expect(piece.type).toBe('text');
      break;
    }
    expect(state.cancelled).toBe(true);
  });

  it('refuses a provider that it does not know, and a key that is missing', async () => {
    expect(await errorOf(directModel({ provider: 'nobody', model: 'm', key }))).toMatchObject({
      code: 'bad_argument',
      path: 'provider',
      expected: expect.stringContaining('anthropic'),
    });
    expect(await errorOf(directModel({ provider: 'openai', model: 'm' }))).toMatchObject({
      code: 'bad_argument',
      path: 'key',
    });
    const known = await providers();
    expect(known.find(({ name }) => name === 'ollama')).toMatchObject({ keyed: false });
    expect(known.find(({ name }) => name === 'openai')?.models).toContain('gpt-5.4-mini');
  });
});
