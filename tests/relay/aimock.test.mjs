// Somebody else's idea of the providers behind the relay: aimock, in four formats, whole, streamed and
// with tools.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { LLMock } from '@copilotkit/aimock';
import { events_of, start_relay } from './mock_upstream.mjs';
import { post_json } from './program.mjs';

const aliases = {
  chat: ['openai/gpt-5-mini'],
  responses: ['responses/gpt-5-mini'],
  claude: ['anthropic/claude-haiku-4-5'],
  gemini: ['google/gemini-2.5-flash'],
};

describe('aimock as upstream', { concurrency: false }, () => {
  let mock;
  let relay;
  before(async () => {
    mock = new LLMock({ port: 0 });
    mock.onMessage('Where to?', { content: 'Hold the bridge.' });
    mock.onMessage('Move!', { toolCalls: [{ name: 'move', arguments: '{"to": 7}' }] });
    await mock.start();
    relay = await start_relay(mock, aliases, {
      REDOUBT_PROVIDERS_1_BASE_URL: `${mock.url}/v1`,
    });
  });
  after(async () => {
    await relay?.stop();
    await mock?.stop();
  });
  const ask = (model, content, more) =>
    post_json(relay, '/v1/chat/completions', {
      model,
      messages: [{ role: 'user', content }],
      ...more,
    });

  for (const model of Object.keys(aliases)) {
    it(`answers through ${model}, whole, streamed and with a tool`, async () => {
      const whole = await ask(model, 'Where to?');
      assert.equal(whole.status, 200, whole.text);
      assert.equal(whole.json().choices[0].message.content, 'Hold the bridge.');
      const streamed = await ask(model, 'Where to?', { stream: true });
      const said = events_of(streamed.text).map(
        ({ data }) => data.choices?.[0]?.delta?.content ?? '',
      );
      assert.equal(said.join(''), 'Hold the bridge.');
      assert.equal(events_of(streamed.text).at(-1).data, '[DONE]');
      const tools = [
        {
          type: 'function',
          function: {
            name: 'move',
            parameters: { type: 'object', properties: { to: { type: 'integer' } } },
          },
        },
      ];
      const called = await ask(model, 'Move!', { tools });
      const [call] = called.json().choices[0].message.tool_calls;
      assert.deepEqual(
        [call.function.name, JSON.parse(call.function.arguments)],
        ['move', { to: 7 }],
      );
    });
  }
});
