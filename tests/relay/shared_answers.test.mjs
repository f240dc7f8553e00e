// Answers that serve more than one: from the exact cache, and of calls that are under way. The
// provider is a server of this file's own, which answers when the test says so.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { events_of, start_relay, until } from './mock_upstream.mjs';
import { ask, post_json } from './program.mjs';
import { plan, situation } from './situation.mjs';

const secret = 'a secret of the game that is long enough for anybody';
const use = { 'X-Redoubt-Cache': 'use' };
const no_use = { 'X-Redoubt-Cache': 'off' };
const path = '/v1/chat/completions';
const usage = { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 };
const question = (content, more) => ({
  model: 'm',
  messages: [{ role: 'user', content }],
  ...more,
});
const text_of = (answer) => answer.json().choices[0].message.content;
const pieces_of = (text) =>
  events_of(text)
    .map(({ data }) => data.choices?.[0]?.delta?.content ?? '')
    .join('');

/** A provider that keeps its calls waiting: [{body, say(text), piece(text), end(), fail(), gone}]. */
async function start_provider() {
  const calls = [];
  const server = http.createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => {
      const body = JSON.parse(text);
      const head = { id: 'x', object: 'chat.completion', created: 1, model: body.model };
      const chunk = (choice, more) => {
        const data = { ...head, object: 'chat.completion.chunk', choices: choice, ...more };
        response.write(`data: ${JSON.stringify(data)}\n\n`);
      };
      const call = {
        body,
        gone: false,
        say(content, finish_reason = 'stop') {
          const message = { role: 'assistant', content };
          const choices = [{ index: 0, message, finish_reason }];
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify({ ...head, choices, usage }));
        },
        piece(content) {
          if (!response.headersSent) response.setHeader('content-type', 'text/event-stream');
          chunk([{ index: 0, delta: { content } }]);
        },
        end() {
          chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]);
          chunk([], { usage });
          response.end('data: [DONE]\n\n');
        },
        cut() {
          response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
          response.write('{"id":', () => request.socket.destroy());
        },
        fail() {
          response.statusCode = 400;
          response.end('{"error":{"message":"no"}}');
        },
      };
      response.on('close', () => (call.gone = !response.writableFinished));
      calls.push(call);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    calls,
    call: (n) => until(`call ${n}`, () => calls[n - 1]),
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

async function counted(relay, result) {
  const body = await (await fetch(`${relay.admin}/metrics`)).text();
  const start = `redoubt_model_shared_total{result="${result}"} `;
  return Number(
    body
      .split('\n')
      .find((line) => line.startsWith(start))
      ?.slice(start.length) ?? 0,
  );
}
const reached = (relay, result, n) =>
  until(`${n} x ${result}`, async () => (await counted(relay, result)) === n);

/** A streamed request whose pieces can be read as they come, and that can be left. */
async function stream(relay, content) {
  const leaving = new AbortController();
  const response = await fetch(`${relay.url}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...use },
    body: JSON.stringify(question(content, { stream: true })),
    signal: leaving.signal,
  });
  return { response, leave: () => leaving.abort(), rest: () => response.text() };
}

describe('shared answers', { concurrency: false }, () => {
  let provider;
  let relay;
  const begin = async (env = {}) => {
    await relay?.stop();
    await provider?.stop();
    provider = await start_provider();
    relay = await start_relay(
      provider,
      { m: ['openai/gpt-5-mini'], strategist: ['openai/gpt-5-mini'] },
      { REDOUBT_MODELS_CACHE_ENABLED: 'true', ...env },
    );
  };
  after(async () => {
    await relay?.stop();
    await provider?.stop();
  });
  const post = (content, more = {}, headers = use) =>
    post_json(relay, path, question(content, more), headers);

  describe('at /v1', () => {
    before(() => begin());

    it('are not given unless they are asked for', async () => {
      for (const n of [1, 2]) {
        const answer = post('same', {}, {});
        (await provider.call(n)).say(`answer ${n}`);
        assert.equal(text_of(await answer), `answer ${n}`);
        assert.equal((await answer).headers['x-redoubt-cache'], undefined);
      }
      const odd = await post('same', {}, { 'X-Redoubt-Cache': 'maybe' });
      assert.equal(odd.status, 400);
      assert.match(odd.json().error.message, /use or off/);
    });

    it('are given again, whole and streamed, in any format, for no money', async () => {
      await begin();
      const first = post('kept');
      (await provider.call(1)).say('the answer');
      assert.equal((await first).headers['x-redoubt-cache'], 'miss');
      assert.notEqual((await first).headers['x-redoubt-cost-microusd'], '0');

      const again = await post('kept', { user: 'somebody else' });
      assert.equal(again.headers['x-redoubt-cache'], 'hit');
      assert.equal(again.headers['x-redoubt-cost-microusd'], '0');
      assert.equal(again.headers['x-redoubt-model'], 'openai/gpt-5-mini');
      assert.equal(text_of(again), 'the answer');
      assert.deepEqual(again.json().usage.total_tokens, usage.total_tokens);

      const streamed = await post('kept', {
        stream: true,
        stream_options: { include_usage: true },
      });
      assert.equal(streamed.headers['x-redoubt-cache'], 'hit');
      assert.equal(pieces_of(streamed.text), 'the answer');
      assert.equal(events_of(streamed.text).at(-1).data, '[DONE]');

      const other = post('kept', { temperature: 1 });
      (await provider.call(2)).say('another');
      assert.equal((await other).headers['x-redoubt-cache'], 'miss');
      assert.equal(provider.calls.length, 2);
      assert.deepEqual([await counted(relay, 'hit'), await counted(relay, 'miss')], [2, 2]);
    });

    it('are given again to large requests, too', async () => {
      await begin();
      const content = 'long '.repeat(40_000);
      const first = post(content);
      (await provider.call(1)).say('short');
      assert.equal(text_of(await first), 'short');
      assert.equal((await post(content)).headers['x-redoubt-cache'], 'hit');
      const other = post(`${content}!`);
      (await provider.call(2)).say('other');
      assert.equal((await other).headers['x-redoubt-cache'], 'miss');
    });

    it('are not kept where they failed or were cut short', async () => {
      await begin();
      const failed = post('bad');
      (await provider.call(1)).fail();
      assert.equal((await failed).status, 400);
      const short = post('bad');
      (await provider.call(2)).say('half an ans', 'length');
      assert.equal((await short).headers['x-redoubt-cache'], 'miss');
      const good = post('bad');
      (await provider.call(3)).say('good');
      assert.equal(text_of(await good), 'good');
    });

    it('of one call go to all who asked while it ran; its opener pays', async () => {
      await begin();
      const asked = [post('at once')];
      const call = await provider.call(1);
      asked.push(post('at once'), post('at once'));
      await reached(relay, 'join', 2);
      call.say('one for all');
      const answers = await Promise.all(asked);
      assert.deepEqual(answers.map(text_of), Array(3).fill('one for all'));
      assert.deepEqual(
        answers.map(({ headers }) => headers['x-redoubt-cache']),
        ['miss', 'join', 'join'],
      );
      assert.deepEqual(
        answers.map(({ headers }) => headers['x-redoubt-cost-microusd'] === '0'),
        [false, true, true],
      );
      assert.equal(provider.calls.length, 1);
      const spent = (await ask(relay, { path: '/api/usage' })).json();
      assert.equal(spent.month.models[0].calls, 1);
      assert.equal(spent.month.models[0].output_tokens, usage.completion_tokens);
    });

    it('that fail, fail for all', async () => {
      await begin();
      const asked = [post('no')];
      const call = await provider.call(1);
      asked.push(post('no'));
      await reached(relay, 'join', 1);
      call.fail();
      for (const answer of await Promise.all(asked)) assert.equal(answer.status, 400);
      assert.equal(provider.calls.length, 1);
    });

    it('as a stream are followed from its beginning, also when its opener leaves', async () => {
      await begin();
      const opening = stream(relay, 'tale');
      const call = await provider.call(1);
      call.piece('Once ');
      const opener = await opening;
      assert.equal(opener.response.headers.get('x-redoubt-cache'), 'miss');
      const follower = await stream(relay, 'tale');
      assert.equal(follower.response.headers.get('x-redoubt-cache'), 'join');
      for (const { response } of [opener, follower])
        assert.equal(response.headers.get('x-redoubt-model'), 'openai/gpt-5-mini');
      call.piece('upon ');
      opener.leave();
      call.piece('a time.');
      call.end();
      const text = await follower.rest();
      assert.equal(pieces_of(text), 'Once upon a time.');
      assert.equal(events_of(text).at(-1).data, '[DONE]');
      assert.equal(call.gone, false);
      const kept = await post('tale');
      assert.equal(kept.headers['x-redoubt-cache'], 'hit');
      assert.equal(text_of(kept), 'Once upon a time.');
    });

    it('are given up when the last who follows has left', async () => {
      await begin();
      const opening = stream(relay, 'left');
      const call = await provider.call(1);
      call.piece('Once ');
      const opener = await opening;
      const follower = await stream(relay, 'left');
      opener.leave();
      follower.leave();
      await until('the provider to see it', () => call.gone);
      // The next to ask opens a call of its own.
      const next = post('left', { stream: true });
      const second = await provider.call(2);
      second.piece('Anew');
      second.end();
      assert.equal(pieces_of((await next).text), 'Anew');
    });

    it('cost a request each', async () => {
      await begin({ REDOUBT_MODELS_PLAYER_REQUESTS_PER_MINUTE: '3' });
      const asked = [post('few')];
      const call = await provider.call(1);
      asked.push(post('few'));
      await reached(relay, 'join', 1);
      call.say('there');
      for (const answer of await Promise.all(asked)) assert.equal(answer.status, 200);
      const third = await post('few');
      assert.equal(third.headers['x-redoubt-cache'], 'hit');
      assert.match(third.headers.ratelimit, /^"player-requests";r=0;t=\d+$/);
      const refused = await post('few');
      assert.equal(refused.status, 429);
      assert.ok(Number(refused.headers['retry-after']) >= 1);
      assert.equal(provider.calls.length, 1);
    });

    it('reach followers on every shard, each piece once and in order', async () => {
      await begin({ REDOUBT_SERVER_SHARDS: '2' });
      const followers_count = 32;
      const opening = stream(relay, 'long');
      const call = await provider.call(1);
      call.piece('0 ');
      const opener = await opening;
      const followers = [opener];
      let expected = '0 ';
      for (let n = 1; n <= followers_count; ++n) {
        followers.push(await stream(relay, 'long'));
        call.piece(`${n} `);
        expected += `${n} `;
      }
      call.end();
      for (const follower of followers) assert.equal(pieces_of(await follower.rest()), expected);
      assert.equal(await counted(relay, 'join'), followers_count);
      assert.equal(provider.calls.length, 1);
    });

    it('are forgotten where there are too many', async () => {
      await begin({ REDOUBT_MODELS_CACHE_ENTRIES_MAX: '1' });
      for (const [n, content] of ['a', 'b', 'a'].entries()) {
        const answer = post(content);
        (await provider.call(n + 1)).say(content);
        assert.equal((await answer).headers['x-redoubt-cache'], 'miss');
      }
    });

    it('outlive the relay where the operator lets them, and not where not', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'redoubt-kept-'));
      for (const stored of ['true', 'false']) {
        const env = {
          REDOUBT_STORE_PATH: join(folder, `${stored}.db`),
          REDOUBT_MODELS_CACHE_STORED: stored,
        };
        await begin(env);
        const first = post('lasting');
        (await provider.call(1)).say('the words');
        assert.equal(text_of(await first), 'the words');
        await relay.stop();
        const bytes = readFileSync(env.REDOUBT_STORE_PATH);
        assert.equal(bytes.includes('the words'), stored === 'true');
        assert.equal(bytes.includes('lasting'), false);
        await begin(env);
        if (stored === 'true') {
          const metrics = async () => (await fetch(`${relay.admin}/metrics`)).text();
          await until('it to be read', async () =>
            (await metrics()).includes('redoubt_model_cache_entries 1\n'),
          );
        }
        const again = post('lasting');
        if (stored === 'false') (await provider.call(1)).say('other words');
        assert.equal((await again).headers['x-redoubt-cache'], stored === 'true' ? 'hit' : 'miss');
      }
      await relay.stop();
      rmSync(folder, { recursive: true });
    });

    it('are nowhere where the operator wants none', async () => {
      await begin({ REDOUBT_MODELS_CACHE_ENABLED: 'false' });
      for (const n of [1, 2]) {
        const answer = post('same');
        (await provider.call(n)).say('so');
        assert.equal((await answer).headers['x-redoubt-cache'], undefined);
      }
    });
  });

  describe('of players', () => {
    let folder;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'redoubt-shared-'));
      writeFileSync(join(folder, 'service'), secret);
      chmodSync(join(folder, 'service'), 0o600);
    });
    after(() => rmSync(folder, { recursive: true }));
    const begin_with_players = () =>
      begin({
        REDOUBT_TOKENS_SERVICE_SECRET_FILE: join(folder, 'service'),
        REDOUBT_TOKENS_SERVICE_TENANTS: 'default,one,two',
      });
    const player = async (claims) => {
      const bearer = { authorization: `Bearer ${secret}` };
      const answer = await post_json(relay, '/api/session', claims, bearer);
      assert.equal(answer.status, 200, answer.text);
      return { ...use, authorization: `Bearer ${answer.json().token}` };
    };

    it('are shared within a tenant, and never with another', async () => {
      await begin_with_players();
      const ada = await player({ sub: 'ada', tenant: 'one' });
      const bob = await player({ sub: 'bob', tenant: 'one' });
      const eve = await player({ sub: 'eve', tenant: 'two' });
      const asked = [post('secret', {}, ada)];
      const call = await provider.call(1);
      asked.push(post('secret', {}, eve));
      const of_eve = await provider.call(2);
      asked.push(post('secret', {}, bob));
      await reached(relay, 'join', 1);
      call.say('of tenant one');
      of_eve.say('of tenant two');
      const [to_ada, to_eve, to_bob] = await Promise.all(asked);
      assert.equal(text_of(to_ada), 'of tenant one');
      assert.equal(text_of(to_bob), 'of tenant one');
      assert.equal(to_bob.headers['x-redoubt-cache'], 'join');
      assert.equal(text_of(to_eve), 'of tenant two');
      assert.equal(to_eve.headers['x-redoubt-cache'], 'miss');
      assert.equal(text_of(await post('secret', {}, eve)), 'of tenant two');
    });

    it("go on for the others where the opener's limits end the call", async () => {
      await begin_with_players();
      // What such a call reserves, as a stream's head tells it.
      const limit = 1_000_000;
      const probe = await player({ sub: 'probe', limits: { tokens_per_minute: limit } });
      const probing = post('cut', { max_tokens: 1_000, stream: true }, { ...probe, ...no_use });
      const probed = await provider.call(1);
      probed.piece('so');
      probed.end();
      const left = /"player-tokens";r=(\d+)/.exec((await probing).headers.ratelimit)[1];
      provider.calls.length = 0;
      // A first attempt fits, and after what it is charged for its failure no second one does.
      const tokens_per_minute = limit - Number(left) + 10;
      const poor = await player({ sub: 'poor', limits: { tokens_per_minute } });
      const rich = await player({ sub: 'rich' });
      const asked = [post('cut', { max_tokens: 1_000 }, poor)];
      const first = await provider.call(1);
      asked.push(post('cut', { max_tokens: 1_000 }, rich));
      asked.push(post('cut', { max_tokens: 1_000 }, rich));
      await reached(relay, 'join', 2);
      first.cut();
      (await provider.call(2)).say('whole');
      const [refused, ...others] = await Promise.all(asked);
      assert.equal(refused.status, 429, refused.text);
      for (const answer of others) {
        assert.equal(answer.status, 200, answer.text);
        assert.equal(text_of(answer), 'whole');
      }
      // The first of the others has the call, and pays it.
      assert.deepEqual(
        others.map(({ headers }) => headers['x-redoubt-cache']),
        ['miss', 'join'],
      );
      assert.equal(provider.calls.length, 2);
    });
  });

  it("go to the game's questions, the late ones to the next who asks", async () => {
    await begin();
    const late = post_json(relay, '/api/team-strategy', situation);
    const call = await provider.call(1);
    const second = post_json(relay, '/api/team-strategy', situation);
    await reached(relay, 'join', 1);
    for (const answer of await Promise.all([late, second])) {
      assert.equal(answer.status, 200);
      assert.equal(answer.json().reduced.code, 'answer_by');
    }
    const third = post_json(relay, '/api/team-strategy', situation);
    await reached(relay, 'join', 2);
    call.say(JSON.stringify(plan));
    assert.equal((await third).json().source, 'model');
    assert.equal((await third).headers['x-redoubt-cache'], 'join');
    const kept = await post_json(relay, '/api/team-strategy', situation);
    assert.equal(kept.headers['x-redoubt-cache'], 'hit');
    assert.equal(kept.json().cost_microusd, 0);
    assert.equal(kept.json().strategy, plan.strategy);
    assert.equal(provider.calls.length, 1);
  });

  it('go to the steps of runs', async () => {
    await begin();
    const run = async () => {
      const body = { workflow: 'team_strategy', input: situation };
      const begun = await post_json(relay, '/api/workflows/runs', body);
      assert.equal(begun.status, 201, begun.text);
      const path = `/api/workflows/runs/${begun.json().id}`;
      return () =>
        until('its end', async () => {
          const view = (await ask(relay, { path })).json();
          return view.status !== 'running' && view;
        });
    };
    const first = await run();
    (await provider.call(1)).say(JSON.stringify(plan));
    assert.equal((await first()).status, 'done');
    const second = await (await run())();
    assert.equal(second.status, 'done');
    assert.deepEqual(
      [await counted(relay, 'miss'), await counted(relay, 'hit'), provider.calls.length],
      [1, 1, 1],
    );
  });
});
