// The fault table: what a provider may do wrong, and for each fault what the caller gets and in how
// long, what is asked again, what it costs and what the metrics say; on the real program.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { events_of, start_mock, start_relay, until } from './mock_upstream.mjs';
import { ask, post_json } from './program.mjs';
import { situation } from './situation.mjs';

// A target each, so that no breaker and no series of one sees the other; prices in $ a million.
const targets = {
  whole: { name: 'openai/gpt-5-mini', input: 0.25, output: 2 },
  stream: { name: 'openai/gpt-5-nano', input: 0.05, output: 0.4 },
  strategist: { name: 'openai/gpt-4o-mini' },
};
const aliases = Object.fromEntries(
  Object.entries(targets).map(([alias, { name }]) => [alias, [name]]),
);
const first_token_ms = 1_000;
const progress_ms = 1_000;
const connect_ms = 500;
const backoff_ms_max = 200;
const deadlines = {
  REDOUBT_MODELS_DEADLINE_S: '5',
  REDOUBT_MODELS_FIRST_TOKEN_TIMEOUT_S: String(first_token_ms / 1_000),
  REDOUBT_MODELS_PROGRESS_TIMEOUT_S: String(progress_ms / 1_000),
  REDOUBT_MODELS_CONNECT_TIMEOUT_MS: String(connect_ms),
};
// What this machine may be late by.
const late_ms = 1_500;
const game_ms_max = 3_000;

// What a call may give at most: what it is charged where nobody knows what it gave.
const bound = 200;
const text = 'Once upon a time';
const chunk = (content, more = {}) =>
  `data: ${JSON.stringify({ id: 'x', model: 'm', choices: [{ index: 0, delta: { content }, ...more }] })}\n\n`;
const sse = { head: 200, headers: { 'content-type': 'text/event-stream' } };
const json = { head: 200, headers: { 'content-type': 'application/json' } };
const said = { send: chunk(text) };
const in_stream = 'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n';
const million = 'x'.repeat(1_000_000);

/**
 * `steps`: what the mock does. `gets`: status, and the code of its error. `stream`: what differs when
 * it is streamed; with status 200 the text has come and the error is the stream's last event.
 * `asked`: attempts. `charged`: tokens of output an attempt; -1: nothing at all. Both targets may
 * think, so what came says nothing of what was generated, unless the provider says that it failed.
 * `by_ms`: when the caller has its answer at the latest.
 */
const rows = {
  'first byte never comes': {
    steps: [{ hold: true }],
    gets: { status: 504, code: 'timeout' },
    asked: 1,
    charged: bound,
    outcome: 'timeout',
    by_ms: first_token_ms,
  },
  'only the head comes': {
    steps: [sse, { hold: true }],
    gets: { status: 504, code: 'timeout' },
    asked: 1,
    charged: bound,
    outcome: 'timeout',
    by_ms: first_token_ms,
  },
  'a stall in the middle': {
    steps: [sse, said, { hold: true }],
    gets: { status: 504, code: 'timeout' },
    stream: { status: 200, code: 'timeout' },
    asked: 1,
    charged: bound,
    outcome: 'timeout',
    by_ms: progress_ms,
  },
  'heartbeats for a terminator': {
    steps: [
      sse,
      said,
      { send: chunk('', { finish_reason: 'stop' }) },
      { send: ': ping\n\n', repeat: 10_000, every_ms: 20 },
    ],
    gets: { status: 504, code: 'timeout' },
    stream: { status: 200, code: 'timeout' },
    asked: 1,
    charged: bound,
    outcome: 'timeout',
    by_ms: progress_ms,
  },
  'a reset in the middle': {
    steps: [sse, said, { reset: true }],
    gets: { status: 502, code: 'cut' },
    stream: { status: 200, code: 'cut', asked: 1 },
    asked: 2,
    charged: bound,
    outcome: 'cut',
    by_ms: backoff_ms_max,
  },
  'an end in the middle, orderly': {
    steps: [sse, said],
    gets: { status: 502, code: 'cut' },
    stream: { status: 200, code: 'cut', asked: 1 },
    asked: 2,
    charged: bound,
    outcome: 'cut',
    by_ms: backoff_ms_max,
  },
  garbage: {
    steps: [{ send: 'SSH-2.0-OpenSSH\r\n\r\n' }, { cut: true }],
    gets: { status: 502, code: 'malformed' },
    asked: 2,
    charged: bound,
    outcome: 'malformed',
    by_ms: backoff_ms_max,
  },
  'JSON that is cut short': {
    steps: [json, { send: '{"choices": [{"message":' }],
    gets: { status: 502, code: 'malformed' },
    asked: 2,
    charged: bound,
    outcome: 'malformed',
    by_ms: backoff_ms_max,
  },
  // The provider did its work; asked again it would be paid again.
  'a document that is no answer': {
    steps: [json, { send: '{}' }],
    gets: { status: 502, code: 'malformed' },
    asked: 1,
    charged: bound,
    outcome: 'malformed',
    by_ms: 0,
  },
  'an error event after a 200': {
    steps: [sse, { send: in_stream }],
    gets: { status: 502, code: 'server_error' },
    asked: 2,
    charged: 0,
    outcome: 'server_error',
    by_ms: backoff_ms_max,
  },
  'an error event after the first token': {
    steps: [sse, said, { send: in_stream }],
    gets: { status: 502, code: 'server_error' },
    stream: { status: 200, code: 'server_error', asked: 1 },
    asked: 2,
    charged: text.length,
    outcome: 'server_error',
    by_ms: backoff_ms_max,
  },
  // Another try with the same key would hear the same.
  401: {
    steps: [{ head: 401 }, { send: '{"error":{"message":"Incorrect API key: sk-123"}}' }],
    gets: { status: 502, code: 'server_error' },
    asked: 1,
    charged: -1,
    outcome: 'unauthorized',
    by_ms: 0,
  },
  '429 without retry-after': {
    steps: [{ head: 429 }, { send: '{"error":{"message":"slow down"}}' }],
    gets: { status: 429, code: 'rate_limited' },
    asked: 2,
    charged: -1,
    outcome: 'rate_limited',
    by_ms: backoff_ms_max,
  },
  '429 with a retry-after that can be waited for': {
    steps: [{ head: 429, headers: { 'retry-after': '1' } }, { send: '{}' }],
    gets: { status: 429, code: 'rate_limited', retry_after: '1' },
    asked: 2,
    charged: -1,
    outcome: 'rate_limited',
    from_ms: 1_000,
    by_ms: 1_000,
  },
  '429 with a long retry-after': {
    steps: [{ head: 429, headers: { 'retry-after': '60' } }, { send: '{}' }],
    gets: { status: 429, code: 'rate_limited', retry_after: '60' },
    asked: 1,
    charged: -1,
    outcome: 'rate_limited',
    by_ms: 0,
  },
  500: {
    steps: [{ head: 500 }, { send: 'oops' }],
    gets: { status: 502, code: 'server_error' },
    asked: 2,
    charged: -1,
    outcome: 'server_error',
    by_ms: backoff_ms_max,
  },
  529: {
    steps: [{ head: 529 }, { send: '{}' }],
    gets: { status: 503, code: 'overloaded' },
    asked: 2,
    charged: -1,
    outcome: 'overloaded',
    by_ms: backoff_ms_max,
  },
  'an answer of 50 MB': {
    steps: [
      json,
      { send: '{"choices":[{"message":{"role":"assistant","content":"' },
      { send: million, repeat: 50 },
      { send: '"},"finish_reason":"stop"}]}' },
    ],
    gets: { status: 502, code: 'malformed' },
    asked: 1,
    charged: bound,
    outcome: 'malformed',
    by_ms: 3_000,
  },
  'an event of 50 MB': {
    steps: [sse, { send: 'data: ' }, { send: million, repeat: 50 }],
    gets: { status: 502, code: 'malformed' },
    asked: 1, // it would be as long again
    charged: bound,
    outcome: 'malformed',
    by_ms: 3_000,
  },
};

const timed = async (what) => {
  const from = performance.now();
  const answer = await what;
  return { answer, ms: performance.now() - from };
};
const call = (relay, model, stream) =>
  timed(
    post_json(relay, '/v1/chat/completions', {
      model,
      stream,
      max_completion_tokens: bound,
      messages: [{ role: 'user', content: 'Where to?' }],
    }),
  );
const question = (relay) => timed(post_json(relay, '/api/team-strategy', situation));

async function metric(relay, name, labels) {
  const body = await (await fetch(`${relay.admin}/metrics`)).text();
  const line = body.split('\n').find((l) => l.startsWith(`${name}{${labels}} `));
  return line ? Number(line.split(' ').at(-1)) : 0;
}

function is_told({ answer, ms }, expected, row) {
  assert.equal(answer.status, expected.status, answer.text.slice(0, 500));
  assert.equal(answer.text.includes('sk-123'), false);
  assert.equal(answer.headers['retry-after'], expected.retry_after);
  let error;
  if (expected.status === 200) {
    const events = events_of(answer.text);
    const content = events.map(({ data }) => data.choices?.[0]?.delta?.content ?? '').join('');
    assert.equal(content, text);
    ({ error } = events.at(-1).data);
  } else {
    ({ error } = answer.json());
  }
  assert.equal(error.code, expected.code);
  assert.ok(error.message);
  assert.ok(ms >= (row.from_ms ?? 0), `after ${ms} ms`);
  assert.ok(ms <= row.by_ms + late_ms, `after ${ms} ms`);
}

/** What the ledger and the metrics hold of a target. */
async function is_booked(relay, alias, asked, row) {
  const { name, input, output } = targets[alias];
  const { charged } = row;
  const outcome = `target="${name}",outcome="${row.outcome}"`;
  assert.equal(await metric(relay, 'redoubt_model_attempts_total', outcome), asked);
  const booked = await until('the ledger', async () => {
    const { month } = (await ask(relay, { path: '/api/usage' })).json();
    return month.models.find(({ model, calls }) => model === name && calls === asked);
  });
  const estimated = await metric(relay, 'redoubt_model_estimated_total', `target="${name}"`);
  if (charged < 0) {
    assert.deepEqual([booked.input_tokens, booked.output_tokens, estimated], [0, 0, 0]);
    assert.equal(booked.cost_microusd, 0);
    return;
  }
  // No usage was reported: the prompt's bound, and what the output may come to.
  assert.equal(estimated, asked);
  assert.equal(booked.output_tokens, charged * asked);
  assert.ok(booked.input_tokens > 0);
  const cost = booked.input_tokens * input + booked.output_tokens * output;
  assert.equal(booked.cost_microusd, Math.ceil(cost - 1e-6));
}

async function is_answered_by_the_engine({ answer, ms }) {
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json().source, 'engine');
  assert.ok(ms <= game_ms_max, `the game waited ${ms} ms`);
}

describe('a provider’s faults', { concurrency: false }, () => {
  let mock;
  before(async () => (mock = await start_mock()));
  after(() => mock.stop());

  for (const [what, row] of Object.entries(rows)) {
    it(`${what}`, async () => {
      await mock.script([{ do: row.steps }]);
      await mock.forget();
      const relay = await start_relay(mock, aliases, deadlines);
      const [whole, streamed, game] = await Promise.all([
        call(relay, 'whole', false),
        call(relay, 'stream', true),
        question(relay),
      ]);
      const stream = { ...row.gets, asked: row.asked, ...row.stream };
      is_told(whole, row.gets, row);
      is_told(streamed, stream, row);
      await is_answered_by_the_engine(game);
      const models = (await mock.calls()).map(({ model }) => `openai/${model}`);
      const asked = ({ name }) => models.filter((model) => model === name).length;
      assert.equal(asked(targets.whole), row.asked);
      assert.equal(asked(targets.stream), stream.asked);
      await is_booked(relay, 'whole', row.asked, row);
      await is_booked(relay, 'stream', stream.asked, row);
      assert.equal((await relay.stop()).code, 0);
    });
  }

  it('a call of the game goes on when the engine has answered, and is paid for', async () => {
    await mock.script([{ do: [{ wait_ms: 2_700 }, { answer: {} }] }]);
    const relay = await start_relay(mock, aliases, deadlines);
    await is_answered_by_the_engine(await question(relay));
    const of_it = `target="${targets.strategist.name}"`;
    await until('the charge', () => metric(relay, 'redoubt_model_cost_microusd_total', of_it));
    await relay.stop();
  });

  it('no breaker opens for a fault that is not the provider’s', async () => {
    const refused = [{ head: 400 }, { send: '{"error":{"message":"no such tool"}}' }];
    await mock.script([{ do: refused }]);
    await mock.forget();
    const relay = await start_relay(mock, aliases, deadlines);
    for (let i = 0; i < 30; ++i) {
      const { answer } = await call(relay, 'whole', false);
      assert.equal(answer.status, 400, answer.text);
      assert.match(answer.json().error.message, /no such tool/);
    }
    assert.equal((await mock.calls()).length, 30);
    await relay.stop();
  });

  it('a provider that fails on is not asked any more, and the caller is told at once', async () => {
    await mock.script([{ do: [{ head: 500 }, { send: 'oops' }] }]);
    await mock.forget();
    const relay = await start_relay(mock, aliases, deadlines);
    const last = await until('the breaker', async () => {
      const told = await call(relay, 'whole', false);
      return told.answer.status === 503 ? told : null;
    });
    assert.ok(Number(last.answer.headers['retry-after']) >= 1);
    const before_it = (await mock.calls()).length;
    assert.equal((await call(relay, 'whole', true)).answer.status, 503);
    assert.equal((await mock.calls()).length, before_it);
    const denied = `target="${targets.whole.name}",reason="breaker_open"`;
    assert.ok((await metric(relay, 'redoubt_model_denied_total', denied)) > 0);
    await relay.stop();
  });
});

describe('a provider that cannot be reached', { concurrency: false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'redoubt-faults-'));
  const at = (name) => join(folder, name);
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

  /** A certificate that signs itself: the test's provider, and whom the relay believes. */
  function certify(name, subject, [from, to]) {
    writeFileSync(
      at(`${name}.cnf`),
      `[ca]\ndefault_ca = own\n[own]\ndir = .\ndatabase = ${name}.txt\nserial = ${name}.srl\n` +
        `new_certs_dir = .\ndefault_md = sha256\npolicy = any\nunique_subject = no\n[any]\n` +
        `commonName = supplied\n[req]\ndistinguished_name = dn\n[dn]\n` +
        `[own_ext]\nsubjectAltName = ${subject}\nbasicConstraints = critical, CA:TRUE\n`,
    );
    writeFileSync(at(`${name}.txt`), '');
    writeFileSync(at(`${name}.srl`), '01\n');
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const files = ['-keyout', `${name}.key`, '-out', `${name}.csr`];
    openssl('req', '-config', `${name}.cnf`, ...key, ...files, '-subj', '/CN=mock');
    const signing = ['-selfsign', '-keyfile', `${name}.key`, '-in', `${name}.csr`];
    const valid = ['-startdate', from, '-enddate', to, '-extensions', 'own_ext'];
    openssl('ca', '-batch', '-config', `${name}.cnf`, ...signing, ...valid, '-out', `${name}.pem`);
    return ['--certificate', at(`${name}.pem`), '--key', at(`${name}.key`)];
  }
  after(() => rmSync(folder, { recursive: true }));

  async function is_not_reached(relay, asked, outcome, status, by_ms) {
    const [whole, streamed, game] = await Promise.all([
      call(relay, 'whole', false),
      call(relay, 'stream', true),
      question(relay),
    ]);
    for (const told of [whole, streamed]) {
      assert.equal(told.answer.status, status, told.answer.text);
      assert.ok(told.answer.json().error.message);
      assert.ok(told.ms <= by_ms + late_ms, `after ${told.ms} ms`);
    }
    await is_answered_by_the_engine(game);
    const nothing = { charged: -1, outcome };
    await is_booked(relay, 'whole', asked, nothing);
    await is_booked(relay, 'stream', asked, nothing);
    await relay.stop();
    return whole.answer.json().error;
  }

  it('refuses the connection', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    const relay = await start_relay({ url: `http://127.0.0.1:${port}` }, aliases, deadlines);
    await is_not_reached(relay, 2, 'server_error', 502, backoff_ms_max);
  });

  it('swallows the connection', async () => {
    // Nobody answers the handshake. A queue of waiting connections that is full looks the same.
    const sockets = new Set();
    const server = net.createServer((socket) => sockets.add(socket.on('error', () => {})));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `https://127.0.0.1:${server.address().port}`;
    const relay = await start_relay({ url }, aliases, deadlines);
    await is_not_reached(relay, 1, 'timeout', 504, connect_ms);
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  const always = ['20200101000000Z', '21000101000000Z'];
  for (const [what, subject, valid] of [
    ['has an expired certificate', 'IP:127.0.0.1', ['20200101000000Z', '20200102000000Z']],
    ['has a certificate of the future', 'IP:127.0.0.1', ['20990101000000Z', '21000101000000Z']],
    ['has another’s certificate', 'DNS:example.org,IP:127.0.0.2', always],
  ]) {
    it(`${what}`, async () => {
      const mock = await start_mock(certify('bad', subject, valid));
      const relay = await start_relay(mock, aliases, {
        ...deadlines,
        REDOUBT_PROVIDERS_0_AUTHORITIES_FILE: at('bad.pem'),
      });
      await is_not_reached(relay, 2, 'server_error', 502, backoff_ms_max);
      await mock.stop();
    });
  }

  it('has a certificate that nobody vouches for', async () => {
    const mock = await start_mock(certify('own', 'IP:127.0.0.1', always));
    const relay = await start_relay(mock, aliases, deadlines);
    await is_not_reached(relay, 2, 'server_error', 502, backoff_ms_max);
    await mock.stop();
  });

  it('is believed with a good certificate', async () => {
    const mock = await start_mock(certify('good', 'IP:127.0.0.1', always));
    const relay = await start_relay(mock, aliases, {
      ...deadlines,
      REDOUBT_PROVIDERS_0_AUTHORITIES_FILE: at('good.pem'),
    });
    const { answer } = await call(relay, 'whole', false);
    assert.equal(answer.status, 200, answer.text);
    await relay.stop();
    await mock.stop();
  });
});

/** Answers requests on kept connections; `leaves(n)`: is request number n read and left unanswered? */
async function start_leaving_provider(leaves) {
  const seen = { requests: 0, connections: 0 };
  const sockets = new Set();
  const body = JSON.stringify({
    choices: [{ message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 1 },
  });
  const answer = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const server = net.createServer((socket) => {
    ++seen.connections;
    sockets.add(socket.on('error', () => {}));
    let read = '';
    socket.on('data', (bytes) => {
      read += bytes;
      const head = read.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(read)?.[1] ?? 0);
      if (head < 0 || read.length < head + 4 + length) return;
      read = '';
      if (leaves(++seen.requests)) socket.end();
      else socket.write(answer);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, seen, stop };
}

describe('a stream that finished without its terminator', { concurrency: false }, () => {
  it('is whole, and counted', async () => {
    const provider = await start_mock();
    const relay = await start_relay(provider, aliases, deadlines);
    const { name } = targets.whole;
    const ended = { send: chunk('', { finish_reason: 'stop' }) };
    const counted = () =>
      metric(relay, 'redoubt_model_streams_unterminated_total', `target="${name}"`);
    for (const [steps, expected] of [
      [[sse, said, ended], 1],
      [[sse, said, ended, { send: 'data: [DONE]\n\n' }], 1],
    ]) {
      await provider.script([{ do: steps }]);
      const { answer } = await call(relay, 'whole', true);
      assert.equal(answer.status, 200, answer.text);
      assert.match(answer.text, /\[DONE\]/);
      assert.equal(await counted(), expected);
    }
    await relay.stop();
    await provider.stop();
  });
});

describe('a kept connection', { concurrency: false }, () => {
  it('closes once a request was written: every request that the provider saw has a line', async () => {
    const provider = await start_leaving_provider((request) => request === 2);
    const relay = await start_relay(provider, aliases, {
      ...deadlines,
      REDOUBT_SERVER_SHARDS: '1',
    });
    for (let i = 0; i < 2; ++i) {
      const { answer } = await call(relay, 'whole', false);
      assert.equal(answer.status, 200, answer.text);
    }
    assert.deepEqual(provider.seen, { requests: 3, connections: 2 });
    const { name } = targets.whole;
    const booked = await until('the ledger', async () => {
      const { month } = (await ask(relay, { path: '/api/usage' })).json();
      return month.models.find(({ model, calls }) => model === name && calls === 3);
    });
    // The lost one is charged its bound, once.
    assert.equal(booked.output_tokens, 1 + bound + 1);
    const of_it = `target="${name}"`;
    assert.equal(await metric(relay, 'redoubt_model_estimated_total', of_it), 1);
    await relay.stop();
    provider.stop();
  });
});
