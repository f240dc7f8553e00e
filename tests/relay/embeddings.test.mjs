// POST /v1/embeddings through the gateway: aliases, other formats, money, refusals and OpenAI's SDK.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { start_mock, start_relay } from './mock_upstream.mjs';
import { ask, post_json } from './program.mjs';

const path = '/v1/embeddings';
const texts = ['Where to?', 'Hold the bridge.'];
// What the mock says of a text: how long it is.
const vector = (text) => [0.5, -0.25, text.length];
const aliases = {
  finder: ['openai/text-embedding-3-small'],
  google: ['google/gemini-embedding-001'],
  either: ['anthropic/claude-haiku-4-5', 'openai/text-embedding-3-small'],
  claude: ['anthropic/claude-haiku-4-5'],
  talker: ['openai/gpt-5-mini'],
};

describe('embeddings', { concurrency: false }, () => {
  let mock, relay;
  before(async () => {
    mock = await start_mock();
    relay = await start_relay(mock, aliases);
  });
  after(async () => {
    await relay?.stop();
    await mock?.stop();
  });
  beforeEach(async () => {
    await mock.forget();
    await mock.script([]);
  });
  const bodies = async () => (await mock.calls()).map(({ body }) => JSON.parse(body));

  it('come from a target of the same format, in its order, at its price', async () => {
    await mock.script([{ do: [{ answer: { input_tokens: 1_000 } }] }]);
    const answer = await post_json(relay, path, { model: 'finder', input: texts });
    assert.equal(answer.status, 200, answer.text);
    const told = answer.json();
    assert.deepEqual(
      told.data.map(({ index, embedding }) => [index, embedding]),
      texts.map((text, i) => [i, vector(text)]),
    );
    assert.equal(told.object, 'list');
    assert.equal(told.model, 'finder');
    assert.deepEqual(told.usage, { prompt_tokens: 1_000, total_tokens: 1_000 });
    assert.equal(answer.headers['x-redoubt-model'], 'openai/text-embedding-3-small');
    // $0.02 a million tokens.
    assert.equal(answer.headers['x-redoubt-cost-microusd'], '20');
    const [asked] = await bodies();
    assert.equal(asked.model, 'text-embedding-3-small');
    assert.equal(asked.encoding_format, 'base64');
  });

  it('come from Gemini, whose usage is missing: charged as bounded', async () => {
    const answer = await post_json(relay, path, { model: 'google', input: texts, dimensions: 3 });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(
      answer.json().data.map(({ embedding }) => embedding),
      texts.map(vector),
    );
    assert.ok(answer.json().usage.prompt_tokens > 0);
    // A token for each byte and 64 beside each text, at $0.15 a million.
    const bytes = texts.join('').length + 2 * 64;
    assert.equal(answer.headers['x-redoubt-cost-microusd'], `${Math.ceil(bytes * 0.15)}`);
    const [call] = await mock.calls();
    assert.equal(call.path, '/v1beta/models/gemini-embedding-001:batchEmbedContents');
    assert.equal(JSON.parse(call.body).requests[1].outputDimensionality, 3);
  });

  it("are what OpenAI's SDK reads, which asks for base64 by itself", async () => {
    const openai = new OpenAI({ baseURL: `${relay.url}/v1`, apiKey: 'anonymous', maxRetries: 0 });
    for (const model of ['finder', 'google']) {
      for (const encoding_format of [undefined, 'float']) {
        const told = await openai.embeddings.create({ model, input: texts, encoding_format });
        assert.deepEqual(
          told.data.map(({ embedding }) => embedding),
          texts.map(vector),
          `${model}, ${encoding_format}`,
        );
      }
    }
  });

  it("are what Google's SDK reads, of either provider", async () => {
    const google = new GoogleGenAI({ apiKey: 'anonymous', httpOptions: { baseUrl: relay.url } });
    for (const model of ['finder', 'google']) {
      for (const contents of [texts, texts[0]]) {
        const told = await google.models.embedContent({ model, contents });
        assert.deepEqual(
          told.embeddings.map(({ values }) => values),
          [contents].flat().map(vector),
          model,
        );
      }
    }
    const body = { content: { parts: [{ text: 'a' }] } };
    for (const version of ['v1', 'v1beta']) {
      const one = await post_json(relay, `/${version}/models/finder:embedContent`, body);
      assert.deepEqual(one.json().embedding.values, vector('a'), one.text);
    }
    const refused = await post_json(relay, '/v1beta/models/claude:embedContent', body);
    assert.equal(refused.json().error.status, 'INVALID_ARGUMENT');
    assert.match(refused.json().error.message, /answers chats and makes no embeddings/);
  });

  it('take tokens where the target does', async () => {
    const answer = await post_json(relay, path, { model: 'finder', input: [[5, 7, 9], [11]] });
    assert.deepEqual(
      answer.json().data.map(({ embedding }) => embedding[2]),
      [3, 1],
    );
    const refused = await post_json(relay, path, { model: 'google', input: [5, 7, 9] });
    assert.equal(refused.status, 400);
    assert.equal(refused.json().error.message, 'input: gemini takes texts, not tokens.');
  });

  it('are refused by who has none, and come from the next of the alias', async () => {
    for (const [model, said] of [
      ['claude', /claude-haiku-4-5 answers chats and makes no embeddings/],
      ['talker', /gpt-5-mini answers chats and makes no embeddings/],
    ]) {
      const answer = await post_json(relay, path, { model, input: 'a' });
      assert.equal(answer.status, 400, answer.text);
      assert.match(answer.json().error.message, said);
    }
    assert.equal((await mock.calls()).length, 0);
    const answer = await post_json(relay, path, { model: 'either', input: 'a' });
    assert.equal(answer.status, 200, answer.text);
    // Nor does a model of embeddings chat.
    const messages = [{ role: 'user', content: 'Where to?' }];
    const chat = await post_json(relay, '/v1/chat/completions', { model: 'finder', messages });
    assert.equal(chat.status, 400);
    assert.match(chat.json().error.message, /makes embeddings and answers no chat/);
  });

  it('say what is wrong with a request in the format of the door', async () => {
    for (const [body, status, said] of [
      [{ model: 'finder' }, 400, /^input: expected a text/],
      [{ model: 'finder', input: [] }, 400, /^input: expected a text/],
      [{ model: 'finder', input: 'a', service_tier: 'priority' }, 400, /embeddings.service_tier/],
      [{ model: 'nobody', input: 'a' }, 404, /nobody/],
      [{ model: 'finder', input: '' }, 400, /'\$.input' is invalid/],
    ]) {
      const answer = await post_json(relay, path, body);
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.json().error.message, said);
    }
  });

  it('with another number of vectors than inputs are none', async () => {
    const body = JSON.stringify({
      data: [{ index: 0, embedding: [1] }],
      usage: { total_tokens: 1 },
    });
    await mock.script([{ do: [{ head: 200 }, { send: body }] }]);
    const answer = await post_json(relay, path, { model: 'finder', input: texts });
    assert.equal(answer.status, 502, answer.text);
  });

  it('are listed among the models, as what does not chat', async () => {
    const { data } = (await ask(relay, { path: '/v1/models' })).json();
    const finder = data.find(({ id }) => id === 'finder');
    assert.deepEqual(finder.supportedGenerationMethods, ['embedContent', 'batchEmbedContents']);
    assert.equal(finder.price_known, true);
  });
});

describe('embeddings under a budget', { concurrency: false }, () => {
  let mock, relay;
  before(async () => {
    mock = await start_mock();
    // Room for one bound of a text of 10,000 bytes at $0.02 a million tokens, which is 201.28.
    relay = await start_relay(mock, aliases, { REDOUBT_MODELS_ANONYMOUS_DAY_MICROUSD: '300' });
  });
  after(async () => {
    await relay?.stop();
    await mock?.stop();
  });

  it('reserve what they may cost at most, and are charged what was used', async () => {
    await mock.script([{ do: [{ answer: { input_tokens: 2_000 } }] }]);
    const input = ['x'.repeat(5_000), 'y'.repeat(5_000)];
    const first = await post_json(relay, path, { model: 'finder', input });
    assert.equal(first.status, 200, first.text);
    assert.equal(first.headers['x-redoubt-cost-microusd'], '40');
    const second = await post_json(relay, path, { model: 'finder', input });
    assert.equal(second.status, 200, second.text);
    // 220 are left, 180 after the third: too few for the bound of a fourth.
    await post_json(relay, path, { model: 'finder', input });
    const over = await post_json(relay, path, { model: 'finder', input });
    assert.equal(over.status, 402, over.text);
    assert.equal((await mock.calls()).length, 3);
  });
});
