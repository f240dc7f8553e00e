// Streams of models over /v1/ws, on the real program: the same events as over SSE, numbered, gone on
// with on another connection without gap or repeat, bounded and refused where they must be.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import WebSocket from 'ws';
import { events_of, start_mock, start_relay, until } from './mock_upstream.mjs';
import { post_json } from './program.mjs';
import { hs256, soon } from './signed_token.mjs';

const aliases = {
  chat: ['openai/gpt-5-mini'],
  claude: ['anthropic/claude-haiku-4-5'],
  slow: ['openai/slow'],
  late: ['openai/late'],
  deaf: ['openai/deaf'],
  wordy: ['openai/wordy'],
  broken: ['openai/broken'],
  tale: ['openai/tale'],
};
const words = 'A long tale that is told in many small pieces, one after the other. '.repeat(6);
const told_slowly = { answer: { text: words, every_ms: 10 } };
const chunk = (content) =>
  `data: ${JSON.stringify({ id: 'x', model: 'm', choices: [{ index: 0, delta: { content } }] })}\n\n`;

const requests = {
  'openai.chat': (model) => ({ model, messages: [{ role: 'user', content: 'Where to?' }] }),
  'openai.responses': (model) => ({ model, input: 'Where to?' }),
  'anthropic.messages': (model) => ({
    model,
    max_tokens: 2000,
    messages: [{ role: 'user', content: 'Where to?' }],
  }),
  'gemini.generateContent': (model) => ({
    model: `models/${model}`,
    contents: [{ role: 'user', parts: [{ text: 'Where to?' }] }],
  }),
};
const paths = {
  'openai.chat': () => '/v1/chat/completions',
  'openai.responses': () => '/v1/responses',
  'anthropic.messages': () => '/v1/messages',
  'gemini.generateContent': (model) => `/v1beta/models/${model}:streamGenerateContent?alt=sse`,
};

const secret = randomBytes(32).toString('base64');
const token_of = (sub, more = {}) => hs256({ sub, exp: soon(), ...more }, secret);

/** A socket that keeps its frames: `frame(matches)` waits for one that nobody took yet. */
async function connect(relay, { token, protocols = [] } = {}) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const socket = new WebSocket(`ws://127.0.0.1:${relay.port}/v1/ws`, protocols, { headers });
  const wire = { socket, frames: [], waiting: [] };
  wire.closed = new Promise((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })),
  );
  socket.on('message', (data) => {
    wire.frames.push(JSON.parse(data));
    wire.waiting = wire.waiting.filter((wait) => !wait());
  });
  wire.send = (frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  wire.call = (id, model, format = 'openai.chat', more = {}) =>
    wire.send({ type: 'call', id, format, request: { ...requests[format](model), ...more } });
  wire.when = (what, found) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const value = found(wire.frames);
        if (!value) return false;
        clearTimeout(timer);
        resolve(value);
        return true;
      };
      const timer = setTimeout(() => {
        const seen = wire.frames.map((frame) => JSON.stringify(frame).slice(0, 160));
        reject(new Error(`waited in vain for ${what}:\n${seen.slice(-8).join('\n')}`));
      }, 20_000);
      if (!look()) wire.waiting.push(look);
    });
  wire.frame = (type, id) =>
    wire.when(`${type} of ${id}`, (all) => all.find((f) => f.type === type && f.id === id));
  wire.last = (id) =>
    wire.when(`the last frame of ${id}`, (all) =>
      all.find((f) => f.id === id && f.seq && f.type !== 'event'),
    );
  wire.of = (id) => wire.frames.filter((frame) => frame.id === id && frame.seq);
  // The connection is lost, not closed.
  wire.cut = () => socket.terminate();
  await once(socket, 'open');
  return wire;
}

const events = (frames) =>
  frames.filter(({ type }) => type === 'event').map(({ event, data }) => ({ event, data }));
const content = (frames) =>
  events(frames)
    .map(({ data }) => data.choices?.[0]?.delta?.content ?? '')
    .join('');
const numbers = (frames) => frames.map(({ seq }) => seq);
const counted = (length) => Array.from({ length }, (_, i) => i + 1);

async function metric(relay, name) {
  const body = await (await fetch(`${relay.admin}/metrics`)).text();
  const line = body.split('\n').find((l) => l.startsWith(`${name} `));
  return line ? Number(line.split(' ').at(-1)) : 0;
}

describe('model streams over a WebSocket', { concurrency: false }, () => {
  let mock;
  let relay;
  const folder = mkdtempSync(join(tmpdir(), 'redoubt-model-socket-'));
  before(async () => {
    mock = await start_mock();
    const file = join(folder, 'secret');
    writeFileSync(file, secret, { mode: 0o600 });
    relay = await start_relay(mock, aliases, {
      REDOUBT_TOKENS_NEXTAUTH_SECRET_FILE: file,
      REDOUBT_SERVER_SHARDS: '2',
    });
  });
  after(async () => {
    await relay?.stop();
    await mock?.stop();
    rmSync(folder, { recursive: true });
  });
  const scripted = async (rules) => {
    await mock.script(rules);
    await mock.forget();
  };

  for (const format of Object.keys(requests)) {
    for (const model of ['chat', 'claude']) {
      it(`brings the events of ${format} from ${model} as SSE does`, async () => {
        await scripted([{ do: [{ answer: { text: 'So it goes.', input_tokens: 9 } }] }]);
        const more = format === 'openai.chat' ? { stream_options: { include_usage: true } } : {};
        const body = { ...requests[format](model), ...more };
        if (!format.startsWith('gemini')) body.stream = true;
        const streamed = events_of((await post_json(relay, paths[format](model), body)).text);
        const wire = await connect(relay);
        wire.call('a', model, format, more);
        const end = await wire.last('a');
        assert.equal(end.type, 'end', JSON.stringify(end));
        assert.equal(end.reason, 'complete');
        assert.equal(end.model, aliases[model][0]);
        assert.ok(end.cost_microusd > 0);
        // What differs from call to call: the time, and ids that are made from it.
        const steady = (value) =>
          JSON.parse(
            JSON.stringify(value, (key, v) =>
              /^(id|created|created_at|item_id|responseId)$/.test(key) ? 0 : v,
            ),
          );
        const expected = streamed.filter(({ data }) => data !== '[DONE]');
        assert.deepEqual(steady(events(wire.of('a'))), steady(expected));
        assert.deepEqual(numbers(wire.of('a')), counted(expected.length + 1));
        const started = await wire.frame('started', 'a');
        assert.match(started.token, /^[A-Za-z0-9_-]{22}$/);
        assert.equal(started.hold_ms, 15_000);
        wire.socket.close();
      });
    }
  }

  it('goes on on another connection without gap or repeat, wherever it was cut', async () => {
    await scripted([{ do: [told_slowly] }]);
    for (const cut_after of [1, 2, 7, 20, 40]) {
      let wire = await connect(relay);
      wire.call('tale', 'slow');
      const { token } = await wire.frame('started', 'tale');
      await wire.when('frames', () => wire.of('tale').length >= cut_after);
      wire.cut();
      const before_it = wire.of('tale');
      wire = await connect(relay);
      wire.send({ type: 'resume', token, after: before_it.at(-1).seq });
      assert.equal((await wire.frame('resumed', 'tale')).after, before_it.at(-1).seq);
      assert.equal((await wire.last('tale')).type, 'end');
      const all = [...before_it, ...wire.of('tale')];
      assert.deepEqual(numbers(all), counted(all.length));
      assert.equal(content(all), words);
      wire.socket.close();
    }
    assert.equal((await mock.calls()).length, 5);
  });

  it('is taken over from a connection that only seems to live', async () => {
    await scripted([{ do: [told_slowly] }]);
    const old = await connect(relay);
    old.call('tale', 'slow');
    const { token } = await old.frame('started', 'tale');
    await old.when('frames', () => old.of('tale').length >= 3);
    const wire = await connect(relay);
    wire.send({ type: 'resume', token, after: 3 });
    await wire.last('tale');
    const frames = wire.of('tale');
    assert.deepEqual(numbers(frames), counted(frames.length + 3).slice(3));
    assert.equal(content([...old.of('tale').slice(0, 3), ...frames]), words);
    // What the old one says of it counts no more, and its end ends nothing.
    old.send({ type: 'cancel', id: 'tale' });
    assert.equal((await old.frame('error', 'tale')).code, 'unknown_stream');
    old.cut();
    wire.socket.close();
  });

  it('keeps the end of a stream that its client missed, until it is acknowledged', async () => {
    await scripted([{ do: [told_slowly] }]);
    let wire = await connect(relay);
    wire.call('tale', 'slow');
    const { token } = await wire.frame('started', 'tale');
    await wire.when('frames', () => wire.of('tale').length >= 2);
    wire.cut();
    await until('the end', async () => (await mock.calls())[0].end === 'answered');
    wire = await connect(relay);
    wire.send({ type: 'resume', token, after: 0 });
    const end = await wire.last('tale');
    assert.equal(content(wire.of('tale')), words);
    wire.send({ type: 'ack', id: 'tale', seq: end.seq });
    wire.send({ type: 'resume', token, after: end.seq });
    const refused = await wire.when('the refusal', (all) => all.find((f) => f.code));
    assert.equal(refused.code, 'unknown_stream');
    wire.socket.close();
  });

  it('is given to nobody but its caller', async () => {
    await scripted([{ do: [told_slowly] }]);
    const wire = await connect(relay, { token: token_of('anna') });
    wire.call('tale', 'slow');
    const { token } = await wire.frame('started', 'tale');
    for (const other of [{ token: token_of('berta') }, {}]) {
      const stranger = await connect(relay, other);
      stranger.send({ type: 'resume', token, after: 0 });
      const refused = await stranger.when('the refusal', (all) => all[0]);
      assert.equal(refused.type, 'error');
      assert.equal(refused.code, 'unknown_stream');
      assert.equal(stranger.frames.length, 1);
      stranger.socket.close();
    }
    const guess = 'A'.repeat(token.length);
    wire.send({ type: 'resume', token: guess, after: 0 });
    await wire.when('the refusal', (all) => all.find((f) => f.code === 'unknown_stream'));
    assert.equal((await wire.last('tale')).reason, 'complete');
    assert.equal(content(wire.of('tale')), words);
    wire.socket.close();
    // The same player under a newer token.
    const again = await connect(relay, { token: token_of('anna', { jti: '2' }) });
    again.send({ type: 'resume', token, after: 0 });
    await again.frame('resumed', 'tale');
    again.socket.close();
  });

  it('takes a browser’s token from the subprotocol, and refuses a bad one', async () => {
    await scripted([]);
    const protocols = ['redoubt', `redoubt.token.${token_of('anna')}`];
    const wire = await connect(relay, { protocols });
    assert.equal(wire.socket.protocol, 'redoubt');
    wire.call('a', 'chat');
    assert.equal((await wire.last('a')).reason, 'complete');
    wire.socket.close();
    const refused = new WebSocket(`ws://127.0.0.1:${relay.port}/v1/ws`, {
      headers: { Authorization: 'Bearer nonsense' },
    });
    const [, response] = await once(refused, 'unexpected-response');
    assert.equal(response.statusCode, 401);
    response.resume();
    const foreign = new WebSocket(`ws://127.0.0.1:${relay.port}/v1/ws`, { origin: 'http://evil' });
    const [, forbidden] = await once(foreign, 'unexpected-response');
    assert.equal(forbidden.statusCode, 403);
    forbidden.resume();
  });

  it('ends the upstream call when it is cancelled', async () => {
    await scripted([{ do: [{ head: 200 }, { send: chunk('Once') }, { hold: true }] }]);
    const wire = await connect(relay);
    wire.call('tale', 'late');
    await wire.frame('event', 'tale');
    wire.send({ type: 'cancel', id: 'tale' });
    const end = await wire.last('tale');
    assert.deepEqual([end.type, end.reason], ['end', 'cancelled']);
    assert.deepEqual(numbers(wire.of('tale')), counted(wire.of('tale').length));
    await until(
      'the provider to see it',
      async () => (await mock.calls())[0].end === 'client_gone',
    );
    // Its id is free again.
    await scripted([]);
    wire.frames.length = 0;
    wire.call('tale', 'chat');
    assert.equal((await wire.last('tale')).reason, 'complete');
    wire.socket.close();
  });

  it('answers what it cannot take with an error, and stays', async () => {
    await scripted([{ when: { model: 'late' }, do: [{ hold: true }] }]);
    const wire = await connect(relay);
    const call = (more) => ({
      type: 'call',
      id: 'x',
      format: 'openai.chat',
      request: requests['openai.chat']('chat'),
      ...more,
    });
    const bad = [
      ['{"type":', 'bad_json', ''],
      ['[]', 'bad_frame', 'frame'],
      [{ type: 'sing' }, 'bad_frame', 'type'],
      [{ ...call(), id: 'a b' }, 'bad_frame', 'id'],
      [call({ format: 'smoke' }), 'bad_frame', 'format'],
      [call({ request: 'now' }), 'bad_frame', 'request'],
      [call({ request: { model: 'chat' } }), 'bad_request', 'request.messages'],
      [call({ request: { ...call().request, stream: false } }), 'bad_frame', 'request.stream'],
      [{ type: 'resume', after: 0 }, 'bad_frame', 'token'],
      [{ type: 'resume', token: 'x', after: -1 }, 'bad_frame', 'after'],
      [{ type: 'cancel', id: 'nothing' }, 'unknown_stream', ''],
      [{ type: 'ack', id: 'nothing', seq: 1 }, 'unknown_stream', ''],
      [{ type: 'ack', id: 'nothing', seq: 'x' }, 'bad_frame', 'seq'],
    ];
    for (const [frame, code, path] of bad) {
      wire.frames.length = 0;
      wire.send(frame);
      const answer = await wire.when('the error', (all) => all[0]);
      assert.deepEqual([answer.type, answer.code, answer.path ?? ''], ['error', code, path]);
      assert.ok(answer.message);
      assert.equal(answer.seq, undefined);
    }
    wire.frames.length = 0;
    wire.socket.send(Buffer.from([1, 2, 3]));
    assert.equal((await wire.when('the error', (all) => all[0])).code, 'bad_frame');

    wire.frames.length = 0;
    wire.call('x', 'late');
    wire.call('x', 'chat');
    const twice = await wire.when('the error', (all) => all.find((f) => f.code));
    assert.equal(twice.code, 'duplicate_id');
    for (let i = 0; i < 8; ++i) wire.call(`x${i}`, 'late');
    const many = await wire.when('the error', (all) => all.find((f) => f.id === 'x7' && f.code));
    assert.equal(many.code, 'too_many_streams');
    wire.send({ type: 'cancel', id: 'x' });
    await wire.last('x');
    wire.call('y', 'chat');
    assert.equal((await wire.last('y')).reason, 'complete');
    for (let i = 0; i < 7; ++i) wire.send({ type: 'cancel', id: `x${i}` });
    for (let i = 0; i < 7; ++i) await wire.last(`x${i}`);
    wire.socket.close();
  });

  it('tells a failure in the format, before and after the first token', async () => {
    await scripted([
      { when: { model: 'broken' }, do: [{ head: 400 }, { send: '{"error":{"message":"no"}}' }] },
      { when: { model: 'tale' }, do: [{ head: 200 }, { send: chunk('Once') }, { cut: true }] },
    ]);
    const wire = await connect(relay);
    wire.call('a', 'nobody', 'anthropic.messages');
    const unknown = await wire.last('a');
    assert.deepEqual([unknown.type, unknown.seq, unknown.status], ['error', 1, 404]);
    assert.equal(unknown.body.type, 'error');
    wire.call('b', 'broken');
    const refused = await wire.last('b');
    assert.deepEqual([refused.type, refused.seq, refused.status], ['error', 1, 400]);
    assert.ok(refused.body.error.message);
    wire.call('c', 'tale');
    const cut = await wire.last('c');
    assert.equal(cut.type, 'error');
    assert.equal(content(wire.of('c')), 'Once');
    assert.ok(events(wire.of('c')).at(-1).data.error, 'the error event, as over SSE');
    assert.deepEqual(numbers(wire.of('c')), counted(cut.seq));
    wire.socket.close();
  });

  it('reads large frames in their order with the small ones behind them', async () => {
    await scripted([{ when: { model: 'late' }, do: [{ hold: true }] }]);
    const wire = await connect(relay);
    const large = [{ role: 'user', content: 'x'.repeat(1_500_000) }];
    wire.call('large', 'late', 'openai.chat', { messages: large });
    wire.send({ type: 'cancel', id: 'large' });
    assert.equal((await wire.last('large')).reason, 'cancelled');
    wire.call('large', 'chat', 'openai.chat', { messages: large });
    assert.equal(
      (await wire.when('its end', () => wire.of('large')[1] && wire.of('large'))).length > 1,
      true,
    );
    wire.socket.close();
  });

  it('drops a client that does not read, and in time its call', async () => {
    const steps = [
      { head: 200 },
      { send: chunk('x'.repeat(16_000)), repeat: 100_000, every_ms: 0 },
    ];
    await scripted([{ when: { model: 'deaf' }, do: steps }]);
    const wire = await connect(relay);
    wire.call('a', 'deaf');
    wire.socket.pause();
    await until(
      'the provider to see it',
      async () => (await mock.calls())[0]?.end === 'client_gone',
    );
    wire.cut();
  });

  it('is refused at the gateway’s limits, and counts as its caller’s', async () => {
    const limited = await start_relay(mock, aliases, { REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: '1' });
    await scripted([{ when: { model: 'late' }, do: [{ hold: true }] }]);
    const wire = await connect(limited);
    wire.call('a', 'late');
    await until('the call', async () => (await mock.calls()).length === 1);
    wire.call('b', 'chat');
    const refused = await wire.last('b');
    assert.deepEqual([refused.type, refused.status], ['error', 429]);
    assert.ok(refused.retry_after_ms > 0);
    wire.cut();
    // The relay ends well with a call under way, and without waiting for its client.
    assert.equal((await limited.stop()).code, 0);
    await until(
      'the provider to see it',
      async () => (await mock.calls())[0].end === 'client_gone',
    );
  });

  it('counts a call as a request of its address', async () => {
    const limited = await start_relay(mock, aliases, {
      REDOUBT_LIMITS_REQUESTS_PER_MINUTE: '6',
      REDOUBT_LIMITS_BURST: '3',
    });
    await scripted([]);
    const wire = await connect(limited);
    for (const id of ['a', 'b', 'c']) wire.call(id, 'chat');
    assert.equal((await wire.last('b')).reason, 'complete');
    const refused = await wire.when('the refusal', (all) => all.find((f) => f.code));
    assert.deepEqual([refused.id, refused.code], ['c', 'rate_limited']);
    assert.ok(refused.retry_after_ms > 0 && refused.retry_after_ms <= 10_000);
    wire.socket.close();
    await limited.stop();
  });
});

describe('a stream whose client does not come back', { concurrency: false }, () => {
  let mock;
  let relay;
  before(async () => {
    mock = await start_mock();
    relay = await start_relay(mock, aliases, { REDOUBT_MODELS_STREAM_HOLD_S: '1' });
  });
  after(async () => {
    await relay?.stop();
    await mock?.stop();
  });

  it('is given up with its call, and who comes too late is told so', async () => {
    await mock.script([{ do: [{ head: 200 }, { send: chunk('Once') }, { hold: true }] }]);
    let wire = await connect(relay);
    wire.call('tale', 'late');
    const { token, hold_ms } = await wire.frame('started', 'tale');
    assert.equal(hold_ms, 1_000);
    await wire.frame('event', 'tale');
    wire.cut();
    await until('the call’s end', async () => (await mock.calls())[0].end === 'client_gone');
    assert.equal(await metric(relay, 'redoubt_model_socket_streams'), 0);
    assert.equal(await metric(relay, 'redoubt_model_socket_streams_total{outcome="lost"}'), 1);
    wire = await connect(relay);
    wire.send({ type: 'resume', token, after: 1 });
    const late = await wire.when('the refusal', (all) => all[0]);
    assert.deepEqual([late.type, late.code], ['error', 'unknown_stream']);
    assert.match(late.message, /in time/);
    wire.call('tale', 'late');
    await wire.frame('event', 'tale');
    wire.socket.close();
  });

  it('is given up at once where more is missed than is held', async () => {
    await mock.forget();
    const steps = [
      { head: 200 },
      { send: chunk('Once') },
      { wait_ms: 200 },
      { send: chunk('x'.repeat(16_000)), repeat: 1_000, every_ms: 1 },
      { hold: true },
    ];
    await mock.script([{ do: steps }]);
    const wire = await connect(relay);
    wire.call('tale', 'wordy');
    await wire.frame('event', 'tale');
    wire.cut();
    await until('the call’s end', async () => (await mock.calls())[0].end === 'client_gone');
  });

  it('names a frame that is not kept any more', async () => {
    await mock.forget();
    const steps = [{ head: 200 }, { send: chunk('x'.repeat(16_000)), repeat: 64 }, { hold: true }];
    await mock.script([{ do: steps }]);
    let wire = await connect(relay);
    wire.call('tale', 'wordy');
    const { token } = await wire.frame('started', 'tale');
    const { seq } = await wire.when('all', () =>
      wire
        .of('tale')
        .filter((f) => f.seq > 60)
        .at(-1),
    );
    wire.cut();
    wire = await connect(relay);
    wire.send({ type: 'resume', token, after: 1 });
    assert.equal((await wire.frame('error', 'tale')).code, 'not_kept');
    wire.send({ type: 'resume', token, after: seq + 1_000 });
    await wire.when('again', (all) => all.filter((f) => f.code === 'not_kept').length === 2);
    wire.send({ type: 'resume', token, after: seq });
    await wire.frame('resumed', 'tale');
    wire.send({ type: 'cancel', id: 'tale' });
    assert.equal((await wire.last('tale')).reason, 'cancelled');
    wire.socket.close();
  });
});
