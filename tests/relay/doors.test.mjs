// The ways in which clients and what stands between knock at the doors of /v1.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import zlib, { deflateSync, gzipSync } from 'node:zlib';
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
    const claudes = await ask(relay, {
      path: '/v1/models',
      headers: { 'x-api-key': 'x.y.z', 'anthropic-version': '2023-06-01' },
    });
    assert.equal(claudes.status, 401);
    assert.equal(claudes.json().error.type, 'authentication_error');
    const googles = await ask(relay, {
      path: '/v1/models/strategist',
      headers: { 'x-goog-api-key': 'x.y.z' },
    });
    assert.equal(googles.status, 401);
    assert.equal(googles.json().error.status, 'UNAUTHENTICATED');
  });

  it('of one model tells of it, with its slash escaped or not', async () => {
    assert.equal((await ask(relay, { path: '/v1/models/strategist' })).json().id, 'strategist');
    for (const name of ['openrouter/openai/gpt', 'a%2Fb%2Fc']) {
      const routers = await ask(relay, { path: `/v1/models/${name}` });
      assert.equal(routers.status, 404);
      assert.equal(routers.json().error.code, 'unknown_model', routers.text);
      const claude = { 'anthropic-version': '2023-06-01' };
      const same = await ask(relay, { path: `/v1/models/${name}`, headers: claude });
      assert.equal(same.json().type, 'error', same.text);
      const google = await ask(relay, { path: `/v1beta/models/${name}` });
      assert.equal(google.json().error.status, 'NOT_FOUND', google.text);
    }
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

  for (const [coding, pack] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['zstd', zlib.zstdCompressSync],
  ]) {
    it(
      `takes a body packed with ${coding}`,
      { skip: pack ? false : 'this Node has no zstd' },
      async () => {
        const send = (body, path = '/v1/chat/completions') =>
          ask(relay, {
            method: 'POST',
            path,
            headers: { 'Content-Type': 'application/json', 'Content-Encoding': coding },
            body,
          });
        const answer = await send(pack(JSON.stringify(chat)));
        assert.equal(answer.status, 200, answer.text);
        assert.ok(answer.json().choices[0].message.content);
        const cut = await send(pack(JSON.stringify(chat)).subarray(0, 30));
        assert.equal(cut.status, 400);
        assert.match(cut.json().error.message, new RegExp(`the body is not ${coding}`));
        const claude = await send(pack('x'), '/v1/messages');
        assert.equal(claude.status, 400);
        assert.equal(claude.json().type, 'error');
        // Nothing beyond the bound of a plain body is made of it.
        const bomb = await send(pack(Buffer.alloc(64 * 1024 * 1024, 0x20)));
        assert.equal(bomb.status, 413);
        assert.match(bomb.json().error.message, /without its Content-Encoding/);
      },
    );
  }

  it('refuses what is packed in another way, or at another door, before it is read', async () => {
    for (const [path, coding, taken] of [
      ['/v1/chat/completions', 'br', 'gzip, deflate, zstd'],
      ['/v1/chat/completions', 'gzip, gzip', 'gzip, deflate, zstd'],
      ['/api/team-strategy', 'gzip', 'identity'],
    ]) {
      const answer = await ask(relay, {
        method: 'POST',
        path,
        headers: { 'Content-Type': 'application/json', 'Content-Encoding': coding },
        body: gzipSync(JSON.stringify(chat)),
      });
      assert.equal(answer.status, 415);
      assert.equal(answer.headers['accept-encoding'], taken);
      assert.match(answer.text, /Content-Encoding/);
    }
  });

  it('serves the older completions by chat models', async () => {
    const whole = await post_json(relay, '/v1/completions', {
      model: 'strategist',
      prompt: 'Where to?',
    });
    assert.equal(whole.status, 200, whole.text);
    assert.equal(whole.json().object, 'text_completion');
    assert.ok(whole.json().choices[0].text);
    const streamed = await post_json(relay, '/v1/completions', {
      model: 'strategist',
      prompt: ['Where to?'],
      stream: true,
    });
    assert.match(streamed.text, /"object":"text_completion"/);
    assert.match(streamed.text, /data: \[DONE\]\n\n$/);
    const echo = await post_json(relay, '/v1/completions', {
      model: 'strategist',
      prompt: 'x',
      echo: true,
    });
    assert.equal(echo.status, 400);
    assert.equal(echo.json().error.param, 'echo');
  });

  it('counts the tokens of a Responses prompt', async () => {
    const count = (input) =>
      post_json(relay, '/v1/responses/input_tokens', { model: 'strategist', input });
    const told = await count('Where to?');
    assert.equal(told.status, 200, told.text);
    assert.equal(told.json().object, 'response.input_tokens');
    assert.ok(told.json().input_tokens > 0 && told.json().input_tokens < 100);
    assert.equal((await count(7)).status, 400);
  });

  it('counts what context_management leaves of an Anthropic prompt', async () => {
    const turns = [0, 1, 2, 3].flatMap((i) => [
      { role: 'assistant', content: [{ type: 'tool_use', id: `t${i}`, name: 'look', input: {} }] },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: `t${i}`, content: 'far '.repeat(500) }],
      },
    ]);
    const edit = { type: 'clear_tool_uses_20250919', trigger: { type: 'tool_uses', value: 2 } };
    const count = async (more) =>
      (
        await post_json(relay, '/v1/messages/count_tokens', {
          model: 'strategist',
          messages: [{ role: 'user', content: 'Look' }, ...turns],
          ...more,
        })
      ).json();
    const all = await count({});
    assert.equal(all.context_management, undefined);
    const edited = await count({ context_management: { edits: [edit] } });
    const before = edited.context_management.original_input_tokens;
    assert.ok(before >= all.input_tokens);
    assert.ok(edited.input_tokens < before * 0.85, `${edited.input_tokens} of ${before}`);
  });

  it('counts nothing of what it cannot see, and of models that are not here', async () => {
    const count = (more) =>
      post_json(relay, '/v1/responses/input_tokens', {
        model: 'strategist',
        input: 'Where to?',
        ...more,
      });
    for (const more of [
      { previous_response_id: 'resp_1' },
      { conversation: 'conv_1' },
      { prompt: { id: 'pmpt_1' } },
      { input: [{ type: 'item_reference', id: 'msg_1' }] },
      { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file_1' }] }] },
    ]) {
      const refused = await count(more);
      assert.equal(refused.status, 400, refused.text);
      assert.match(refused.json().error.message, /cannot be counted/);
    }
    const unknown = await count({ model: 'nobody' });
    assert.equal(unknown.status, 404, unknown.text);
    assert.match(unknown.json().error.message, /nobody/);
    const body = { messages: [{ role: 'user', content: 'Where to?' }] };
    const claude = await post_json(relay, '/v1/messages/count_tokens', {
      model: 'nobody',
      ...body,
    });
    assert.equal(claude.status, 404, claude.text);
    assert.equal(claude.json().error.type, 'not_found_error');
    const gemini = await post_json(relay, '/v1beta/models/nobody:countTokens', {
      contents: [{ role: 'user', parts: [{ text: 'Where to?' }] }],
    });
    assert.equal(gemini.status, 404, gemini.text);
  });

  it('says why a model that a client names itself cannot be called', async () => {
    const refused = await post_json(relay, '/v1/chat/completions', {
      ...chat,
      model: 'openai/gpt-nobody-knows',
    });
    assert.equal(refused.status, 503, refused.text);
    assert.match(
      refused.json().error.message,
      /openai\/gpt-nobody-knows cannot be called: the price of openai\/gpt-nobody-knows is not known/,
    );
  });

  it('streams past a proxy that would gather it', async () => {
    const answer = await post_json(relay, '/v1/chat/completions', { ...chat, stream: true });
    assert.equal(answer.headers['x-accel-buffering'], 'no');
  });
});
