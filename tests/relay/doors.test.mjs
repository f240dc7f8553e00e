// The ways in which clients and what stands between knock at the doors of /v1.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { start_mock, start_relay } from './mock_upstream.mjs';
import { ask, post_json } from './program.mjs';

let mock, relay;
before(async () => {
  mock = await start_mock();
  relay = await start_relay(
    mock,
    { strategist: ['openai/gpt-5-mini'] },
    { REDOUBT_MODELS_DIRECT_TARGETS: 'true' },
  );
});
after(async () => {
  await relay.stop();
  await mock.stop();
});

const chat = { model: 'strategist', messages: [{ role: 'user', content: 'Where to?' }] };

describe('a path of /v1', () => {
  it('is the same with empty segments in it', async () => {
    for (const path of [
      '/v1/chat/completions/',
      '/v1//chat/completions',
      '/v1/chat//completions//',
    ])
      assert.equal((await post_json(relay, path, chat)).status, 200, path);
    assert.equal((await ask(relay, { path: '/v1/models/' })).status, 200);
    // Elsewhere a slash is a slash.
    assert.equal((await ask(relay, { path: '/api//usage' })).status, 404);
  });

  it('that is unknown is told in the shape that its SDK reads', async () => {
    const openai = await ask(relay, { path: '/v1/assistants' });
    assert.equal(openai.status, 404);
    assert.equal(openai.json().error.message, 'Nothing is at this path.');
    const anthropic = await post_json(relay, '/v1/messages/batches', {});
    assert.equal(anthropic.status, 404);
    assert.equal(anthropic.json().type, 'error');
    assert.equal(anthropic.json().error.type, 'not_found_error');
    const wrong = await ask(relay, { path: '/v1/messages' });
    assert.equal(wrong.status, 405);
    assert.equal(wrong.json().type, 'error');
    const bad = await ask(relay, {
      path: '/v1/models',
      headers: { Authorization: 'Bearer x.y.z' },
    });
    assert.equal(bad.status, 401);
    assert.ok(bad.json().error.message);
  });

  it('of one model tells of it, with its slash escaped or not', async () => {
    assert.equal((await ask(relay, { path: '/v1/models/strategist' })).json().id, 'strategist');
    const unknown = await ask(relay, { path: '/v1/models/nobody%2Fnothing' });
    assert.equal(unknown.status, 404);
    assert.match(unknown.json().error.message, /nobody\/nothing/);
    assert.equal((await ask(relay, { path: '/v1/models/nobody/nothing' })).status, 404);
  });

  it('counts the tokens of a prompt without a model', async () => {
    const count = async (content) => {
      const body = { model: 'strategist', messages: [{ role: 'user', content }] };
      const answer = await post_json(relay, '/v1/messages/count_tokens', body);
      assert.equal(answer.status, 200, answer.text);
      return answer.json().input_tokens;
    };
    const short = await count('Where to?');
    assert.ok(short > 0 && short < 100, `${short}`);
    const long = await count('north '.repeat(1_000));
    assert.ok(long > 1_000 && long < 3_000, `${long}`);
    const bad = await post_json(relay, '/v1/messages/count_tokens', { model: 'strategist' });
    assert.equal(bad.status, 400);
    assert.match(bad.json().error.message, /messages/);
  });

  it('refuses a packed body before it is read', async () => {
    const answer = await ask(relay, {
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
      body: gzipSync(JSON.stringify(chat)),
    });
    assert.equal(answer.status, 415);
    assert.equal(answer.headers['accept-encoding'], 'identity');
    assert.match(answer.json().error.message, /Content-Encoding/);
  });

  it('streams past a proxy that would gather it', async () => {
    const answer = await post_json(relay, '/v1/chat/completions', { ...chat, stream: true });
    assert.equal(answer.headers['x-accel-buffering'], 'no');
  });
});
