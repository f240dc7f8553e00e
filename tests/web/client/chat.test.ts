// A model's answer as it comes from the relay: in pieces that are cut anywhere, broken off, refused.
import { describe, expect, it } from 'vitest';
import { createClient } from '@redoubt/client';
import { errorOf, piecesOf } from './chat_answers.js';

const request = { model: 'strategist', messages: [{ role: 'user' as const, content: 'Well?' }] };
const chunk = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
const usage = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 2 } })}\r\n\r\n`;
const whole = `${chunk('Für ')}: a heartbeat\n\n${chunk('Elise')}${usage}data: [DONE]\n\n`;

/** A relay that answers with these bytes, `size` at a time. */
function relayOf(text: string, size: number, init: ResponseInit = {}) {
  const bytes = new TextEncoder().encode(text);
  const asked: { url: string; body: Record<string, unknown> }[] = [];
  let cancelled = false;
  let at = 0;
  const body = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(at, (at += size)));
      },
      cancel: () => void (cancelled = true),
    });
  const client = createClient({
    relay: 'http://relay.test',
    engine: { strategy: () => null, agentSpecification: () => null },
    now: () => 5,
    schedule: () => () => undefined,
    network: { onLine: () => true, subscribe: () => () => undefined },
    fetch: async (url, options) => {
      if (!String(url).endsWith('/v1/chat/completions')) return new Response('{}');
      asked.push({ url: String(url), body: JSON.parse(String(options?.body)) });
      return new Response(init.status ? text : body(), {
        headers: { 'x-redoubt-model': 'mock/one' },
        ...init,
      });
    },
  });
  return { client, asked, wasCancelled: () => cancelled };
}

describe('chat', () => {
  it('gives the text as it comes, wherever the bytes are cut, and then the whole', async () => {
    for (let size = 1; size <= whole.length; size += size < 20 ? 1 : 37) {
      const { client, asked } = relayOf(whole, size);
      expect(await piecesOf(client.chat(request))).toEqual([
        { type: 'text', text: 'Für ' },
        { type: 'text', text: 'Elise' },
        {
          type: 'done',
          text: 'Für Elise',
          toolCalls: [],
          model: 'mock/one',
          inputTokens: 7,
          outputTokens: 2,
          latencyMs: 0,
        },
      ]);
      expect(asked[0]?.body).toMatchObject({ model: 'strategist', stream: true });
      client.dispose();
    }
  });

  it('puts the calls of tools together, and passes tools and results on', async () => {
    const delta = (tool_calls: object[]) =>
      `data: ${JSON.stringify({ choices: [{ delta: { tool_calls } }] })}\n\n`;
    const stream =
      delta([{ index: 0, id: 'a', function: { name: 'look', arguments: '{"w":' } }]) +
      delta([{ index: 1, id: 'b', function: { name: 'pay', arguments: '' } }]) +
      delta([{ index: 0, function: { arguments: '"x"}' } }]) +
      'data: [DONE]\n\n';
    const { client, asked } = relayOf(stream, 17);
    const tool = { type: 'function', function: { name: 'look' } } as const;
    const pieces = await piecesOf(
      client.chat({
        ...request,
        messages: [{ role: 'tool', tool_call_id: 'a', content: 'found' }],
        tools: [tool],
        toolChoice: 'required',
        parallelToolCalls: false,
      }),
    );
    expect(pieces.at(-1)).toMatchObject({
      toolCalls: [
        { id: 'a', name: 'look', arguments: '{"w":"x"}' },
        { id: 'b', name: 'pay', arguments: '' },
      ],
    });
    expect(asked[0]?.body).toMatchObject({
      messages: [{ role: 'tool', tool_call_id: 'a', content: 'found' }],
      tools: [tool],
      tool_choice: 'required',
      parallel_tool_calls: false,
    });
    client.dispose();
  });

  it('asks for a schema in the words of the format', async () => {
    const { client, asked } = relayOf(whole, 99);
    await piecesOf(client.chat({ ...request, schema: { type: 'object' }, maxTokens: 9 }));
    expect(asked[0]?.body).toMatchObject({
      max_tokens: 9,
      response_format: { type: 'json_schema', json_schema: { schema: { type: 'object' } } },
    });
    client.dispose();
  });

  it('ends the call when its listener stops', async () => {
    const { client, wasCancelled } = relayOf(whole, 10);
    for await (const piece of client.chat(request)) {
      expect(piece.type).toBe('text');
      break;
    }
    expect(wasCancelled()).toBe(true);
    client.dispose();
  });

  it.each([
    [
      'an error event',
      `${chunk('a')}data: {"error":{"message":"too much"}}\n\n`,
      {},
      'model_failed',
    ],
    [
      'a tool call without its beginning',
      'data: {"choices":[{"delta":{"tool_calls":[{"index":3}]}}]}\n\n',
      {},
      'model_failed',
    ],
    ['no JSON', 'data: {\n\n', {}, 'model_failed'],
    ['a used budget', '{"error":{"message":"no"}}', { status: 402 }, 'budget_exhausted'],
    ['a token that is refused', '{"error":{"message":"no"}}', { status: 401 }, 'unauthorized'],
    ['a gateway', 'gone', { status: 502 }, 'relay_unreachable'],
  ])('tells of %s', async (_, text, init, code) => {
    const { client } = relayOf(text, 1000, init);
    expect(await errorOf(piecesOf(client.chat(request)))).toMatchObject({ code });
    client.dispose();
  });

  it('needs a relay', async () => {
    const client = createClient({
      relay: null,
      engine: { strategy: () => null, agentSpecification: () => null },
    });
    expect(await errorOf(piecesOf(client.chat(request)))).toMatchObject({ code: 'bad_request' });
    client.dispose();
  });
});
