// What the relay does with what no client should send, on the real program.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, post_json, start } from './program.mjs';

let relay;
before(async () => (relay = await start()));
after(() => relay.stop());

const path = '/api/team-strategy';

for (const [name, body] of [
  ['bad JSON', '{"team_id": '],
  ['a nesting of 10,000', '['.repeat(10_000)],
  ['invalid UTF-8', Buffer.from('{"team_id":"\xff\xfe"}', 'latin1')],
  ['a NUL byte', '{"team_id":"a\u0000b"}'],
  ['a key twice', '{"team_id":1,"team_id":2}'],
]) {
  test(`${name} is 422 json_invalid`, async () => {
    const response = await post_json(relay, path, body);
    assert.equal(response.status, 422);
    assert.equal(response.json().detail[0].type, 'json_invalid');
  });
}

test('an empty body is 422 missing', async () => {
  const response = await ask(relay, { method: 'POST', path });
  assert.equal(response.status, 422);
  assert.equal(response.json().detail[0].type, 'missing');
});

test('another media type is 415', async () => {
  const response = await post_json(relay, path, '{}', { 'Content-Type': 'text/plain' });
  assert.equal(response.status, 415);
  assert.equal(typeof response.json().detail, 'string');
});

test('a body over the limit is 413, and the next request is served', async () => {
  const response = await post_json(relay, path, Buffer.alloc(2 * 1024 * 1024, 0x20)).catch(
    (error) => error,
  );
  // The relay answers before it has read everything; a client that writes on may see a reset.
  if (response instanceof Error) assert.match(response.code, /EPIPE|ECONNRESET/);
  else assert.equal(response.status, 413);
  assert.equal((await ask(relay)).status, 200);
});

test('a large good body is answered by the compute pool', async () => {
  const agent = { id: 1, type: 'collector', health: 80, x: 1, y: 2 };
  const amounts = { energy: 1, materials: 2, data: 3 };
  const response = await post_json(relay, path, {
    team_id: 'red',
    territory_control: { red: 1, blue: 2 },
    resources: { red: amounts, blue: amounts },
    agents: { red: Array(500).fill(agent), blue: Array(500).fill(agent) },
    resource_distribution: { total: 3 },
  });
  assert.equal(response.status, 200, response.text);
  assert.equal(response.json().source, 'engine');
});

test('an unknown route is a 404 problem, a wrong method 405 with Allow', async () => {
  const unknown = await ask(relay, { path: '/nowhere' });
  assert.equal(unknown.status, 404);
  assert.equal(unknown.headers['content-type'], 'application/problem+json');
  assert.equal(unknown.json().status, 404);
  const wrong = await ask(relay, { path });
  assert.equal(wrong.status, 405);
  assert.match(wrong.headers.allow, /POST/);
  assert.equal(typeof wrong.json().detail, 'string');
});

test('a foreign Host is 421, a foreign Origin 403, a forwarded header 400', async () => {
  assert.equal((await ask(relay, { headers: { Host: 'evil.example' } })).status, 421);
  assert.equal((await post_json(relay, path, {}, { Origin: 'http://evil.example' })).status, 403);
  assert.equal((await ask(relay, { headers: { 'X-Forwarded-For': '1.2.3.4' } })).status, 400);
  assert.equal(
    (await ask(relay, { path: '/healthz', headers: { Host: 'pod.internal' } })).status,
    200,
  );
});

test('over the rate limit: 429 with a Retry-After that is true', { timeout: 20_000 }, async () => {
  const limited = await start([], {
    REDOUBT_LIMITS_REQUESTS_PER_MINUTE: '60',
    REDOUBT_LIMITS_BURST: '3',
  });
  try {
    const statuses = [];
    let refused;
    for (let i = 0; i < 5; i += 1) {
      const response = await ask(limited, { path: '/nowhere' });
      statuses.push(response.status);
      if (response.status === 429) refused = response;
    }
    assert.deepEqual(statuses.slice(0, 3), [404, 404, 404]);
    assert.ok(refused);
    assert.match(refused.headers['ratelimit-policy'], /q=3/);
    const wait_s = Number(refused.headers['retry-after']);
    assert.ok(wait_s >= 1 && wait_s <= 3);
    assert.equal((await ask(limited, { path: '/healthz' })).status, 200);
    await new Promise((wake) => setTimeout(wake, wait_s * 1000));
    assert.equal((await ask(limited, { path: '/nowhere' })).status, 404);
  } finally {
    await limited.stop();
  }
});

test('every request has a line with its id, and no line holds a body or a query', async () => {
  const secret = 'do-not-log-me';
  const response = await ask(relay, {
    method: 'POST',
    path: `/api/agent-specification?token=${secret}`,
    headers: {
      'X-Request-Id': 'mine-42',
      'Content-Type': 'application/json',
      Authorization: `Basic ${secret}`,
    },
    body: JSON.stringify({ team_id: secret }),
  });
  assert.equal(response.headers['x-request-id'], 'mine-42');
  const line = await relay.line((l) => l.request_id === 'mine-42');
  assert.equal(line.event, 'request');
  assert.equal(line.method, 'POST');
  assert.equal(line.route, '/api/agent-specification');
  assert.equal(line.status, 422);
  assert.equal(line.remote, '127.0.0.1');
  assert.ok(line.duration_us >= 0 && line.bytes_out > 100);
  assert.ok(!JSON.stringify(relay.lines).includes(secret));
});

test('the metrics count what happened', async () => {
  const text = await (await fetch(`${relay.admin}/metrics`)).text();
  assert.match(text, /redoubt_requests_total\{route="\/api\/team-strategy",status="422"\} \d+/);
  assert.match(text, /redoubt_request_duration_seconds_bucket\{route="\/",le="\+Inf"\} \d+/);
  assert.match(
    text,
    /redoubt_engine_answers_total\{question="team_strategy",outcome="answered"\} 1/,
  );
  assert.match(text, /process_resident_memory_bytes \d+/);
  assert.equal((await ask(relay, { path: '/metrics' })).status, 404);
});

test('the description is OpenAPI whose references hold, and the explorer needs nothing else', async () => {
  const api = (await ask(relay, { path: '/openapi.json' })).json();
  assert.equal(api.openapi, '3.1.0');
  const references = JSON.stringify(api).matchAll(/"\$ref":"#\/([^"]+)"/g);
  for (const [, reference] of references) {
    const found = reference.split('/').reduce((at, step) => at?.[step], api);
    assert.ok(found, reference);
  }
  for (const [path_pattern, methods] of Object.entries(api.paths)) {
    const url = path_pattern
      .replace('{client_id}', 'client_abcdefg')
      .replace(/{id}|{model}/, 'nobodys');
    const response = await ask(relay, { path: url });
    const socket = url.startsWith('/ws/') || url === '/v1/ws';
    const read = /{id}|{model}/.test(path_pattern) ? 404 : socket ? 426 : 200;
    const expected = methods.get || socket ? read : 405;
    assert.equal(response.status, expected, path_pattern);
  }
  for (const place of ['/docs', '/redoc', '/api/docs']) {
    const response = await ask(relay, { path: place });
    assert.equal(response.status, 200);
    assert.match(
      response.headers['content-security-policy'],
      /script-src 'self' 'wasm-unsafe-eval'/,
    );
    assert.ok(!/(src|href)="(https?:)?\/\//.test(response.text));
    for (const [, asset] of response.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      assert.equal((await ask(relay, { path: asset })).status, 200, asset);
    }
  }
});

test('the examples of the description are good requests', async () => {
  const api = (await ask(relay, { path: '/openapi.json' })).json();
  let asked = 0;
  for (const [place, { post }] of Object.entries(api.paths)) {
    for (const example of Object.values(
      post?.requestBody?.content['application/json'].examples ?? {},
    )) {
      const response = await post_json(relay, place, example.value);
      assert.equal(response.status, 200, `${place}: ${response.text}`);
      asked += 1;
    }
  }
  assert.equal(asked, 3);
});
