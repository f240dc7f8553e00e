// The game's questions with a model behind the relay: its answer where it is good and in time, the
// engine's in every other case, and never later than three seconds.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import WebSocket from 'ws';
import { start_mock, start_relay, until } from './mock_upstream.mjs';
import { post_json } from './program.mjs';
import { plan, situation } from './situation.mjs';

const answer_ms_max = 3_000;
const agent = {
  role: 'defender',
  attributes: { speed: 0.4, health: 0.7, attack: 0.5, defense: 0.9, carryCapacity: 0.2 },
  priority: 'materials',
  description: 'Holds the bridge.',
};
const questions = {
  '/api/team-strategy': [situation, plan],
  '/api/agent-specification': [
    { team_id: 'red', strategy: plan, resources: { energy: 40, materials: 40, data: 40 } },
    agent,
  ],
  '/api/strategy-adaptation': [
    { ...situation, current_strategy: plan, opponent_history: [] },
    { ...plan, strategy: 'defensive' },
  ],
};
const says = (value) => [
  { answer: { text: typeof value === 'string' ? value : JSON.stringify(value) } },
];

describe("the game's questions", { concurrency: false }, () => {
  let mock;
  let relay;
  before(async () => {
    mock = await start_mock();
  });
  after(async () => {
    await relay?.stop();
    await mock?.stop();
  });
  // Each case has a relay of its own: a breaker remembers what went before.
  const begin = async (rules, env = {}) => {
    await relay?.stop();
    await mock.script(rules);
    await mock.forget();
    relay = await start_relay(mock, { strategist: ['openai/one', 'anthropic/two'] }, env);
  };
  const ask = async (path = '/api/team-strategy') => {
    const from = performance.now();
    const answer = await post_json(relay, path, questions[path][0]);
    const ms = performance.now() - from;
    assert.ok(ms <= answer_ms_max, `${path} took ${Math.round(ms)} ms`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json();
  };

  it('are answered by the model, which is asked with features and formulas', async () => {
    await begin([]);
    for (const [path, [, answer]] of Object.entries(questions)) {
      await mock.script([
        { do: says(`Here it is:\n\`\`\`json\n${JSON.stringify(answer)}\n\`\`\``) },
      ]);
      const got = await ask(path);
      assert.equal(got.source, 'model', path);
      assert.equal(got.model, 'openai/one');
      for (const [name, value] of Object.entries(answer)) assert.deepEqual(got[name], value, name);
    }
    assert.match(JSON.stringify((await mock.calls())[0]), /one/);
  });

  it('go to the next model when one does not fit', async () => {
    await begin([
      { when: { model: 'one' }, do: says({ ...plan, strategy: 'odd' }) },
      { when: { model: 'two' }, do: says(plan) },
    ]);
    const got = await ask();
    assert.equal(got.source, 'model');
    assert.equal(got.model, 'anthropic/two');
  });

  for (const [name, steps] of [
    ['says something else', says('I would rather not.')],
    ['says what the game does not know', says({ ...plan, priorities: ['win'] })],
    ['refuses', [{ head: 401 }, { send: '{"error":{"message":"no"}}' }]],
    ['is overloaded', [{ head: 529 }, { send: '{}' }]],
    ['fails', [{ head: 500 }, { send: 'oops' }]],
    [
      'is cut off',
      [{ head: 200 }, { send: 'data: {"choices":[{"delta":{"content":"{"' }, { cut: true }],
    ],
    ['resets', [{ reset: true }]],
    ['never answers', [{ hold: true }]],
    [
      'never ends',
      [{ head: 200 }, { repeat: 1000, every_ms: 200, send: ': beat\n\n' }, { hold: true }],
    ],
  ]) {
    it(`are answered by the engine when the model ${name}`, async () => {
      await begin([{ do: steps }]);
      const got = await ask();
      assert.equal(got.source, 'engine');
      assert.ok(got.reduced.code.length > 0, JSON.stringify(got.reduced));
      if (name.startsWith('says')) assert.equal(got.reduced.code, 'bad_answer');
      assert.ok(got.priorities.length > 0);
    });
  }

  it('tell a late answer on the sockets of who has asked', async () => {
    await begin([{ do: [{ wait_ms: 2_800 }, ...says(plan)] }]);
    const told = [];
    const socket = new WebSocket(`ws://127.0.0.1:${relay.port}/ws/client_late`);
    await once(socket, 'open');
    socket.on('message', (text) => told.push(JSON.parse(text)));
    assert.equal((await ask()).source, 'engine');
    assert.deepEqual(told, []);
    const { type, team, data } = await until('the late answer', () => told[0]);
    assert.deepEqual(
      [type, team, data.cause, data.source],
      ['directive', situation.team_id, 'late_answer', 'model'],
    );
    assert.equal(data.strategy.model, 'openai/one');
    assert.deepEqual(data.priorities, plan.priorities);
    socket.close();
  });

  it('go on over the socket: the engine at once, the model when it answers', async () => {
    await begin([{ do: [{ wait_ms: 300 }, ...says(plan)] }]);
    const told = [];
    const socket = new WebSocket(`ws://127.0.0.1:${relay.port}/ws/client_live`);
    await once(socket, 'open');
    socket.on('message', (text) => told.push(JSON.parse(text)));
    socket.send(JSON.stringify({ type: 'gameState', data: { territoryControl: { red: 40 } } }));
    await until('both directives', () => told.length === 2);
    assert.deepEqual(
      told.map(({ type, team, data }) => [type, team, data.cause, data.source]),
      [
        ['directive', 'red', 'first', 'engine'],
        ['directive', 'red', 'late_answer', 'model'],
      ],
    );
    assert.equal(told[1].data.model, 'openai/one');
    assert.ok(Number.isInteger(told[1].data.cost_microusd));
    assert.deepEqual(told[1].data.priorities, plan.priorities);
    assert.match(JSON.stringify((await mock.calls())[0]), /territory_gap|percent held/);
    socket.close();
  });

  it('end with the socket they were asked for', async () => {
    await begin([{ do: [{ hold: true }] }]);
    const socket = new WebSocket(`ws://127.0.0.1:${relay.port}/ws/client_gone`);
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'gameState', data: { territoryControl: { red: 40 } } }));
    await until('the call', async () => (await mock.calls()).length === 1);
    socket.close();
    await until('its end', async () => (await mock.calls())[0].end === 'client_gone');
  });

  it('are answered by the engine when the budget is used', async () => {
    await begin([{ do: says(plan) }], { REDOUBT_MODELS_ANONYMOUS_REQUESTS_PER_MINUTE: '1' });
    assert.equal((await ask()).source, 'model');
    const got = await ask();
    assert.equal(got.source, 'engine');
    assert.ok(got.reduced.code.length > 0);
  });

  it('end the call of a client that leaves', async () => {
    await begin([{ do: [{ hold: true }] }]);
    const life = new AbortController();
    const asked = fetch(`${relay.url}/api/team-strategy`, {
      method: 'POST',
      body: JSON.stringify(situation),
      headers: { 'content-type': 'application/json' },
      signal: life.signal,
    }).catch(() => null);
    await until('the call', async () => (await mock.calls()).length === 1);
    life.abort();
    await asked;
    await until('its end', async () => (await mock.calls())[0].end === 'client_gone');
  });

  it("whose call the relay's end cuts off are written down as spent, by estimate", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'redoubt-game-'));
    try {
      const env = { REDOUBT_STORE_PATH: join(folder, 'relay.db') };
      const aliases = { strategist: ['openai/gpt-5-mini'] };
      await relay?.stop();
      await mock.script([{ do: [{ hold: true }] }]);
      await mock.forget();
      relay = await start_relay(mock, aliases, env);
      assert.equal((await ask()).reduced.code, 'answer_by');
      // Its client has its answer; the call goes on for whoever asks next.
      assert.equal((await mock.calls())[0].end, 'under_way');
      await relay.stop();
      relay = await start_relay(mock, aliases, env);
      const usage = await fetch(`${relay.url}/api/usage`);
      const [row] = (await usage.json()).month.models;
      assert.equal(row.model, 'openai/gpt-5-mini');
      assert.equal(row.calls, 1);
      assert.ok(row.input_tokens > 0 && row.output_tokens > 0 && row.cost_microusd > 0);
    } finally {
      await relay?.stop();
      relay = undefined;
      rmSync(folder, { recursive: true });
    }
  });

  it('refuse a bad request before any model is asked', async () => {
    await begin([{ do: says(plan) }]);
    const answer = await post_json(relay, '/api/team-strategy', { team_id: 7 });
    assert.equal(answer.status, 422);
    assert.deepEqual(await mock.calls(), []);
  });
});
