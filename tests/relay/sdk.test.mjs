// The official SDKs, unmodified, against the relay: what they send is understood, and what they
// parse is what they expect. Behind the relay stands the mock, in another format each time.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ApiError, GoogleGenAI, Type } from '@google/genai';
import { generateText, jsonSchema, Output, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { start_mock, start_relay } from './mock_upstream.mjs';
import { post_json } from './program.mjs';

const text = 'Hold the bridge.';
const aliases = {
  chat: ['openai/one'],
  responses: ['responses/one'],
  claude: ['anthropic/one'],
  gemini: ['google/one'],
};
const usage = { input_tokens: 11, output_tokens: 5 };
const call = { name: 'move', arguments: '{"to": 7}' };
const secret = 'a secret of the game that is long enough for anybody';
const parameters = {
  type: 'object',
  properties: { to: { type: 'integer' } },
  required: ['to'],
  additionalProperties: false,
};
const shape = {
  type: 'object',
  properties: { plan: { type: 'string' } },
  required: ['plan'],
  additionalProperties: false,
};

/** Claude's stream that fails after its first word. */
function failing_stream() {
  const events = [
    { type: 'message_start', message: { id: 'm', model: 'one', content: [], usage: {} } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hold' } },
    { type: 'error', error: { type: 'overloaded_error', message: 'busy' } },
  ];
  return {
    send: events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''),
    headers: { 'content-type': 'text/event-stream' },
  };
}

describe('official SDKs', { concurrency: false }, () => {
  let folder;
  let mock;
  let relay;
  let openai;
  let anthropic;
  let compatible;
  let google;
  let bearer;
  before(async () => {
    mock = await start_mock();
    folder = mkdtempSync(join(tmpdir(), 'redoubt-sdk-'));
    writeFileSync(join(folder, 'service'), secret, { mode: 0o600 });
    relay = await start_relay(mock, aliases, {
      REDOUBT_TOKENS_SERVICE_SECRET_FILE: join(folder, 'service'),
    });
    // A player's token is the only key that an SDK needs.
    const service = { authorization: `Bearer ${secret}` };
    const session = await post_json(relay, '/api/session', { sub: 'ada' }, service);
    const apiKey = session.json().token;
    bearer = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
    const baseURL = `${relay.url}/v1`;
    openai = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
    anthropic = new Anthropic({ baseURL: relay.url, apiKey, maxRetries: 0 });
    compatible = createOpenAICompatible({ name: 'redoubt', baseURL, apiKey });
    google = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: relay.url } });
  });
  after(async () => {
    await relay?.stop();
    await mock?.stop();
    rmSync(folder, { recursive: true });
  });
  const says = (answer) => mock.script([{ do: [{ answer: { ...usage, ...answer } }] }]);

  for (const model of Object.keys(aliases)) {
    it(`openai: chat with ${model}, whole, streamed, with tools and a schema`, async () => {
      await says({ text });
      const messages = [{ role: 'user', content: 'Where to?' }];
      const whole = await openai.chat.completions.create({ model, messages });
      assert.equal(whole.choices[0].message.content, text);
      assert.equal(whole.choices[0].finish_reason, 'stop');
      assert.deepEqual([whole.usage.prompt_tokens, whole.usage.completion_tokens], [11, 5]);

      let said = '';
      let counted;
      const stream_options = { include_usage: true };
      const request = { model, messages, stream: true, stream_options };
      for await (const chunk of await openai.chat.completions.create(request)) {
        said += chunk.choices[0]?.delta.content ?? '';
        counted = chunk.usage ?? counted;
      }
      assert.equal(said, text);
      assert.equal(counted.completion_tokens, 5);

      await says({ text: '', tool_calls: [call] });
      const tools = [{ type: 'function', function: { name: 'move', parameters } }];
      const called = await openai.chat.completions.create({ model, messages, tools });
      const [first] = called.choices[0].message.tool_calls;
      assert.equal(called.choices[0].finish_reason, 'tool_calls');
      assert.equal(first.function.name, 'move');
      assert.deepEqual(JSON.parse(first.function.arguments), { to: 7 });

      await says({ text: '{"plan": "go"}' });
      const response_format = { type: 'json_schema', json_schema: { name: 'plan', schema: shape } };
      const formed = await openai.chat.completions.create({ model, messages, response_format });
      assert.deepEqual(JSON.parse(formed.choices[0].message.content), { plan: 'go' });
    });

    it(`openai: responses with ${model}, whole and streamed`, async () => {
      await says({ text });
      const whole = await openai.responses.create({ model, input: 'Where to?' });
      assert.equal(whole.output_text, text);
      assert.equal(whole.usage.output_tokens, 5);
      let said = '';
      let ended;
      const stream = await openai.responses.create({ model, input: 'Where to?', stream: true });
      for await (const event of stream) {
        if (event.type === 'response.output_text.delta') said += event.delta;
        if (event.type === 'response.completed') ended = event.response;
      }
      assert.equal(said, text);
      assert.equal(ended.status, 'completed');
    });

    it(`anthropic: messages with ${model}, whole, streamed and with tools`, async () => {
      await says({ text });
      const request = {
        model,
        max_tokens: 100,
        messages: [{ role: 'user', content: 'Where to?' }],
      };
      const whole = await anthropic.messages.create(request);
      assert.equal(whole.content[0].text, text);
      assert.equal(whole.stop_reason, 'end_turn');
      assert.equal(whole.usage.output_tokens, 5);
      const final = await anthropic.messages.stream(request).finalMessage();
      assert.equal(final.content[0].text, text);

      await says({ text: '', tool_calls: [call] });
      const tools = [{ name: 'move', input_schema: parameters }];
      const called = await anthropic.messages.create({ ...request, tools });
      const use = called.content.find(({ type }) => type === 'tool_use');
      assert.deepEqual([use.name, use.input], ['move', { to: 7 }]);
      assert.equal(called.stop_reason, 'tool_use');
    });

    it(`google: a chat with ${model}, whole, streamed, with tools and a schema`, async () => {
      await says({ text });
      const asked = { model, contents: 'Where to?' };
      const whole = await google.models.generateContent(asked);
      assert.equal(whole.text, text);
      assert.equal(whole.usageMetadata.candidatesTokenCount, 5);
      // The SDK keeps an answer that it holds for whole: the next turn has it.
      const chat = google.chats.create({ model });
      let said = '';
      for await (const chunk of await chat.sendMessageStream({ message: 'Where to?' }))
        said += chunk.text ?? '';
      assert.equal(said, text);
      await mock.forget();
      await chat.sendMessage({ message: 'And then?' });
      assert.ok(JSON.stringify((await mock.calls())[0]).includes(text));

      await says({ text: '', tool_calls: [call] });
      const to = { type: Type.INTEGER };
      const declared = { name: 'move', parameters: { type: Type.OBJECT, properties: { to } } };
      const tools = [{ functionDeclarations: [declared] }];
      const called = await google.models.generateContent({ ...asked, config: { tools } });
      assert.deepEqual(called.functionCalls[0].args, { to: 7 });

      await says({ text: '{"plan": "go"}' });
      const config = { responseMimeType: 'application/json', responseJsonSchema: shape };
      const formed = await google.models.generateContent({ ...asked, config });
      assert.deepEqual(JSON.parse(formed.text), { plan: 'go' });
    });

    it(`ai: generateText, streamText, tools and an object with ${model}`, async () => {
      await says({ text });
      const asked = { model: compatible(model), prompt: 'Where to?', maxRetries: 0 };
      const whole = await generateText(asked);
      assert.equal(whole.text, text);
      assert.equal(whole.usage.outputTokens, 5);
      let said = '';
      for await (const piece of streamText(asked).textStream) said += piece;
      assert.equal(said, text);

      await says({ text: '', tool_calls: [call] });
      const tools = { move: tool({ inputSchema: jsonSchema(parameters) }) };
      const called = await generateText({ ...asked, tools });
      assert.deepEqual(called.toolCalls[0].input, { to: 7 });

      await says({ text: '{"plan": "go"}' });
      const output = Output.object({ schema: jsonSchema(shape) });
      const formed = await generateText({ ...asked, output });
      assert.deepEqual(formed.output, { plan: 'go' });
    });
  }

  const failed = (head, error) => [
    {
      do: [
        { head, headers: { 'content-type': 'application/json' } },
        { send: JSON.stringify({ error }) },
      ],
    },
  ];
  const messages = [{ role: 'user', content: 'Where to?' }];
  /** What each SDK throws, for one and the same answer of the provider. */
  const thrown = async (asked) => {
    const caught = (call) =>
      call.then(
        () => assert.fail('no error'),
        (error) => error,
      );
    return {
      chat: await caught(openai.chat.completions.create({ model: asked, messages })),
      responses: await caught(openai.responses.create({ model: asked, input: 'Where to?' })),
      claude: await caught(anthropic.messages.create({ model: asked, max_tokens: 9, messages })),
      gemini: await caught(google.models.generateContent({ model: asked, contents: 'Where to?' })),
    };
  };

  for (const model of Object.keys(aliases)) {
    it(`know a prompt that is too long for ${model} by their own words`, async () => {
      const message =
        'input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000, decrease ' +
        'input length or `max_tokens` and try again';
      await mock.script(failed(400, { message, type: 'invalid_request_error' }));
      const { chat, responses, claude, gemini } = await thrown(model);
      for (const error of [chat, responses]) {
        assert.ok(error instanceof OpenAI.BadRequestError, String(error));
        assert.equal(error.code, 'context_length_exceeded');
        assert.equal(error.type, 'invalid_request_error');
        assert.match(error.message, /This model's maximum context length is 200000 tokens/);
      }
      assert.ok(claude instanceof Anthropic.BadRequestError, String(claude));
      assert.deepEqual(claude.error.error, { type: 'invalid_request_error', message });
      assert.equal(gemini.status, 400);
      const { error } = JSON.parse(gemini.message);
      assert.equal(error.status, 'INVALID_ARGUMENT');
      assert.match(error.message, /exceeds the maximum number of tokens allowed: 190000 \+ 32000/);

      // The numbers are told where the provider told them; a status of 413 is told as what it is.
      const long = 'prompt is too long: 210000 tokens > 200000 maximum';
      await mock.script(failed(413, { message: long, type: 'invalid_request_error' }));
      const told = await thrown(model);
      assert.equal(told.chat.status, 400);
      assert.equal(told.claude.error.error.message, long);
    });

    it(`know a refusal of ${model} by its provider's policy`, async () => {
      const message = 'Invalid prompt: it was flagged as potentially violating our usage policy.';
      const code = 'invalid_prompt';
      await mock.script(failed(400, { message, type: 'invalid_request_error', code }));
      const { chat, responses, claude, gemini } = await thrown(model);
      for (const error of [chat, responses])
        assert.deepEqual([error.status, error.code], [400, code]);
      assert.equal(claude.error.error.type, 'invalid_request_error');
      for (const error of [chat, responses, claude, gemini])
        assert.match(error.message, /usage policy/);
    });
  }

  it('hear of a response that fails before its first word, and of one that fails amid its stream', async () => {
    const request = { model: 'claude', input: 'Where to?' };
    await mock.script([{ do: [{ head: 400 }, { send: '{"error":{"message":"no"}}' }] }]);
    await assert.rejects(openai.responses.create({ ...request, stream: true }), {
      constructor: OpenAI.BadRequestError,
    });
    const { send, headers } = failing_stream();
    await mock.script([{ do: [{ head: 200, headers }, { send }] }]);
    const heard = [];
    for await (const event of await openai.responses.create({ ...request, stream: true }))
      heard.push(event);
    assert.equal(heard[0].type, 'response.created');
    const last = heard.at(-1);
    assert.equal(last.type, 'response.failed');
    assert.equal(last.response.status, 'failed');
    assert.equal(last.response.error.code, 'server_is_overloaded');
    const final = await openai.responses.stream(request).finalResponse();
    assert.equal(final.status, 'failed');
  });

  it('throw where an answer fails after its first words, whichever the format', async () => {
    const { send, headers } = failing_stream();
    const messages = [{ role: 'user', content: 'Where to?' }];
    const model = 'claude';
    const streams = {
      chat: () => openai.chat.completions.create({ model, messages, stream: true }),
      completions: () => openai.completions.create({ model, prompt: 'Where to?', stream: true }),
      messages: () => anthropic.messages.create({ model, messages, max_tokens: 50, stream: true }),
      google: () => google.models.generateContentStream({ model, contents: 'Where to?' }),
      'google, a list': async () => {
        const path = '/v1beta/models/claude:streamGenerateContent';
        const contents = [{ role: 'user', parts: [{ text: 'Where to?' }] }];
        const body = JSON.stringify({ contents });
        return (await fetch(relay.url + path, { method: 'POST', body, headers: bearer })).body;
      },
    };
    for (const [format, stream] of Object.entries(streams)) {
      await mock.script([{ do: [{ head: 200, headers }, { send }] }]);
      let heard = '';
      const read = async () => {
        for await (const chunk of await stream())
          heard += chunk instanceof Uint8Array ? Buffer.from(chunk) : JSON.stringify(chunk);
      };
      await assert.rejects(read, undefined, `${format} took for whole: ${heard}`);
      assert.match(heard, /Hold/, format);
    }
  });

  it('openai: the functions that tools replaced, with every target', async () => {
    const request = {
      messages: [{ role: 'user', content: 'Where to?' }],
      functions: [{ name: 'move', parameters }],
      function_call: { name: 'move' },
    };
    for (const model of Object.keys(aliases)) {
      await says({ text: '', tool_calls: [call] });
      const { choices } = await openai.chat.completions.create({ model, ...request });
      assert.equal(choices[0].finish_reason, 'function_call');
      assert.equal(choices[0].message.function_call.name, 'move');
      assert.deepEqual(JSON.parse(choices[0].message.function_call.arguments), { to: 7 });
      let told = '';
      let reason = null;
      const stream = await openai.chat.completions.create({ model, ...request, stream: true });
      for await (const { choices: pieces } of stream) {
        told += pieces[0]?.delta.function_call?.arguments ?? '';
        reason = pieces[0]?.finish_reason ?? reason;
      }
      assert.deepEqual(JSON.parse(told), { to: 7 });
      assert.equal(reason, 'function_call');
      await says({ text });
      const second = await openai.chat.completions.create({
        model,
        ...request,
        function_call: 'auto',
        messages: [
          ...request.messages,
          choices[0].message,
          { role: 'function', name: 'move', content: 'moved' },
        ],
      });
      assert.equal(second.choices[0].message.content, text);
    }
  });

  it('do not repeat a call that is lost', async () => {
    const retrying = {
      openai: new OpenAI({ baseURL: `${relay.url}/v1`, apiKey: openai.apiKey, maxRetries: 2 }),
      anthropic: new Anthropic({ baseURL: relay.url, apiKey: openai.apiKey, maxRetries: 2 }),
    };
    const lost = [
      failed(404, { message: 'The model does not exist', code: 'model_not_found' }),
      failed(402, { message: 'Insufficient balance' }),
      failed(401, { message: 'No', type: 'authentication_error' }),
    ];
    for (const rules of lost) {
      await mock.script(rules);
      await mock.forget();
      const chat = { model: 'chat', messages };
      await assert.rejects(retrying.openai.chat.completions.create(chat), (error) => {
        assert.equal(error.status, 502);
        assert.equal(error.headers.get('x-should-retry'), 'false');
        return true;
      });
      await assert.rejects(
        retrying.anthropic.messages.create({ model: 'claude', max_tokens: 9, messages }),
        (error) => error.status === 502,
      );
      assert.equal((await mock.calls()).length, 2);
    }
  });

  it('throw their own errors for what the relay refuses', async () => {
    await assert.rejects(openai.chat.completions.create({ model: 'nobody', messages }), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError, String(error));
      assert.match(error.message, /nobody/);
      return true;
    });
    await assert.rejects(
      anthropic.messages.create({ model: 'nobody', max_tokens: 9, messages }),
      (error) => error instanceof Anthropic.NotFoundError,
    );
    await assert.rejects(
      google.models.generateContent({ model: 'nobody', contents: 'Where to?' }),
      (error) => error instanceof ApiError && error.status === 404,
    );
    const cut = [{ head: 200, headers: { 'content-type': 'text/event-stream' } }, { cut: true }];
    const begun = { send: 'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n' };
    await mock.script([{ do: [cut[0], begun, cut[1]] }]);
    await assert.rejects(
      async () => {
        const asked = { model: 'chat', contents: 'Where to?' };
        for await (const chunk of await google.models.generateContentStream(asked))
          assert.equal(chunk.text, 'a');
      },
      (error) => error instanceof ApiError,
    );
    const named = [];
    for await (const model of await google.models.list()) named.push(model.name);
    assert.deepEqual(
      named.sort(),
      Object.keys(aliases)
        .map((name) => `models/${name}`)
        .sort(),
    );
    const paged = [];
    for await (const model of await google.models.list({ config: { pageSize: 2 } }))
      paged.push(model.name);
    assert.deepEqual(paged.sort(), named);
    const of_anthropic = [];
    for await (const { id } of anthropic.models.list({ limit: 2 })) of_anthropic.push(id);
    assert.deepEqual(of_anthropic.sort(), Object.keys(aliases).sort());
    await assert.rejects(
      anthropic.models.retrieve('nope'),
      ({ status, error }) => status === 404 && error.error.type === 'not_found_error',
    );
    const models = [];
    for await (const model of openai.models.list()) models.push(model.id);
    assert.deepEqual(models.sort(), Object.keys(aliases).sort());
  });
});
