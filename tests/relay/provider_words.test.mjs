// What a provider says when it fails, on the real program: what of it a player hears, on every way
// that an answer takes, and what the operator finds in the log under the request's id.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { events_of, start_mock, start_relay, until } from './mock_upstream.mjs';
import { ask, post_json } from './program.mjs';
import { situation } from './situation.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const command = process.env.REDOUBT_CLI_BINARY ?? `${root}build/native-release/tools/cli/redoubt`;
const folder = mkdtempSync(join(tmpdir(), 'redoubt-words-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name) => join(folder, name);

const key = 'sk-proj-Zq8wN5rT2yU7iO1pL4kJ9hG6fD3sA0mX';
const other_key = 'sk-ant-api03-Bv7cX2zQ9wE4rT6yU1iO5pA8sD';
const vault = ['--store', at('store.db'), '--master-key', at('master.key')];
function redoubt(args, input = '') {
  const result = spawnSync(command, args, {
    input,
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: process.env.PATH },
  });
  assert.equal(result.status, 0, result.stderr);
}
const with_keys = {
  REDOUBT_STORE_PATH: at('store.db'),
  REDOUBT_VAULT_MASTER_KEY_FILE: at('master.key'),
};
const statuses = [400, 401, 404, 413, 429, 500, 529];
const aliases = {
  whole: ['openai/gpt-5-mini'],
  strategist: ['openai/gpt-4o-mini'],
  default: ['openai/gpt-5-nano'],
};
// A target each, so that no breaker opens for another's failures.
for (const status of statuses) {
  aliases[`openai_${status}`] = [`openai/m-${status}`];
  aliases[`claude_${status}`] = [`anthropic/m-${status}`];
}

const base64 = (text) => Buffer.from(text).toString('base64');
const escaped = (text) => [...text].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('');
const inner = 'org-Zz8kQ1mN4bV7, http://llm-7.internal:8080/v1, /etc/provider/keys.json, 10.1.2.3';
// Everything that no player may find anywhere in what is answered.
const hidden = [
  /Zq8wN5rT2/i,
  /sA0mX/,
  /Bv7cX2zQ/,
  /org-Zz8k/,
  /llm-7/,
  /:8080\b/,
  /\/etc\//,
  /10\.1\.2\.3/,
  new RegExp(base64(`Bearer ${key}`).slice(12, 36)),
  /req_of_provider/,
];
function is_clean(text, what) {
  for (const secret of hidden) assert.doesNotMatch(text, secret, what);
}

const said = (message) => JSON.stringify({ error: { message, type: 'x', code: key, param: key } });
/** with_keys, and a store of its own: a relay shares its store with no other. */
let stores = 0;
function another_store() {
  const path = at(`store-${++stores}.db`);
  copyFileSync(at('store.db'), path);
  return { ...with_keys, REDOUBT_STORE_PATH: path };
}

const texts = {
  'the header that it was sent': `headers: {"Authorization": "Bearer ${key}"}`,
  'the key of another provider': `try ${other_key}`,
  'the key in parts': `begins ${key.slice(0, 12)}, goes on ${key.slice(12, 24)}, ends ${key.slice(24)}`,
  'the key under a mask': 'Incorrect key: sk-proj-Zq***A0mX',
  'the key in base64': base64(`Bearer ${key}`),
  'the key percent-encoded': `%73${key.slice(1).replaceAll('-', '%2D')}`,
  'the inside of the house': inner,
};
const json_head = (status) => ({
  head: status,
  headers: { 'content-type': 'application/json', 'x-request-id': 'req_of_provider' },
});
const sse_head = { head: 200, headers: { 'content-type': 'text/event-stream' } };
const chunk = (content) =>
  `data: ${JSON.stringify({ id: 'x', model: 'm', choices: [{ index: 0, delta: { content } }] })}\n\n`;

const body = (model, stream = false) => ({
  model,
  stream,
  messages: [{ role: 'user', content: 'Where to?' }],
});
const call = (relay, model, stream, headers) =>
  post_json(relay, '/v1/chat/completions', body(model, stream), headers);

describe('the words of a provider', { concurrency: false }, () => {
  let mock;
  let relay;
  before(async () => {
    redoubt(['keys', 'new-master', at('master.key')]);
    redoubt(['keys', 'add', 'main', '--provider', 'openai', ...vault], key);
    redoubt(['keys', 'add', 'second', '--provider', 'anthropic', ...vault], other_key);
    mock = await start_mock();
    relay = await start_relay(mock, aliases, another_store());
  });
  after(async () => {
    const all = JSON.stringify(relay.lines) + relay.stderr();
    for (const secret of [/Zq8wN5rT2/i, /Bv7cX2zQ/]) assert.doesNotMatch(all, secret, 'the log');
    assert.equal((await relay.stop()).code, 0);
    await mock.stop();
  });

  for (const [what, text] of Object.entries(texts)) {
    it(`a failure with ${what}, whatever its status`, async () => {
      const fresh = await start_relay(mock, aliases, another_store());
      for (const status of statuses) {
        await mock.script([{ do: [json_head(status), { send: said(text) }] }]);
        for (const answer of [
          await call(fresh, `openai_${status}`, false),
          await call(fresh, `openai_${status}`, true),
          await post_json(fresh, '/v1/messages', { ...body(`claude_${status}`), max_tokens: 9 }),
          await post_json(fresh, '/v1/responses', { model: `openai_${status}`, input: 'x' }),
        ]) {
          assert.ok(answer.status >= 400, answer.text);
          assert.match(answer.json().error.message, /^(The|A|No) [a-z]+.*\.$/);
          is_clean(JSON.stringify(answer.headers) + answer.text, what);
        }
        const game = await post_json(fresh, '/api/team-strategy', situation);
        assert.equal(game.status, 200);
        is_clean(game.text, what);
      }
      await fresh.stop();
    });

    it(`an error event after a 200 with ${what}, and what the text of a 500 escapes`, async () => {
      const event = `data: ${said(text)}\n\n`;
      const half = Math.floor(event.length / 2);
      for (const steps of [
        [sse_head, { send: event }],
        [
          sse_head,
          { send: chunk('Once') },
          { send: event.slice(0, half) },
          { send: event.slice(half) },
        ],
        [sse_head, { send: chunk('Once') }, { send: `event: error\ndata: ${text}\n\n` }],
        [{ head: 500 }, { send: `{"error":{"message":"${escaped(text)}"}}` }],
        [{ head: 400 }, { send: `{"error":{"message":"${escaped(text)}"}}` }],
        [{ head: 400 }, { send: text }],
        [json_head(200), { send: said(text) }],
        [json_head(200), { send: text }],
      ]) {
        await mock.script([{ do: steps }]);
        const fresh = await start_relay(mock, aliases, another_store());
        for (const stream of [false, true]) {
          const answer = await call(fresh, 'whole', stream);
          is_clean(answer.text, what);
          const last = answer.status === 200 ? events_of(answer.text).at(-1).data : answer.json();
          assert.match(last.error.message, /^The .*\.$/);
        }
        await fresh.stop();
      }
    });
  }

  it('a request that is at fault is told what the provider said of it', async () => {
    const message = "Unsupported value: 'temperature' does not support 3 with this model.";
    const error = {
      message,
      type: 'invalid_request_error',
      code: 'unsupported_value',
      param: 'temperature',
    };
    await mock.script([{ do: [json_head(400), { send: JSON.stringify({ error }) }] }]);
    const answer = await call(relay, 'whole', false);
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json().error, error);
    is_clean(JSON.stringify(answer.headers));
  });

  it('over a WebSocket', async () => {
    for (const steps of [
      [json_head(500), { send: said(texts['the header that it was sent']) }],
      [sse_head, { send: chunk('Once') }, { send: `data: ${said(`${key} ${inner}`)}\n\n` }],
    ]) {
      await mock.script([{ do: steps }]);
      const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/v1/ws`);
      await once(socket, 'open');
      const frames = [];
      const over = new Promise((resolve) => {
        socket.onmessage = ({ data }) => {
          frames.push(data);
          if (JSON.parse(data).type === 'error') resolve();
        };
      });
      const frame = { type: 'call', id: 'a', format: 'openai.chat', request: body('whole', true) };
      socket.send(JSON.stringify(frame));
      await over;
      socket.close();
      is_clean(frames.join('\n'));
      assert.match(JSON.parse(frames.at(-1)).body.error.message, /^The .*\.$/);
    }
  });

  it('in a run’s history', async () => {
    await mock.script([{ do: [json_head(500), { send: said(`${key} ${inner}`) }] }]);
    const begun = await post_json(relay, '/api/workflows/runs', {
      workflow: 'team_strategy',
      input: situation,
    });
    assert.equal(begun.status, 201, begun.text);
    const { id } = begun.json();
    const path = `/api/workflows/runs/${id}`;
    const run = await until('the end of the run', async () => {
      const told = (await ask(relay, { path })).json();
      return told.status === 'running' ? null : told;
    });
    is_clean(JSON.stringify(run));
    const events = await ask(relay, { path: `${path}/events` });
    assert.match(events.text, /The model's provider failed/);
    is_clean(events.text);
    const bundle = await ask(relay, { method: 'POST', path: `${path}/export` });
    is_clean(bundle.text);
  });

  it('a model that says the key says it to nobody', async () => {
    const text = `It is ${key}, and so on.`;
    const message = { role: 'assistant', content: text };
    const whole = { id: key, model: key, choices: [{ index: 0, message, finish_reason: 'stop' }] };
    const end = `data: {"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`;
    const streamed = (size) => {
      const pieces = [];
      for (let i = 0; i < text.length; i += size) pieces.push(chunk(text.slice(i, i + size)));
      return [sse_head, { send: pieces.join('') + end }];
    };
    for (const steps of [
      [json_head(200), { send: JSON.stringify(whole) }],
      streamed(1),
      streamed(7),
      streamed(text.length),
    ]) {
      await mock.script([{ do: steps }]);
      for (const stream of [false, true]) {
        const answer = await call(relay, 'whole', stream);
        assert.equal(answer.status, 200);
        is_clean(answer.text);
        const content = stream
          ? events_of(answer.text)
              .map(({ data }) => data.choices?.[0]?.delta?.content ?? '')
              .join('')
          : answer.json().choices[0].message.content;
        assert.match(content, /^It is (s|sk|sk-)?\[redacted\], and so on\.$/);
      }
    }
  });
});

describe('the cause of a failed call in the log', { concurrency: false }, () => {
  let mock;
  before(async () => (mock = await start_mock()));
  after(() => mock.stop());
  const cause_of = async (relay, id) => {
    const { headers } = await call(relay, 'whole', false, { 'X-Request-Id': id });
    assert.equal(headers['x-request-id'], id);
    return relay.line((line) => line.event === 'model_attempt_failed' && line.request_id === id);
  };

  it('an answer: status, words and the provider’s own request id, without the key', async () => {
    const words = `Incorrect API key provided: ${key}\u001b[2J`;
    await mock.script([{ do: [json_head(401), { send: said(words) }] }]);
    const relay = await start_relay(mock, aliases, another_store());
    const line = await cause_of(relay, 'call-401');
    assert.equal(line.message, 'Incorrect API key provided: [redacted]\u001b[2J');
    const expected = {
      level: 'warning',
      provider: 'openai',
      target: 'openai/gpt-5-mini',
      key: 'main',
      class: 'unauthorized',
      cause: 'status',
      status: 401,
      attempt: 1,
      provider_request_id: 'req_of_provider',
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(line[name], value, name);
    await relay.stop();
  });

  it('a connection: refused, no such name, no TLS at the other end', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    for (const [url, cause, message] of [
      [`http://127.0.0.1:${port}`, 'connect', /Connection refused/],
      ['http://no-such-name.invalid', 'resolve', /no-such-name\.invalid has no address/],
      [mock.url.replace('http', 'https'), 'tls', /handshake failed: \w+/],
    ]) {
      const relay = await start_relay({ url }, aliases, {});
      const line = await cause_of(relay, `call-${cause}`);
      assert.equal(line.cause, cause);
      assert.equal(line.stage, 'connect');
      assert.match(line.message, message);
      await relay.stop();
    }
  });

  it('a timeout: which one', async () => {
    const env = {
      REDOUBT_MODELS_FIRST_TOKEN_TIMEOUT_S: '1',
      REDOUBT_MODELS_PROGRESS_TIMEOUT_S: '1',
    };
    for (const [steps, cause] of [
      [[{ hold: true }], 'first_token_timeout'],
      [[sse_head, { send: chunk('Once') }, { hold: true }], 'progress_timeout'],
      [[sse_head, { send: chunk('Once') }], 'stream_cut'],
      [[json_head(200), { send: '{"choices":' }], 'bad_bytes'],
    ]) {
      await mock.script([{ do: steps }]);
      const relay = await start_relay(mock, aliases, env);
      assert.equal((await cause_of(relay, `call-${cause}`)).cause, cause);
      await relay.stop();
    }
  });

  it('an outage does not flood it', async () => {
    await mock.script([{ do: [json_head(400), { send: '{}' }] }]);
    const relay = await start_relay(mock, aliases, {});
    for (let i = 0; i < 100; ++i) await call(relay, 'whole', false);
    const metrics = await (await fetch(`${relay.admin}/metrics`)).text();
    const dropped = /^redoubt_model_failure_lines_dropped_total (\d+)$/m.exec(metrics);
    await relay.stop();
    const lines = relay.lines.filter(({ event }) => event === 'model_attempt_failed').length;
    assert.equal(lines + Number(dropped[1]), 100);
    assert.ok(lines < 100);
  });
});

describe('the words of the store', () => {
  it('reach the log under the request’s id, and nobody else', async () => {
    const path = at('broken.db');
    const relay = await start_relay({ url: 'http://127.0.0.1:9' }, aliases, {
      REDOUBT_STORE_PATH: path,
    });
    const database = new DatabaseSync(path, { timeout: 20_000 });
    for (const table of ['run_pieces', 'run_epochs', 'runs', 'model_calls'])
      database.exec(`PRAGMA foreign_keys = OFF; DROP TABLE IF EXISTS ${table}`);
    database.close();
    for (const [id, asked] of [
      ['runs-1', { path: '/api/workflows/runs' }],
      ['runs-2', { path: `/api/workflows/runs/${'0'.repeat(32)}` }],
      ['runs-3', { path: '/api/usage' }],
    ]) {
      const answer = await ask(relay, { ...asked, headers: { 'X-Request-Id': id } });
      assert.equal(answer.status, 503, answer.text);
      assert.match(answer.json().detail, /^The relay cannot use its store\. .* request's id\.$/);
      assert.doesNotMatch(answer.text, /broken|no such|SELECT|\.db/);
      const line = await relay.line((l) => l.event === 'store_fault' && l.request_id === id);
      assert.match(line.message, /broken\.db.*no such table/);
    }
    await relay.stop();
  });

  it('and the public listener has no metrics, and its probes name nothing of the inside', async () => {
    const relay = await start_relay({ url: 'http://127.0.0.1:9' }, aliases, {});
    assert.equal((await ask(relay, { path: '/metrics' })).status, 404);
    assert.equal((await ask(relay, { path: '/readyz' })).text, '{"status":"ready"}');
    assert.equal((await ask(relay, { path: '/healthz' })).text, '{"status":"ok"}');
    assert.doesNotMatch((await ask(relay, { path: '/health' })).text, /openai|127\.0\.0\.1|\//);
    await relay.stop();
  });
});
