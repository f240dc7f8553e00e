// Who is who where money and answers are concerned: anonymous callers with and without a token share
// one purse, namesakes of two tenants share nothing, 0 is nothing, and nobody takes all the places.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import WebSocket from 'ws';
import { start_mock, start_relay, until } from './mock_upstream.mjs';
import { ask, post_json, run } from './program.mjs';
import { plan, situation } from './situation.mjs';

const secret = randomBytes(32).toString('base64');
const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const aliases = {
  claude: ['anthropic/claude-haiku-4-5'],
  two: ['anthropic/claude-haiku-4-5', 'openai/gpt-5-mini'],
  strategist: ['openai/gpt-5-mini'],
};
const question = (model = 'claude') => ({
  model,
  max_tokens: 200,
  messages: [{ role: 'user', content: 'Where to?' }],
});
// A call costs $0.0015 and reserves about $0.002.
const dear = [{ do: [{ answer: { input_tokens: 1000, output_tokens: 100 } }] }];

describe('who is who', { concurrency: false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'redoubt-identity-'));
  let mock;
  let relay;
  before(async () => {
    mock = await start_mock();
    writeFileSync(join(folder, 'service'), secret, { mode: 0o600 });
  });
  afterEach(async () => {
    await relay?.stop();
    relay = undefined;
  });
  after(async () => {
    await mock.stop();
    rmSync(folder, { recursive: true });
  });

  const begin = async (rules, env = {}) => {
    await mock.script(rules);
    await mock.forget();
    relay = await start_relay(mock, aliases, {
      REDOUBT_TOKENS_SERVICE_SECRET_FILE: join(folder, 'service'),
      REDOUBT_TOKENS_SERVICE_TENANTS: 'default,valley,hills',
      ...env,
    });
  };
  const anonymous = async () => {
    const answer = await ask(relay, { method: 'POST', path: '/api/session' });
    assert.equal(answer.status, 200, answer.text);
    return bearer(answer.json().token);
  };
  const player = async (claims) => {
    const answer = await post_json(relay, '/api/session', claims, bearer(secret));
    assert.equal(answer.status, 200, answer.text);
    return bearer(answer.json().token);
  };
  const call = (who, body = question()) => post_json(relay, '/v1/messages', body, who);
  const usage = async (who) => (await ask(relay, { path: '/api/usage', headers: who })).json();

  it('an anonymous session spends of the anonymous purse, and lifts none of its limits', async () => {
    const budget = 8_000;
    await begin(dear, {
      REDOUBT_LISTENERS_0_ANONYMOUS: 'on',
      REDOUBT_MODELS_ANONYMOUS_DAY_MICROUSD: String(budget),
    });
    const with_token = await anonymous();
    let spent = 0;
    let answer = await call(with_token);
    for (; answer.status === 200; answer = await call(with_token)) {
      spent += Number(answer.headers['x-redoubt-cost-microusd']);
      assert.ok(spent <= budget, `${spent} of ${budget}`);
    }
    assert.equal(answer.status, 402, answer.text);
    assert.ok(spent > 0);
    // Another token, and none: it is the same purse.
    assert.equal((await call(await anonymous())).status, 402);
    assert.equal((await call({})).status, 402);
    // A player who has a name has not spent of it.
    assert.equal((await call(await player({ sub: '1' }))).status, 200);
  });

  it("an anonymous session's calls at a time are the purse's", async () => {
    await begin([{ do: [{ hold: true }] }], { REDOUBT_MODELS_ANONYMOUS_CONCURRENT_MAX: '1' });
    const leaving = new AbortController();
    const held = fetch(`${relay.url}/v1/messages`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(await anonymous()) },
      body: JSON.stringify(question()),
      signal: leaving.signal,
    });
    await until('a call', async () => (await mock.calls()).length === 1);
    for (const who of [{}, await anonymous()]) {
      const refused = await call(who);
      assert.equal(refused.status, 429, refused.text);
    }
    leaving.abort();
    await Promise.allSettled([held]);
  });

  for (const [limits, status] of [
    [{ requests_per_minute: 0 }, 429],
    [{ tokens_per_minute: 0 }, 429],
    [{ concurrent_calls: 0 }, 429],
    [{ cost_microusd_per_day: 0 }, 402],
    [{ cost_microusd_per_month: 0 }, 402],
  ]) {
    it(`${JSON.stringify(limits)} of a token is nothing`, async () => {
      await begin(dear, {
        REDOUBT_MODELS_PLAYER_REQUESTS_PER_MINUTE: '100',
        REDOUBT_MODELS_PLAYER_TOKENS_PER_MINUTE: '1000000',
        REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: '10',
        REDOUBT_MODELS_PLAYER_DAY_MICROUSD: '1000000',
        REDOUBT_MODELS_PLAYER_MONTH_MICROUSD: '1000000',
      });
      const refused = await call(await player({ sub: '1', limits }));
      assert.equal(refused.status, status, refused.text);
      assert.equal(refused.headers['retry-after'], undefined);
      assert.match(refused.json().error.message, /lets nothing pass/);
      assert.equal((await mock.calls()).length, 0);
      assert.equal((await call(await player({ sub: '2', limits: {} }))).status, 200);
    });
  }

  it('0 in the configuration is nothing, and said at the start', async () => {
    await begin(dear, { REDOUBT_MODELS_PLAYER_DAY_MICROUSD: '0' });
    const refused = await call({});
    assert.equal(refused.status, 402, refused.text);
    assert.equal((await mock.calls()).length, 0);
    const warning = await relay.line(({ event }) => event === 'limit_of_nothing');
    assert.match(warning.detail, /models\.player_day_microusd is 0/);
  });

  it('0 and none are told apart by the checks of a configuration', async () => {
    const env = {
      REDOUBT_MODELS_PLAYER_DAY_MICROUSD: '0',
      REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: 'none',
    };
    const checked = await run(['--check-config'], env);
    assert.equal(checked.code, 0, checked.stderr);
    assert.match(checked.stderr, /models\.player_day_microusd is 0, and nothing is allowed/);
    const { stdout } = await run(['--print-config'], env);
    assert.match(stdout, /player_day_microusd: 0 /);
    assert.match(stdout, /player_concurrent_max: none /);
    assert.match(stdout, /anonymous_concurrent_max: 8 /);
    for (const value of ['-1', '0.5', '']) {
      const wrong = await run(['--check-config'], { REDOUBT_MODELS_ALL_DAY_MICROUSD: value });
      assert.notEqual(wrong.code, 0);
      assert.match(
        wrong.stderr,
        /MODELS_ALL_DAY_MICROUSD: expected none \(no limit\), or an integer/,
      );
    }
  });

  it('namesakes of two tenants have a purse and a usage each', async () => {
    await begin(dear, { REDOUBT_MODELS_PLAYER_DAY_MICROUSD: '4000' });
    const valley = await player({ sub: '1', tenant: 'valley' });
    const hills = await player({ sub: '1', tenant: 'hills' });
    const first = await call(valley);
    assert.equal(first.status, 200, first.text);
    assert.equal((await call(valley)).status, 402);
    assert.deepEqual((await usage(hills)).month.models, []);
    assert.equal((await usage(hills)).day.engaged_microusd, 0);
    assert.equal((await call(hills)).status, 200);
    for (const [who, tenant] of [
      [valley, 'valley'],
      [hills, 'hills'],
    ]) {
      const told = await usage(who);
      assert.deepEqual([told.tenant, told.who], [tenant, '1']);
      assert.equal(told.day.engaged_microusd, 1500);
      assert.equal(told.month.models[0].calls, 1);
    }
  });

  it("a namesake of another tenant cannot go on with one's stream", async () => {
    await begin([{ do: [{ answer: { text: 'a long tale '.repeat(40), every_ms: 20 } }] }]);
    const open = async (who) => {
      const socket = new WebSocket(`ws://127.0.0.1:${relay.port}/v1/ws`, { headers: who });
      const frames = [];
      socket.on('message', (data) => frames.push(JSON.parse(data)));
      await once(socket, 'open');
      return {
        socket,
        send: (frame) => socket.send(JSON.stringify(frame)),
        frame: (type) => until(type, () => frames.find((f) => f.type === type)),
      };
    };
    const valley = await player({ sub: '1', tenant: 'valley' });
    const first = await open(valley);
    first.send({
      type: 'call',
      id: 'a',
      format: 'anthropic.messages',
      request: question(),
    });
    const { token } = await first.frame('started');
    await first.frame('event');
    first.socket.terminate();
    const thief = await open(await player({ sub: '1', tenant: 'hills' }));
    thief.send({ type: 'resume', token, after: 0 });
    assert.equal((await thief.frame('error')).code, 'unknown_stream');
    const owner = await open(valley);
    owner.send({ type: 'resume', token, after: 0 });
    assert.equal((await owner.frame('resumed')).id, 'a');
    thief.socket.close();
    owner.socket.close();
  });

  it('a namesake of another tenant is not told a late answer', async () => {
    await begin([{ do: [{ wait_ms: 2_800 }, { answer: { text: JSON.stringify(plan) } }] }]);
    const listen = async (who) => {
      const socket = new WebSocket(`ws://127.0.0.1:${relay.port}/ws/client_1`, { headers: who });
      const told = [];
      socket.on('message', (text) => told.push(JSON.parse(text)));
      await once(socket, 'open');
      return { socket, told };
    };
    const valley = await player({ sub: '1', tenant: 'valley' });
    const hills = await player({ sub: '1', tenant: 'hills' });
    const [ours, theirs] = [await listen(valley), await listen(hills)];
    const early = await post_json(relay, '/api/team-strategy', situation, valley);
    assert.equal(early.json().source, 'engine');
    await until('the late answer', () => ours.told[0]);
    // What was sent to the other before this came back before it.
    theirs.socket.ping();
    await once(theirs.socket, 'pong');
    assert.deepEqual(theirs.told, []);
    for (const { socket } of [ours, theirs]) socket.close();
  });

  /** Holds `count` calls open: a function that lets go of them. */
  const hold = async (who, count, body = question()) => {
    const before_them = (await mock.calls()).length;
    const leaving = new AbortController();
    const held = Array.from({ length: count }, () =>
      fetch(`${relay.url}/v1/messages`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...who },
        body: JSON.stringify(body),
        signal: leaving.signal,
      }),
    );
    await until('the calls', async () => (await mock.calls()).length === before_them + count);
    return async () => {
      leaving.abort();
      await Promise.allSettled(held);
    };
  };
  const holds_dear = (model) => [{ when: { model }, do: [{ hold: true }] }];
  const by_default = (env = {}) => ({
    REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: undefined,
    REDOUBT_MODELS_ANONYMOUS_CONCURRENT_MAX: undefined,
    ...env,
  });

  it('a player has eight calls at a time where nothing else is said', async () => {
    await begin(holds_dear('claude-haiku-4-5'), by_default());
    const one = await player({ sub: '1' });
    const let_go = await hold(one, 8);
    const ninth = await call(one);
    assert.equal(ninth.status, 429, ninth.text);
    assert.match(
      ninth.json().error.message,
      /The limit of this player, 8 calls at a time, is reached/,
    );
    await let_go();
    await until('a free place', async () => {
      await mock.script([]);
      return (await call(one)).status === 200;
    });
  });

  it("one player cannot hold a provider's places", async () => {
    await begin(
      holds_dear('claude-haiku-4-5'),
      by_default({ REDOUBT_PROVIDERS_1_CONCURRENT_MAX: '4' }),
    );
    const one = await player({ sub: '1', tenant: 'valley' });
    const let_go = await hold(one, 2);
    const third = await call(one);
    assert.equal(third.status, 429, third.text);
    assert.equal(third.headers['retry-after'], '1');
    assert.match(third.json().error.message, /This player holds 2 of the calls that this model/);
    // Where there is another target it is asked, and a namesake finds the places that are left.
    assert.equal(
      (await call(one, question('two'))).headers['x-redoubt-model'],
      'openai/gpt-5-mini',
    );
    const let_go_too = await hold(await player({ sub: '1', tenant: 'hills' }), 2);
    await let_go();
    await let_go_too();
  });
});
