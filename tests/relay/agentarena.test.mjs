// Speaks what AgentArena's clients speak: liveness, preflight, the two posts, the socket with its
// frames and its reconnecting, as the contract of those clients describes them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { ask, post_json, start } from './program.mjs';

const page = 'http://localhost:3000';
let relay;
before(async () => {
  relay = await start([], {
    REDOUBT_PUSH_DIRECTIVE_INTERVAL_S: '3',
    REDOUBT_PUSH_DIRECTIVE_EARLY_S: '1',
  });
});
after(() => relay.stop());

const stances = ['balanced', 'aggressive', 'economic', 'defensive'];
const focuses = ['resources', 'territory', 'combat'];
const priorities = [
  'collect_energy',
  'collect_materials',
  'collect_data',
  'expand_territory',
  'attack_enemies',
  'defend_territory',
  'defend_base',
];

// The schema with which the client checks a strategy.
function check_strategy(strategy) {
  assert.ok(stances.includes(strategy.strategy), strategy.strategy);
  assert.ok(focuses.includes(strategy.focus), strategy.focus);
  assert.ok(strategy.priorities.length >= 1 && strategy.priorities.length <= 7);
  for (const priority of strategy.priorities) assert.ok(priorities.includes(priority), priority);
  assert.ok(strategy.description.length >= 5 && strategy.description.length <= 200);
  assert.equal(strategy.source, 'engine');
}

function check_specification(specification) {
  assert.ok(['collector', 'explorer', 'defender', 'attacker'].includes(specification.role));
  const { speed, health, attack, defense, carryCapacity } = specification.attributes;
  for (const value of [speed, health, attack, defense, carryCapacity]) {
    assert.ok(value >= 0.1 && value <= 1);
  }
  assert.ok(speed + health + attack + defense + carryCapacity <= 3.0);
  assert.ok(['energy', 'materials', 'data'].includes(specification.priority));
  assert.ok(specification.description.length >= 5 && specification.description.length <= 200);
}

const game_state = (red, blue) => ({
  territoryControl: { red, blue },
  agents: { red: [], blue: [] },
  resources: { red: { energy: 20, materials: 12, data: 4 }, blue: {} },
  resourcesOnMap: { energy: 3, materials: 2, data: 1, total: 6 },
});

// What the client makes of the game's state for a post.
const strategy_request = (team_id, state) => ({
  team_id,
  territory_control: state.territoryControl,
  resources: {
    red: { energy: 2.8, materials: 4, data: 0 },
    blue: { energy: 1, materials: 1, data: 1 },
  },
  agents: state.agents,
  resource_distribution: state.resourcesOnMap,
});

test('the liveness check of each client succeeds from the page', async () => {
  const response = await ask(relay, { headers: { Origin: page } });
  assert.equal(response.status, 200);
  assert.equal(response.headers['access-control-allow-origin'], page);
  assert.equal(response.json().mock_mode, true);
  assert.match(response.json().message, /AI Territory Game Backend is running/);
  assert.match(response.json().message, /Virtual Startup/);
});

// The liveness check names a Content-Type too, so that even its GET has a preflight.
test('every call is preceded by a preflight, which passes', async () => {
  for (const path of ['/', '/api/team-strategy', '/api/agent-specification']) {
    const response = await ask(relay, {
      method: 'OPTIONS',
      path,
      headers: {
        Origin: page,
        'Access-Control-Request-Method': path === '/' ? 'GET' : 'POST',
        'Access-Control-Request-Headers': 'content-type',
      },
    });
    assert.equal(response.status, 204);
    assert.equal(response.headers['access-control-allow-origin'], page);
    const method = path === '/' ? /GET/ : /POST/;
    assert.match(response.headers['access-control-allow-methods'], method);
    assert.match(response.headers['access-control-allow-headers'], /content-type/i);
  }
});

test('a team strategy in the shape that the client checks, for each spelling of a team', async () => {
  for (const team of ['red', 'blue', 'team1', 'team2']) {
    const response = await post_json(
      relay,
      '/api/team-strategy',
      strategy_request(team, game_state(20, 45)),
      { Origin: page },
    );
    assert.equal(response.status, 200, response.text);
    assert.equal(response.headers['access-control-allow-origin'], page);
    check_strategy(response.json());
  }
});

test('an agent specification in the shape that the client checks', async () => {
  for (const strategy of stances) {
    const response = await post_json(
      relay,
      '/api/agent-specification',
      {
        team_id: 'red',
        strategy: { strategy, focus: 'territory' },
        resources: { energy: 30, materials: 20, data: 8 },
        current_agents: [
          { type: 'collector', count: 2 },
          { type: 'unknown', count: 1 },
        ],
      },
      { Origin: page },
    );
    assert.equal(response.status, 200, response.text);
    check_specification(response.json());
  }
});

test('a request that lacks a member is 422, as FastAPI says it', async () => {
  const response = await post_json(relay, '/api/team-strategy', { team_id: 'red' });
  assert.equal(response.status, 422);
  const detail = response.json().detail;
  assert.ok(
    detail.some((fault) => fault.type === 'missing' && fault.loc.join('.') === 'body.agents'),
  );
});

// The client's handlers: it passes `data` of a known type on, whatever else is in the frame.
function connect() {
  const id = `client_${Math.random().toString(36).substring(2, 9)}`;
  const socket = new WebSocket(`ws://localhost:${relay.port}/ws/${id}`, {
    origin: page,
    family: 4,
  });
  const frames = [];
  const waiting = [];
  socket.on('message', (bytes) => {
    frames.push(JSON.parse(bytes.toString()));
    for (const wake of waiting.splice(0)) wake();
  });
  const until = async (matches) => {
    while (!frames.some(matches)) await new Promise((wake) => waiting.push(wake));
    return frames.find(matches);
  };
  return { socket, frames, until };
}

test(
  'gameState in, directives for both teams out, then again and again',
  { timeout: 20_000 },
  async () => {
    const { socket, frames, until } = connect();
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'gameState', data: game_state(40, 40) }));
    for (const team of ['red', 'blue']) {
      const frame = await until((f) => f.type === 'directive' && f.team === team);
      assert.equal(frame.data.team, team);
      check_strategy(frame.data.strategy);
      assert.equal(frame.data.cause, 'first');
    }
    const recommendation = await until((f) => f.type === 'agent_recommendation');
    assert.equal(recommendation.data.team, 'red');
    check_specification(recommendation.data.specification);

    // The cadence is the relay's own: no frame is needed for the next directive.
    await until((f) => f.type === 'directive' && f.data.cause === 'interval');
    socket.send(JSON.stringify({ type: 'gameState', data: game_state(70, 20) }));
    await until((f) => f.type === 'directive' && f.data.cause === 'situation');
    assert.ok(frames.every((f) => f.type !== 'error'));
    socket.close();
    await once(socket, 'close');
  },
);

test('frames once a second are not answered each, and a bad one does not end the socket', async () => {
  const { socket, frames, until } = connect();
  await once(socket, 'open');
  const binary = new TextEncoder().encode('{"type":"gameState"}');
  for (const bad of [
    'not json',
    '{}',
    '{"type":"gameState"}',
    '\u0000',
    '{"type":"hello"}',
    binary,
  ]) {
    const before_count = frames.length;
    socket.send(bad);
    await until((f) => f === frames[before_count] && f.type === 'error');
    assert.equal(typeof frames[before_count].data.message, 'string');
  }
  socket.send(JSON.stringify({ type: 'gameState', data: game_state(40, 40) }));
  await until((f) => f.type === 'directive' && f.team === 'blue');
  socket.close();
  await once(socket, 'close');
});

test('a long frame is read beside the others, one over the limit ends the socket', async () => {
  const { socket, until } = connect();
  await once(socket, 'open');
  const state = game_state(40, 40);
  state.agents.red = Array.from({ length: 200 }, (_, id) => ({
    id,
    role: 'collector',
    health: 80,
    x: id,
    y: 2 * id,
    path: [
      [1, 2],
      [3, 4],
    ],
  }));
  socket.send(JSON.stringify({ type: 'gameState', data: state }));
  const frame = await until((f) => f.type === 'directive' && f.team === 'red');
  assert.equal(typeof frame.data.territoryFocus.x, 'number');
  socket.send('x'.repeat(300_000));
  const [code] = await once(socket, 'close');
  assert.equal(code, 1009);
});

test('a client that reconnects is served anew', async () => {
  for (let i = 0; i < 3; i += 1) {
    const { socket, until } = connect();
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'gameState', data: game_state(10, 60) }));
    await until((f) => f.type === 'directive' && f.data.cause === 'first');
    socket.terminate();
  }
});

test('a page of another origin may not open the socket', async () => {
  const socket = new WebSocket(`ws://localhost:${relay.port}/ws/client_abcdefg`, {
    origin: 'http://evil.example',
    family: 4,
  });
  const [, response] = await once(socket, 'unexpected-response');
  assert.equal(response.statusCode, 403);
  response.destroy();
});
