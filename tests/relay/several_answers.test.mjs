// Several answers to one prompt (n, candidateCount), through the gateway and OpenAI's SDK.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { start_mock, start_relay } from './mock_upstream.mjs';
import { post_json } from './program.mjs';

const aliases = {
  chat: ['openai/gpt-4.1-mini'],
  google: ['google/gemini-2.5-flash-lite'],
  claude: ['anthropic/claude-haiku-4-5'],
  responses: ['responses/gpt-4.1-mini'],
  either: ['anthropic/claude-haiku-4-5', 'openai/gpt-4.1-mini'],
};
const messages = [{ role: 'user', content: 'Where to?' }];
const text = 'Hold the bridge.';

describe('several answers', { concurrency: false }, () => {
  let mock, relay, openai;
  before(async () => {
    mock = await start_mock();
    relay = await start_relay(mock, aliases);
    openai = new OpenAI({ baseURL: `${relay.url}/v1`, apiKey: 'anonymous', maxRetries: 0 });
    await mock.script([{ do: [{ answer: { text, piece_bytes: 5 } }] }]);
  });
  after(async () => {
    await relay?.stop();
    await mock?.stop();
  });

  for (const model of ['chat', 'google', 'either']) {
    it(`come from ${model}, whole and streamed, each under its index`, async () => {
      const whole = await openai.chat.completions.create({ model, messages, n: 3 });
      assert.deepEqual(
        whole.choices.map(({ index, message }) => [index, message.content]),
        [0, 1, 2].map((index) => [index, text]),
      );
      assert.ok(whole.usage.completion_tokens > 0);
      const stream = openai.chat.completions.stream({ model, messages, n: 3 });
      const final = await stream.finalChatCompletion();
      assert.deepEqual(
        final.choices.map(({ index, finish_reason, message }) => [
          index,
          finish_reason,
          message.content,
        ]),
        [0, 1, 2].map((index) => [index, 'stop', text]),
      );
    });
  }

  it('come to Gemini clients and to those of the older completions', async () => {
    const body = {
      contents: [{ role: 'user', parts: [{ text: 'Where to?' }] }],
      generationConfig: { candidateCount: 2 },
    };
    const google = await post_json(relay, '/v1beta/models/google:generateContent', body);
    assert.equal(google.status, 200, google.text);
    assert.deepEqual(
      google.json().candidates.map(({ index }) => index),
      [0, 1],
    );
    const older = await openai.completions.create({ model: 'chat', prompt: 'Where to?', n: 2 });
    assert.deepEqual(
      older.choices.map(({ text: said }) => said),
      [text, text],
    );
  });

  it('come to each prompt of a list in their order, one after another', async () => {
    const said = ['one', 'two', 'three'];
    const script = () =>
      mock.script(
        said.map((text) => ({
          when: { calls: [1, 1] },
          do: [{ answer: { text, piece_bytes: 2, input_tokens: 5, output_tokens: 2 } }],
        })),
      );
    for (const model of ['chat', 'claude', 'responses', 'google']) {
      await script();
      const whole = await openai.completions.create({ model, prompt: ['a', 'b', 'c'] });
      assert.deepEqual(
        whole.choices.map(({ index, text, finish_reason }) => [index, text, finish_reason]),
        said.map((text, index) => [index, text, 'stop']),
      );
      await script();
      const stream = await openai.completions.create({
        model,
        prompt: ['a', 'b', 'c'],
        stream: true,
        stream_options: { include_usage: true },
      });
      const texts = ['', '', ''];
      const ends = [];
      let usage = null;
      for await (const chunk of stream) {
        usage = chunk.usage ?? usage;
        for (const { index, text, finish_reason } of chunk.choices) {
          texts[index] += text;
          if (finish_reason) ends.push(index);
        }
      }
      assert.deepEqual(texts, said);
      assert.deepEqual(ends, [0, 1, 2]);
      for (const told of [usage, whole.usage]) {
        assert.equal(told.prompt_tokens, 15);
        assert.equal(told.completion_tokens, 6);
      }
    }
    await mock.script([{ do: [{ answer: { text, piece_bytes: 5 } }] }]);
  });

  it('to a list of prompts cost what each of them does', async () => {
    await mock.script([{ do: [{ answer: { text, input_tokens: 5_000, output_tokens: 100 } }] }]);
    const cost_of = async (prompt) => {
      const answer = await post_json(relay, '/v1/completions', { model: 'chat', prompt });
      assert.equal(answer.status, 200, answer.text);
      return Number(answer.headers['x-redoubt-cost-microusd']);
    };
    const one = await cost_of('a');
    assert.ok(one > 0);
    assert.equal(await cost_of(['a', 'b', 'c']), 3 * one);
    await mock.script([{ do: [{ answer: { text, piece_bytes: 5 } }] }]);
  });

  it('to a list of prompts cost what was paid before one of them was refused', async () => {
    const answer = { text, input_tokens: 5_000, output_tokens: 100 };
    const ask_for = (prompt) => post_json(relay, '/v1/completions', { model: 'chat', prompt });
    await mock.script([{ do: [{ answer }] }]);
    const one = Number((await ask_for('a')).headers['x-redoubt-cost-microusd']);
    assert.ok(one > 0);
    await mock.script([
      { when: { calls: [1, 2] }, do: [{ answer }] },
      { do: [{ head: 400 }, { send: '{"error":{"message":"bad"}}' }] },
    ]);
    const refused = await ask_for(['a', 'b', 'c']);
    assert.equal(refused.status, 400, refused.text);
    assert.equal(Number(refused.headers['x-redoubt-cost-microusd']), 2 * one);
    const unpaid = await ask_for('a');
    assert.equal(unpaid.status, 400, unpaid.text);
    assert.equal(unpaid.headers['x-redoubt-cost-microusd'], undefined);
    await mock.script([{ do: [{ answer: { text, piece_bytes: 5 } }] }]);
  });

  it('come to a list of prompts with n of each, and end with the first that is refused', async () => {
    const two = await openai.completions.create({ model: 'chat', prompt: ['a', 'b'], n: 2 });
    assert.deepEqual(
      two.choices.map(({ index, text: said }) => [index, said]),
      [0, 1, 2, 3].map((index) => [index, text]),
    );
    await mock.script([
      { when: { calls: [1, 1] }, do: [{ answer: { text } }] },
      { do: [{ head: 400 }, { send: '{"error":{"message":"bad"}}' }] },
    ]);
    await assert.rejects(openai.completions.create({ model: 'chat', prompt: ['a', 'b', 'c'] }), {
      status: 400,
    });
    await mock.script([{ do: [{ answer: { text, piece_bytes: 5 } }] }]);
  });

  it('are refused with a sentence by who gives one', async () => {
    for (const model of ['claude', 'responses']) {
      const answer = await post_json(relay, '/v1/chat/completions', { model, messages, n: 2 });
      assert.equal(answer.status, 400, answer.text);
      assert.match(
        answer.json().error.message,
        /cannot take 2 answers to one prompt \(n\); ask for one/,
      );
    }
    const many = await post_json(relay, '/v1/chat/completions', { model: 'chat', messages, n: 33 });
    assert.equal(many.status, 400);
    assert.match(many.json().error.message, /n: expected 1 to 32 answers/);
  });
});

describe('several answers under a budget', { concurrency: false }, () => {
  let mock, relay;
  before(async () => {
    mock = await start_mock();
    // $1.60 a million output tokens: 1,000 of one answer are 1,600 beside the prompt, of two 3,200.
    relay = await start_relay(mock, aliases, { REDOUBT_MODELS_ANONYMOUS_DAY_MICROUSD: '3000' });
  });
  after(async () => {
    await relay?.stop();
    await mock?.stop();
  });

  it('reserve the output of each', async () => {
    const asked = { model: 'chat', messages, max_tokens: 1_000 };
    const two = await post_json(relay, '/v1/chat/completions', { ...asked, n: 2 });
    assert.equal(two.status, 402, two.text);
    assert.equal((await mock.calls()).length, 0);
    const one = await post_json(relay, '/v1/chat/completions', asked);
    assert.equal(one.status, 200, one.text);
  });

  it('say that an address is what was reserved for, and not the output', async () => {
    const image_url = { url: 'https://pictures.example/a.png' };
    const content = [{ type: 'image_url', image_url }];
    const asked = { model: 'chat', messages: [{ role: 'user', content }], max_tokens: 20 };
    const refused = await post_json(relay, '/v1/chat/completions', asked);
    assert.equal(refused.status, 402, refused.text);
    assert.match(refused.json().error.message, /whole context: send the picture itself/);
    assert.doesNotMatch(refused.text, /max_tokens/);
    assert.equal(refused.headers['x-should-retry'], 'false');
  });
});
