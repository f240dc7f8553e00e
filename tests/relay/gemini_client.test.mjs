// The relay's Gemini format over HTTP: what @google/genai and google-genai put on the wire, said by
// hand. Behind the relay stands the mock, in another format each time.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { start_mock, start_relay } from './mock_upstream.mjs';
import { ask, post_json } from './program.mjs';

const aliases = {
  chat: ['openai/one'],
  responses: ['responses/one'],
  claude: ['anthropic/one'],
  gemini: ['google/one'],
};
const secret = 'a secret of the game that is long enough for anybody';
const contents = [{ role: 'user', parts: [{ text: 'Where to?' }] }];
const text = 'Hold the bridge.';
const answer = { input_tokens: 11, output_tokens: 5 };
const declared = {
  name: 'move',
  parameters: { type: 'OBJECT', properties: { to: { type: 'INTEGER' } }, required: ['to'] },
};

describe('clients that speak Gemini', { concurrency: false }, () => {
  let folder;
  let mock;
  let relay;
  let token;
  before(async () => {
    mock = await start_mock();
    folder = mkdtempSync(join(tmpdir(), 'redoubt-gemini-'));
    writeFileSync(join(folder, 'service'), secret, { mode: 0o600 });
    relay = await start_relay(mock, aliases, {
      REDOUBT_TOKENS_SERVICE_SECRET_FILE: join(folder, 'service'),
    });
    const bearer = { authorization: `Bearer ${secret}` };
    token = (await post_json(relay, '/api/session', { sub: 'ada' }, bearer)).json().token;
  });
  after(async () => {
    await relay?.stop();
    await mock?.stop();
    rmSync(folder, { recursive: true });
  });
  const call = (path, body, headers = { 'x-goog-api-key': token }) =>
    post_json(relay, `/v1beta/models/${path}`, body, headers);
  const says = (more) => mock.script([{ do: [{ answer: { ...answer, ...more } }] }]);
  const parts_of = (whole) => whole.candidates[0].content.parts;

  for (const model of Object.keys(aliases)) {
    it(`${model}: whole, as events and as a list`, async () => {
      await says({ text });
      const whole = await call(`${model}:generateContent`, { contents });
      assert.equal(whole.status, 200, whole.text);
      assert.equal(parts_of(whole.json())[0].text, text);
      assert.equal(whole.json().candidates[0].finishReason, 'STOP');
      assert.equal(whole.json().modelVersion, model);
      assert.equal(whole.json().usageMetadata.promptTokenCount, 11);
      assert.equal(whole.json().usageMetadata.candidatesTokenCount, 5);

      const stream = await call(`${model}:streamGenerateContent?alt=sse`, { contents });
      assert.match(stream.headers['content-type'], /^text\/event-stream/);
      const events = stream.text.split('\n\n').filter((event) => event.startsWith('data: '));
      const chunks = events.map((event) => JSON.parse(event.slice(6)));
      assert.equal(
        chunks
          .flatMap(parts_of)
          .map((part) => part.text)
          .join(''),
        text,
      );
      assert.equal(chunks.at(-1).candidates[0].finishReason, 'STOP');
      assert.equal(chunks.at(-1).usageMetadata.totalTokenCount, 16);

      const list = await call(`${model}:streamGenerateContent`, { contents });
      assert.match(list.headers['content-type'], /^application\/json/);
      assert.equal(
        list
          .json()
          .flatMap(parts_of)
          .map((part) => part.text)
          .join(''),
        text,
      );
    });

    it(`${model}: a call of a tool, and its result`, async () => {
      await says({ text: '', tool_calls: [{ name: 'move', arguments: '{"to": 7}' }] });
      const tools = [{ functionDeclarations: [declared] }];
      const called = await call(`${model}:generateContent`, { contents, tools });
      const content = called.json().candidates[0].content;
      const { functionCall } = content.parts.find((part) => part.functionCall);
      assert.deepEqual([functionCall.name, functionCall.args], ['move', { to: 7 }]);
      await mock.forget();
      await says({ text });
      const { id, name } = functionCall;
      const result = { functionResponse: { id, name, response: { output: 'arrived' } } };
      const next = [...contents, content, { role: 'user', parts: [result] }];
      const told = await call(`${model}:generateContent`, { contents: next, tools });
      assert.equal(parts_of(told.json())[0].text, text);
      const [{ body }] = await mock.calls();
      assert.match(JSON.stringify(body), /arrived/);
    });
  }

  it('finds models by name, with a provider and a prefix, and counts tokens', async () => {
    const headers = { 'x-goog-api-key': token };
    const listed = await ask(relay, { path: '/v1beta/models', headers });
    const names = listed.json().models.map((model) => model.name);
    assert.deepEqual(
      names.sort(),
      Object.keys(aliases)
        .map((name) => `models/${name}`)
        .sort(),
    );
    const one = await ask(relay, { path: '/v1beta/models/chat', headers });
    assert.ok(one.json().supportedGenerationMethods.includes('generateContent'));
    const none = await ask(relay, { path: '/v1beta/models/google/nobody', headers });
    assert.equal(none.status, 404);
    assert.equal(none.json().error.status, 'NOT_FOUND');
    const counted = await call('chat:countTokens', { contents });
    assert.ok(counted.json().totalTokens > 0, counted.text);
    const inner = { generate_content_request: { model: 'models/chat', contents } };
    const within = await call('chat:countTokens', inner);
    assert.equal(within.json().totalTokens, counted.json().totalTokens);
    assert.equal((await call('chat:countTokens', {})).json().error.status, 'INVALID_ARGUMENT');
    // The Python SDK's own version of the API.
    await says({ text });
    const path = '/v1/models/chat:generateContent';
    const whole = await post_json(relay, path, { contents }, headers);
    assert.equal(parts_of(whole.json())[0].text, text);
    const refused = await post_json(relay, path, {}, { 'x-goog-api-key': 'x' });
    assert.equal(refused.json().error.status, 'UNAUTHENTICATED');
    const same = await ask(relay, { path: '/v1/models', headers });
    assert.deepEqual(same.json(), listed.json());
  });

  it('refuses in the shape of Google', async () => {
    const unknown = await call('google/nobody:generateContent', { contents });
    assert.equal(unknown.status, 404);
    assert.equal(unknown.json().error.code, 404);
    assert.match(unknown.json().error.message, /nobody/);
    const method = await call('chat:predict', { contents });
    assert.equal(method.json().error.status, 'NOT_FOUND');
    const tools = [{ googleSearch: {} }];
    const served = await call('gemini:generateContent', { contents, tools });
    assert.equal(served.status, 400);
    assert.match(served.json().error.message, /gemini:tool:googleSearch/);
    const stranger = await call('chat:generateContent', { contents }, { 'x-goog-api-key': 'x' });
    assert.equal(stranger.status, 401);
    assert.equal(stranger.json().error.status, 'UNAUTHENTICATED');
    await mock.script([{ do: [{ head: 400 }, { send: '{"error":{"message":"no"}}' }] }]);
    const failed = await call('chat:streamGenerateContent?alt=sse', { contents });
    assert.equal(failed.json().error.status, 'INVALID_ARGUMENT');
  });

  it('takes a token from the query of these calls alone, and writes it to no log', async () => {
    await says({ text });
    const key = encodeURIComponent(token);
    const good = await call(`chat:generateContent?key=${key}`, { contents }, {});
    assert.equal(good.status, 200, good.text);
    const bad = await call('chat:generateContent?key=a-bad-token', { contents }, {});
    assert.equal(bad.status, 401);
    const elsewhere = await ask(relay, { path: '/v1/models?key=a-bad-token' });
    assert.equal(elsewhere.status, 200);
    await relay.stop();
    const log = JSON.stringify(relay.lines) + relay.stderr();
    assert.match(log, /v1beta/);
    assert.doesNotMatch(log, /a-bad-token/);
    assert.ok(!log.includes(token) && !log.includes(key));
  });
});
