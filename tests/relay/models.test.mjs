// Language models through the relay's program: three formats for clients, four for providers,
// fallback, clients that leave, what it costs and who may spend it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { events_of, start_mock, start_relay, until } from './mock_upstream.mjs';
import { ask, post_json } from './program.mjs';

const text = "This is the mock's answer.";
const aliases = {
  chat: ['openai/gpt-5-mini'],
  responses: ['responses/gpt-5-mini'],
  claude: ['anthropic/claude-haiku-4-5'],
  gemini: ['google/gemini-2.5-flash'],
  two: ['openai/first', 'anthropic/second'],
  // Targets of their own: a breaker remembers what went before.
  keys: ['openai/keys'],
  tale: ['openai/tale', 'anthropic/second'],
  beats: ['openai/beats'],
  left: ['openai/left'],
};
const asks = {
  '/v1/chat/completions': (model, more) => ({
    model,
    messages: [{ role: 'user', content: 'Where to?' }],
    ...more,
  }),
  '/v1/responses': (model, more) => ({ model, input: 'Where to?', ...more }),
  '/v1/messages': (model, more) => ({
    model,
    max_tokens: 100,
    messages: [{ role: 'user', content: 'Where to?' }],
    ...more,
  }),
};
const said = {
  '/v1/chat/completions': (body) => body.choices[0].message.content,
  '/v1/responses': (body) => body.output.find((item) => item.type === 'message').content[0].text,
  '/v1/messages': (body) => body.content[0].text,
};
const said_in_pieces = {
  '/v1/chat/completions': (events) =>
    events.map(({ data }) => data.choices?.[0]?.delta?.content ?? '').join(''),
  '/v1/responses': (events) =>
    events
      .map(({ event, data }) => (event === 'response.output_text.delta' ? data.delta : ''))
      .join(''),
  '/v1/messages': (events) =>
    events.map(({ data }) => (data.delta?.type === 'text_delta' ? data.delta.text : '')).join(''),
};
const last = {
  '/v1/chat/completions': (events) => events.at(-1).data === '[DONE]',
  '/v1/responses': (events) => events.at(-1).event === 'response.completed',
  '/v1/messages': (events) => events.at(-1).event === 'message_stop',
};
const error_of = {
  '/v1/chat/completions': (body) => body.error.message,
  '/v1/responses': (body) => body.error.message,
  '/v1/messages': (body) => (body.type === 'error' ? body.error.message : undefined),
};

async function metric(relay, name, labels) {
  const body = await (await fetch(`${relay.admin}/metrics`)).text();
  const line = body.split('\n').find((l) => l.startsWith(`${name}{${labels}} `));
  return line ? Number(line.split(' ').at(-1)) : 0;
}
const attempts = (relay, target, outcome) =>
  metric(relay, 'redoubt_model_attempts_total', `target="${target}",outcome="${outcome}"`);

describe('models', { concurrency: false }, () => {
  let mock;
  let relay;
  before(async () => {
    mock = await start_mock();
    relay = await start_relay(mock, aliases, {
      REDOUBT_MODELS_FIRST_TOKEN_TIMEOUT_S: '2',
      REDOUBT_MODELS_PROGRESS_TIMEOUT_S: '2',
    });
  });
  after(async () => {
    await relay?.stop();
    await mock.stop();
  });
  const scripted = async (rules) => {
    await mock.script(rules);
    await mock.forget();
  };

  it('gives what a model signed back to it through a client of another format', async () => {
    const signed = {
      responseId: 'r1',
      candidates: [
        {
          content: {
            role: 'model',
            parts: [
              { functionCall: { id: 'fc1', name: 'go', args: {} }, thoughtSignature: 'c2ln' },
            ],
          },
          finishReason: 'STOP',
        },
      ],
      usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 2, totalTokenCount: 7 },
    };
    const json = { head: 200, headers: { 'content-type': 'application/json' } };
    await scripted([{ do: [json, { send: JSON.stringify(signed) }] }]);
    const tools = [{ name: 'go', input_schema: { type: 'object', properties: {} } }];
    const first = await post_json(relay, '/v1/messages', asks['/v1/messages']('gemini', { tools }));
    assert.equal(first.status, 200, first.text);
    const { content } = first.json();
    const call = content.find((block) => block.type === 'tool_use');
    const result = { type: 'tool_result', tool_use_id: call.id, content: 'done' };
    const messages = [
      { role: 'user', content: 'Where to?' },
      { role: 'assistant', content },
      { role: 'user', content: [result] },
    ];
    await scripted([]);
    const second = await post_json(
      relay,
      '/v1/messages',
      asks['/v1/messages']('gemini', { tools, messages }),
    );
    assert.equal(second.status, 200, second.text);
    const sent = JSON.parse((await mock.calls()).at(-1).body);
    assert.deepEqual(sent.contents[1].parts, signed.candidates[0].content.parts);
    assert.equal(sent.contents[2].parts[0].functionResponse.id, 'fc1');
  });

  it('tells an Anthropic client what Anthropic told, and the prompt’s tokens at once', async () => {
    const steps = [
      { type: 'message_start', message: { id: 'm', model: 'c', usage: { input_tokens: 9 } } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'stop_sequence', stop_sequence: 'END' },
        usage: { output_tokens: 3, server_tool_use: { web_search_requests: 0 } },
      },
      { type: 'message_stop' },
    ].map((event) => ({ send: `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n` }));
    const sse = { head: 200, headers: { 'content-type': 'text/event-stream' } };
    await scripted([{ do: [sse, ...steps] }]);
    const body = asks['/v1/messages']('claude', { stream: true });
    const events = events_of((await post_json(relay, '/v1/messages', body)).text);
    assert.equal(events[0].data.message.usage.input_tokens, 9);
    const end = events.find(({ event }) => event === 'message_delta').data;
    assert.equal(end.delta.stop_reason, 'stop_sequence');
    assert.equal(end.delta.stop_sequence, 'END');
    assert.deepEqual(end.usage.server_tool_use, { web_search_requests: 0 });
  });

  for (const path of Object.keys(asks)) {
    for (const model of ['chat', 'responses', 'claude', 'gemini']) {
      it(`answers ${path} from ${model}, whole and streamed`, async () => {
        await scripted([]);
        const whole = await post_json(relay, path, asks[path](model));
        assert.equal(whole.status, 200, whole.text);
        assert.equal(said[path](whole.json()), text);
        assert.equal(whole.json().model, model);
        assert.match(whole.headers['x-redoubt-model'], new RegExp(`^${aliases[model][0]}$`));
        const streamed = await post_json(relay, path, asks[path](model, { stream: true }));
        assert.equal(streamed.status, 200, streamed.text);
        assert.match(streamed.headers['content-type'], /^text\/event-stream/);
        assert.match(streamed.headers['x-redoubt-model'], new RegExp(`^${aliases[model][0]}$`));
        const events = events_of(streamed.text);
        assert.equal(said_in_pieces[path](events), text);
        assert.ok(last[path](events), 'the terminator');
      });
    }

    it(`refuses at ${path} in the format's own shape`, async () => {
      const bad = await post_json(relay, path, '{"model": ');
      assert.equal(bad.status, 400);
      assert.ok(error_of[path](bad.json()));
      const unknown = await post_json(relay, path, asks[path]('nobody'));
      assert.equal(unknown.status, 404);
      assert.match(error_of[path](unknown.json()), /nobody/);
    });
  }

  it('passes tool calls on', async () => {
    const call = { name: 'move', arguments: '{"x":1,"y":[2,3]}' };
    await scripted([{ do: [{ answer: { text: '', tool_calls: [call] } }] }]);
    const tools = [
      {
        type: 'function',
        function: { name: 'move', parameters: { type: 'object', properties: {} } },
      },
    ];
    for (const model of ['chat', 'responses', 'claude', 'gemini']) {
      const body = asks['/v1/chat/completions'](model, { tools });
      const whole = (await post_json(relay, '/v1/chat/completions', body)).json();
      const [made] = whole.choices[0].message.tool_calls;
      assert.equal(made.function.name, 'move');
      assert.deepEqual(JSON.parse(made.function.arguments), { x: 1, y: [2, 3] });
      assert.equal(whole.choices[0].finish_reason, 'tool_calls');
    }
  });

  it('lists the models', async () => {
    const list = (await ask(relay, { path: '/v1/models' })).json();
    assert.deepEqual(
      list.data.map(({ id }) => id),
      Object.keys(aliases),
    );
  });

  const failures = {
    'is refused (400)': {
      do: [{ head: 400 }, { send: '{"error":{"message":"no"}}' }],
      falls: false,
    },
    'is overloaded (529)': { do: [{ head: 529 }, { send: '{}' }] },
    'fails (500)': { do: [{ head: 500 }, { send: 'oops' }] },
    'refuses the key (401)': {
      do: [{ head: 401 }, { send: '{"error":{"message":"key sk-123"}}' }],
    },
    'limits the rate (429)': {
      do: [{ head: 429, headers: { 'retry-after': '1' } }, { send: '{}' }],
    },
    'says an error after 200': {
      do: [
        { head: 200, headers: { 'content-type': 'text/event-stream' } },
        { send: 'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n' },
      ],
    },
    'is cut before a token': { do: [{ head: 200 }, { send: ': hello\n\n' }, { cut: true }] },
    'is reset': { do: [{ reset: true }] },
    'sends garbage': { do: [{ send: 'SSH-2.0-OpenSSH\r\n\r\n' }, { cut: true }] },
    'answers no JSON': { do: [{ head: 200 }, { send: '{"choices": [' }] },
    'gives no first token': { do: [{ hold: true }] },
  };
  for (const [what, { do: steps, falls = true }] of Object.entries(failures)) {
    it(`goes on to the second target when the first ${what}`, async () => {
      await scripted([{ when: { model: 'first' }, do: steps }]);
      for (const stream of [false, true]) {
        const body = asks['/v1/chat/completions']('two', { stream });
        const answer = await post_json(relay, '/v1/chat/completions', body);
        if (!falls) {
          assert.equal(answer.status, 400, answer.text);
          continue;
        }
        assert.equal(answer.status, 200, answer.text);
        const content = stream
          ? said_in_pieces['/v1/chat/completions'](events_of(answer.text))
          : said['/v1/chat/completions'](answer.json());
        assert.equal(content, text);
        assert.equal(answer.text.includes('sk-123'), false);
      }
      const models = (await mock.calls()).map(({ model }) => model);
      assert.equal(models.includes('second'), falls);
    });
  }

  it('tells a client nothing of the keys where no target is left', async () => {
    const steps = [{ head: 401 }, { send: '{"error":{"message":"Incorrect API key: sk-123"}}' }];
    await scripted([{ when: { model: 'keys' }, do: steps }]);
    const answer = await post_json(relay, '/v1/messages', asks['/v1/messages']('keys'));
    assert.equal(answer.status, 502);
    assert.equal(answer.text.includes('sk-123'), false);
    assert.equal(answer.json().type, 'error');
  });

  it('ends a stream that fails after its first token with an error, and no terminator', async () => {
    const chunk = (content) =>
      `data: ${JSON.stringify({ id: 'x', model: 'm', choices: [{ index: 0, delta: { content } }] })}\n\n`;
    const steps = [{ head: 200 }, { send: chunk('Once upon') }, { cut: true }];
    await scripted([{ when: { model: 'tale' }, do: steps }]);
    const body = asks['/v1/chat/completions']('tale', { stream: true });
    const answer = await post_json(relay, '/v1/chat/completions', body);
    assert.equal(answer.status, 200);
    const events = events_of(answer.text);
    assert.equal(said_in_pieces['/v1/chat/completions'](events), 'Once upon');
    assert.ok(events.at(-1).data.error.message);
    assert.deepEqual(
      (await mock.calls()).map(({ model }) => model),
      ['tale'],
    );
  });

  it('cuts a stream that stands still but for heartbeats', async () => {
    const chunk = JSON.stringify({ choices: [{ index: 0, delta: { content: 'Once' } }] });
    const steps = [
      { head: 200 },
      { send: `data: ${chunk}\n\n` },
      { send: ': ping\n\n', repeat: 1000, every_ms: 100 },
    ];
    await scripted([{ when: { model: 'beats' }, do: steps }]);
    const body = asks['/v1/chat/completions']('beats', { stream: true });
    const answer = await post_json(relay, '/v1/chat/completions', body);
    assert.ok(events_of(answer.text).at(-1).data.error.message);
    await until(
      'the provider to see it',
      async () => (await mock.calls())[0].end === 'client_gone',
    );
  });

  it('cancels the call of a client that leaves, before and after the first token', async () => {
    const chunk = JSON.stringify({ choices: [{ index: 0, delta: { content: 'Once' } }] });
    for (const steps of [
      [{ hold: true }],
      [{ head: 200 }, { send: `data: ${chunk}\n\n` }, { hold: true }],
    ]) {
      await scripted([{ when: { model: 'left' }, do: steps }]);
      const gone = await attempts(relay, 'openai/left', 'client_gone');
      const leaving = new AbortController();
      const call = fetch(`${relay.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(asks['/v1/chat/completions']('left', { stream: true })),
        signal: leaving.signal,
      }).then((response) => response.text());
      await until('the call to arrive', async () => (await mock.calls()).length === 1);
      leaving.abort();
      await assert.rejects(call);
      await until(
        'the provider to see it',
        async () => (await mock.calls())[0].end === 'client_gone',
      );
      await until(
        'the charge',
        async () => (await attempts(relay, 'openai/left', 'client_gone')) === gone + 1,
      );
    }
  });

  it('tells what was used', async () => {
    await scripted([{ do: [{ answer: { input_tokens: 1000, output_tokens: 100 } }] }]);
    const before_it = (await ask(relay, { path: '/api/usage' })).json();
    await post_json(relay, '/v1/messages', asks['/v1/messages']('claude'));
    const cost_of = (usage) =>
      usage.month.models.find(({ model }) => model === 'anthropic/claude-haiku-4-5').cost_microusd;
    await until('the ledger', async () => {
      const now = (await ask(relay, { path: '/api/usage' })).json();
      return cost_of(now) === cost_of(before_it) + 1000 + 500; // $1 and $5 a million
    });
  });
});

describe('budgets', { concurrency: false }, () => {
  let mock;
  before(async () => (mock = await start_mock()));
  after(() => mock.stop());

  /** What 64 clients at once are answered, and what they cost together. */
  async function rush(relay, clients, max_tokens) {
    const body = { ...asks['/v1/messages']('claude'), max_tokens };
    const answers = await Promise.all(
      Array.from({ length: clients }, () => post_json(relay, '/v1/messages', body)),
    );
    const passed = answers.filter(({ status }) => status === 200);
    for (const refused of answers.filter(({ status }) => status !== 200)) {
      // 402: spent. 429: held by calls that are open, and may come back.
      assert.ok(refused.status === 402 || refused.headers['retry-after'], refused.text);
      assert.equal(refused.json().type, 'error');
    }
    const spent = passed.reduce((sum, a) => sum + Number(a.headers['x-redoubt-cost-microusd']), 0);
    return { passed: passed.length, spent };
  }

  it('loses nothing of a budget when it is restarted', async () => {
    await mock.script([{ do: [{ answer: { input_tokens: 1000, output_tokens: 100 } }] }]);
    const folder = mkdtempSync(join(tmpdir(), 'redoubt-budget-'));
    let passed = 0;
    // A call costs $0.0015 and reserves about $0.002: seven fit, if nothing is lost between them.
    for (let start = 0; start < 9; ++start) {
      const relay = await start_relay(mock, aliases, {
        REDOUBT_MODELS_PLAYER_DAY_MICROUSD: '12500',
        REDOUBT_STORE_PATH: join(folder, 'relay.db'),
      });
      // What was spent before is told before the first call.
      const { day } = (await ask(relay, { path: '/api/usage' })).json();
      assert.equal(day.engaged_microusd, passed * 1_500);
      passed += (await rush(relay, 1, 200)).passed;
      await relay.stop();
    }
    rmSync(folder, { recursive: true });
    assert.equal(passed, 7);
  });

  it('never spends more than there is, and spends what is left', async () => {
    // A call costs $0.0015 and reserves about $0.002.
    await mock.script([{ do: [{ answer: { input_tokens: 1000, output_tokens: 100 } }] }]);
    const budget = 60_000;
    const relay = await start_relay(mock, aliases, {
      REDOUBT_MODELS_PLAYER_DAY_MICROUSD: String(budget),
    });
    let spent = 0;
    let passed = 0;
    // Until nobody passes any more: how many do at once depends on who settles before whom asks.
    for (let now = { passed: 1 }; now.passed > 0;) {
      now = await rush(relay, 64, 200);
      spent += now.spent;
      passed += now.passed;
      assert.ok(spent <= budget, `${spent} of ${budget}`);
    }
    assert.ok(passed >= 38, `${passed} calls passed`); // 40 would be all of it
    const usage = (await ask(relay, { path: '/api/usage' })).json();
    assert.equal(usage.day.engaged_microusd, spent);
    await relay.stop();
  });

  /** {name: {r, t}} or {name: {q, w}} of a RateLimit header. */
  const quotas_of = (header) =>
    Object.fromEntries(
      header.split(', ').map((item) => {
        const [name, ...parameters] = item.split(';');
        const values = parameters.map((p) => p.split('='));
        return [JSON.parse(name), Object.fromEntries(values.map(([k, v]) => [k, Number(v)]))];
      }),
    );

  it('tells what is left of the limits, whole, streamed and refused', async () => {
    await mock.script([{ do: [{ answer: { input_tokens: 1000, output_tokens: 100 } }] }]);
    const relay = await start_relay(mock, aliases, {
      REDOUBT_MODELS_PLAYER_REQUESTS_PER_MINUTE: '3',
      REDOUBT_MODELS_PLAYER_TOKENS_PER_MINUTE: '50000',
      REDOUBT_LIMITS_REQUESTS_PER_MINUTE: '600',
    });
    const call = (more) =>
      post_json(relay, '/v1/messages', { ...asks['/v1/messages']('claude'), ...more });
    const whole = await call({});
    assert.deepEqual(quotas_of(whole.headers['ratelimit-policy']), {
      'player-requests': { q: 3, w: 60 },
      'player-tokens': { q: 50_000, w: 60 },
      address: { q: 200, w: 20 },
    });
    const left = quotas_of(whole.headers.ratelimit);
    // What was used, and not what had been reserved.
    assert.equal(left['player-tokens'].r, 50_000 - 1100);
    assert.equal(left['player-requests'].r, 2);
    assert.ok(left['player-requests'].t > 55 && left['player-requests'].t <= 64);
    assert.equal(left.address.r, 199);
    const streamed = quotas_of((await call({ stream: true })).headers.ratelimit);
    assert.equal(streamed['player-requests'].r, 1);
    assert.ok(streamed['player-tokens'].r < 50_000 - 1100, 'its own tokens are held');
    await call({});
    const refused = await call({});
    assert.equal(refused.status, 429);
    assert.equal(quotas_of(refused.headers.ratelimit)['player-requests'].r, 0);
    const wait_s = Number(refused.headers['retry-after']);
    assert.ok(wait_s > 50 && wait_s <= 64, refused.headers['retry-after']);
    await relay.stop();
  });

  it('says when a spent budget is there again, and nothing where a call is over it', async () => {
    await mock.script([{ do: [{ answer: { input_tokens: 1000, output_tokens: 100 } }] }]);
    for (const [budget, promised] of [
      ['6000', true],
      ['1', false],
    ]) {
      const relay = await start_relay(mock, aliases, {
        REDOUBT_MODELS_PLAYER_DAY_MICROUSD: budget,
      });
      let answer;
      do {
        const body = { ...asks['/v1/messages']('claude'), max_tokens: 200 };
        answer = await post_json(relay, '/v1/messages', body);
      } while (answer.status === 200);
      assert.equal(answer.status, 402, answer.text);
      const wait = answer.headers['retry-after'];
      if (promised) assert.ok(Number(wait) >= 1 && Number(wait) <= 86_400, wait);
      else assert.equal(wait, undefined);
      await relay.stop();
    }
  });

  it('limits calls at a time, and says when to come back', async () => {
    await mock.script([{ do: [{ hold: true }] }]);
    const relay = await start_relay(mock, aliases, { REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: '2' });
    await mock.forget();
    const leaving = new AbortController();
    const held = [1, 2].map(() =>
      fetch(`${relay.url}/v1/messages`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(asks['/v1/messages']('claude')),
        signal: leaving.signal,
      }),
    );
    await until('two calls', async () => (await mock.calls()).length === 2);
    const third = await post_json(relay, '/v1/messages', asks['/v1/messages']('claude'));
    assert.equal(third.status, 429, third.text);
    assert.equal(third.headers['retry-after'], '1');
    assert.equal(third.json().error.type, 'rate_limit_error');
    leaving.abort();
    await Promise.allSettled(held);
    await mock.script([]);
    const again = await until('a free place', async () => {
      const answer = await post_json(relay, '/v1/messages', asks['/v1/messages']('claude'));
      return answer.status === 200 ? answer : null;
    });
    assert.equal(said['/v1/messages'](again.json()), text);
    await relay.stop();
  });
});

describe('bounds', { concurrency: false }, () => {
  let mock;
  before(async () => (mock = await start_mock()));
  after(() => mock.stop());

  // $0.01 a player: what is said is sent, what may come of it is not.
  const budget = { REDOUBT_MODELS_PLAYER_DAY_MICROUSD: '10000' };
  const passed_on = 'openai-responses:*,anthropic:*';

  async function is_refused(relay, path, body, status) {
    await mock.forget();
    const answer = await post_json(relay, path, body);
    assert.equal(answer.status, status, answer.text);
    assert.equal((await mock.calls()).length, 0, 'it was sent');
    return answer.json().error.message;
  }

  it('are of the whole context for what lies at the provider', async () => {
    const outside = [
      ['responses', { previous_response_id: 'resp_1' }],
      ['responses', { conversation: 'conv_1' }],
      ['responses', { prompt: { id: 'pmpt_1' } }],
      ['responses', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
      ...[
        { type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } },
        { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
        { type: 'image', source: { type: 'file', file_id: 'file_1' } },
      ].map((part) => ['claude', { messages: [{ role: 'user', content: [part] }] }]),
    ];
    const relay = await start_relay(mock, aliases, {
      ...budget,
      REDOUBT_MODELS_PASS_THROUGH: passed_on,
    });
    for (const [model, more] of outside) {
      const path = model === 'claude' ? '/v1/messages' : '/v1/responses';
      const limit = model === 'claude' ? { max_tokens: 16 } : { max_output_tokens: 16 };
      const body = asks[path](model, { ...limit, ...more });
      await is_refused(relay, path, body, 402);
    }
    // What it costs goes by its size and its time, which nothing tells.
    const body = asks['/v1/messages']('claude', { max_tokens: 16, container: 'container_1' });
    assert.match(await is_refused(relay, '/v1/messages', body, 400), /container .* price/);
    await relay.stop();
  });

  it('have thinking in them', async () => {
    const relay = await start_relay(mock, aliases, budget);
    for (const model of ['claude', 'gemini']) {
      const thinking = { type: 'enabled', budget_tokens: 50_000 };
      const body = asks['/v1/messages'](model, { max_tokens: 51_000, thinking });
      await is_refused(relay, '/v1/messages', body, 402);
    }
    await relay.stop();
  });

  it('refuse what rides on the operator’s key, and say how it is allowed', async () => {
    const relay = await start_relay(mock, aliases);
    for (const [path, model, more, name] of [
      ['/v1/chat/completions', 'chat', { service_tier: 'priority' }, 'openai:service_tier'],
      ['/v1/chat/completions', 'claude', { models: ['a', 'b'] }, 'openai:models'],
      ['/v1/responses', 'responses', { store: true }, 'openai-responses:store'],
      ['/v1/responses', 'responses', { background: true }, 'openai-responses:background'],
      [
        '/v1/responses',
        'responses',
        { tools: [{ type: 'mcp', server_label: 'x', server_url: 'http://169.254.169.254/' }] },
        'openai-responses:tool:mcp',
      ],
      [
        '/v1/messages',
        'claude',
        { tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
        'anthropic:tool:web_search_20250305',
      ],
    ]) {
      const message = await is_refused(relay, path, asks[path](model, more), 400);
      assert.ok(message.includes(`models.pass_through: ["${name}"]`), message);
    }
    await relay.stop();
  });

  it('let no player pose as another, and have nothing stored', async () => {
    const relay = await start_relay(mock, aliases);
    await mock.script([{ do: [{ answer: {} }] }]);
    const body = asks['/v1/responses']('responses', { user: 'bob', metadata: { a: 'b' } });
    assert.equal((await post_json(relay, '/v1/responses', body)).status, 200);
    const request = JSON.parse((await mock.calls()).at(-1).body);
    assert.equal(request.user, undefined);
    assert.equal(request.metadata, undefined);
    assert.equal(request.store, false);
    await relay.stop();
  });

  it('are charged where a client leaves and nobody knows what the model gave', async () => {
    const relay = await start_relay(mock, aliases);
    const first = JSON.stringify({ candidates: [{ content: { parts: [{ text: 'Once' }] } }] });
    // Google's generation goes on when nobody reads it; Anthropic's whole answers do too. Who thinks
    // unseen may have done so before the first word.
    const thought = [
      [
        'message_start',
        {
          message: {
            id: 'm',
            type: 'message',
            role: 'assistant',
            model: 'm',
            content: [],
            usage: { input_tokens: 5, output_tokens: 1 },
          },
        },
      ],
      ['content_block_start', { index: 0, content_block: { type: 'text', text: '' } }],
      ['content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hi' } }],
    ].map(([type, more]) => ({
      send: `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`,
    }));
    for (const [model, target, stream, steps, more = { max_tokens: 777 }] of [
      ['claude', 'anthropic/claude-haiku-4-5', false, [{ hold: true }]],
      ['claude', 'anthropic/claude-haiku-4-5', true, [{ hold: true }]],
      [
        'claude',
        'anthropic/claude-haiku-4-5',
        true,
        [
          { head: 200, headers: { 'content-type': 'text/event-stream' } },
          ...thought,
          { hold: true },
        ],
        { max_tokens: 2_000, thinking: { type: 'enabled', budget_tokens: 1_999 } },
      ],
      [
        'gemini',
        'google/gemini-2.5-flash',
        true,
        [
          { head: 200, headers: { 'content-type': 'text/event-stream' } },
          { send: `data: ${first}\n\n` },
          { hold: true },
        ],
      ],
    ]) {
      await mock.script([{ do: steps }]);
      await mock.forget();
      const output = async () => {
        const { month } = (await ask(relay, { path: '/api/usage' })).json();
        return month.models.find((row) => row.model === target)?.output_tokens ?? 0;
      };
      const before_it = await output();
      const leaving = new AbortController();
      const call = fetch(`${relay.url}/v1/messages`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(asks['/v1/messages'](model, { ...more, stream })),
        signal: leaving.signal,
      }).then((response) => response.text());
      await until('the call to arrive', async () => (await mock.calls()).length === 1);
      if (more.thinking) await pause(200); // the first word has come
      leaving.abort();
      await assert.rejects(call);
      await until('the charge', async () => (await output()) === before_it + more.max_tokens);
    }
    await relay.stop();
  });
});
