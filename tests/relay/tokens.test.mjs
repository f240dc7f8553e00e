// Who may call: tokens at the relay's program, as players, games' servers and operators use them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { ask, post_json, start } from './program.mjs';
import { bearer, hs256, soon } from './signed_token.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const command = process.env.REDOUBT_CLI_BINARY ?? `${root}build/native-release/tools/cli/redoubt`;
const folder = mkdtempSync(join(tmpdir(), 'redoubt-tokens-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name) => join(folder, name);
const secret_file = (name, text) => {
  writeFileSync(at(name), text, { mode: 0o600 });
  return at(name);
};
const redoubt = (...args) => {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(result.status, 0, result.stderr);
  return result.stdout.trim();
};
const question = {
  team_id: 'red',
  territory_control: { red: 20, blue: 45 },
  resources: { red: { energy: 40, materials: 40, data: 40 } },
  agents: { red: [], blue: [] },
  resource_distribution: { energy: 6 },
};
const asked = (relay, headers) => post_json(relay, '/api/team-strategy', question, headers);
const closed = { REDOUBT_LISTENERS_0_ANONYMOUS: 'off' };

test('anonymous: off answers nobody without a token, in each dialect', async () => {
  const relay = await start([], closed);
  const game = await asked(relay, {});
  assert.equal(game.status, 401);
  assert.equal(game.headers['www-authenticate'], 'Bearer realm="redoubt"');
  assert.match(game.json().detail, /without a token/);
  const session = await post_json(relay, '/api/session', {});
  assert.equal(session.status, 401);
  assert.equal(session.json().code, 'anonymous_refused');
  assert.equal((await ask(relay, { path: '/healthz' })).status, 200);
  await relay.stop();
});

test('the game server gets tokens for its players with its secret', async () => {
  const secret = randomBytes(32).toString('base64');
  const relay = await start([], {
    ...closed,
    REDOUBT_TOKENS_SERVICE_SECRET_FILE: secret_file('service', `${secret}\n`),
    REDOUBT_TOKENS_SERVICE_TENANTS: 'default,valley',
  });
  const mint = (body, token = secret) => post_json(relay, '/api/session', body, bearer(token));
  const given = await mint({ sub: 'player-7', tenant: 'valley', lifetime_s: 60 });
  assert.equal(given.status, 200, given.text);
  assert.equal(given.headers['cache-control'], 'no-store');
  const session = given.json();
  assert.deepEqual(
    [session.sub, session.expires_in, session.scope],
    ['player-7', 60, 'game models'],
  );
  const claims = JSON.parse(Buffer.from(session.token.split('.')[1], 'base64url'));
  assert.deepEqual([claims.sub, claims.tenant, claims.aud], ['player-7', 'valley', 'redoubt']);

  assert.equal((await asked(relay, bearer(session.token))).status, 200);
  assert.equal((await asked(relay, { 'x-api-key': session.token })).status, 200);
  const broken = await asked(relay, bearer(`${session.token.slice(0, -2)}AA`));
  assert.equal(broken.status, 401);
  assert.match(broken.headers['www-authenticate'], /error="invalid_token"/);
  assert.match(broken.json().detail, /signature/);
  // A session that may only run workflows asks no models and no game's questions.
  const other = (await mint({ sub: 'p', scope: 'workflow:run' })).json().token;
  const refused = await asked(relay, bearer(other));
  assert.equal(refused.status, 403);
  assert.match(refused.headers['www-authenticate'], /error="insufficient_scope"/);

  for (const [body, says] of [
    [{}, /sub/],
    [{ sub: 'p', scope: 'operator:read' }, /scope/],
    [{ sub: 'p', scope: 'everything' }, /scope/],
    [{ sub: 'p', lifetime_s: 901 }, /lifetime_s/],
    [{ sub: 'anonymous:1.2.3.4' }, /sub/],
    [{ sub: 'p', tenant: 'anonymous' }, /tenant/],
    [{ sub: 'p', tenant: 'hills' }, /tokens\.service_tenants/],
    [{ sub: 'ada\u202enimda' }, /sub/],
    [{ sub: 'p\u0085' }, /sub/],
    [{ sub: 'p', limits: { tokens_per_minute: null } }, /tokens_per_minute/],
    [{ sub: 'p', limits: null }, /limits/],
    [{ sub: 'p', limits: { calls: 1 } }, /limits/],
    [{ sub: 'p', admin: true }, /admin/],
    ['no json', /JSON/],
  ]) {
    const answer = await mint(body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.match(answer.json().detail, says);
  }
  // Neither another secret nor a player's token begins sessions.
  assert.equal((await mint({ sub: 'p' }, `${secret}x`)).status, 401);
  assert.equal((await mint({ sub: 'p' }, session.token)).status, 401);
  await relay.stop();
  const said = relay.stderr() + JSON.stringify(relay.lines);
  assert.ok(!said.includes(secret) && !said.includes(session.token));
});

test('an anonymous session where anonymous callers may call, limited by address', async () => {
  const relay = await start([], { REDOUBT_TOKENS_SESSIONS_PER_MINUTE: '3' });
  const statuses = [];
  let token = '';
  for (let i = 0; i < 4; i += 1) {
    const answer = await ask(relay, { method: 'POST', path: '/api/session' });
    statuses.push(answer.status);
    if (answer.status === 200) token = answer.json().token;
    if (answer.status === 429) assert.ok(Number(answer.headers['retry-after']) > 0);
  }
  assert.deepEqual(statuses, [200, 200, 200, 429]);
  const named = await post_json(relay, '/api/session', { sub: 'player-7' });
  assert.equal(named.status, 401);
  assert.equal(named.json().code, 'service_secret_required');
  assert.equal((await asked(relay, bearer(token))).status, 200);
  // A bad token is not taken for nobody's; the word that SDKs are given instead of a key is.
  assert.equal((await asked(relay, bearer('sk-unused'))).status, 401);
  assert.equal((await asked(relay, bearer('anonymous'))).status, 200);
  assert.equal((await asked(relay, { Authorization: 'Basic eDp5' })).status, 200);
  await relay.stop();
});

test("NextAuth's tokens, and forged ones", async () => {
  const secret = randomBytes(32).toString('base64');
  const relay = await start([], {
    ...closed,
    REDOUBT_TOKENS_NEXTAUTH_SECRET_FILE: secret_file('nextauth', secret),
  });
  const claims = {
    name: 'Ada',
    email: 'ada@example.org',
    sub: '42',
    iat: 1,
    exp: soon(),
    jti: 'x',
  };
  assert.equal((await asked(relay, bearer(hs256(claims, secret)))).status, 200);
  const unsigned = hs256(claims, secret, { alg: 'none' }).replace(/[^.]*$/, '');
  for (const [token, says] of [
    [unsigned, /three parts with dots/],
    [hs256(claims, ''), /signature/],
    [hs256(claims, secret, { alg: 'none' }), /no key/],
    [hs256(claims, secret, { alg: 'HS256', crit: ['exp'] }), /extension/],
    [hs256({ ...claims, exp: 5 }, secret), /expired/],
    [hs256({ ...claims, nbf: soon() }, secret), /not valid yet/],
    [hs256({ ...claims, aud: 'other' }, secret), /not for this relay/],
    [hs256({ ...claims, name: 'x'.repeat(4_096) }, secret), /longer/],
  ]) {
    const answer = await asked(relay, bearer(token));
    assert.equal(answer.status, 401);
    assert.match(answer.json().detail, says);
  }
  await relay.stop();
});

test('a key signs for its own tenants, and nobody for anonymous callers', async () => {
  redoubt('tokens', 'new-key', at('d.jwks'), '--kid', 'd', '--alg', 'HS256');
  redoubt('tokens', 'new-key', at('v.jwks'), '--kid', 'v', '--tenant', 'valley');
  redoubt(
    ...['tokens', 'new-key', at('m.jwks'), '--kid', 'm'],
    ...['--tenant', 'valley', '--tenant', 'hills'],
  );
  const keys = ['d', 'v', 'm'].map((name) => JSON.parse(readFileSync(at(`${name}.jwks`))).keys[0]);
  assert.deepEqual(
    keys.map(({ tenant }) => tenant),
    [undefined, 'valley', ['valley', 'hills']],
  );
  assert.equal(JSON.parse(redoubt('tokens', 'public', at('m.jwks'))).keys[0].tenant.length, 2);
  const relay = await start([], {
    ...closed,
    REDOUBT_TOKENS_KEYS_FILE: secret_file('all.jwks', JSON.stringify({ keys })),
  });
  const mint = (name, ...more) =>
    redoubt('tokens', 'mint', at(`${name}.jwks`), '--sub', '1', ...more);
  const tenant_of = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).tenant;
  for (const [token, tenant] of [
    [mint('d'), 'default'],
    [mint('v'), 'valley'],
    [mint('m', '--tenant', 'hills'), 'hills'],
  ]) {
    assert.equal(tenant_of(token), tenant);
    assert.equal((await asked(relay, bearer(token))).status, 200);
  }
  const refused = (...args) => {
    const { status, stderr } = spawnSync(command, ['tokens', ...args], { encoding: 'utf8' });
    assert.notEqual(status, 0);
    return stderr;
  };
  const for_one = ['mint', at('v.jwks'), '--sub'];
  assert.match(refused(...for_one, '1', '--tenant', 'hills'), /does not sign for.*valley/s);
  assert.match(refused('mint', at('m.jwks'), '--sub', '1'), /--tenant with one of: valley, hills/);
  assert.match(refused(...for_one, 'anonymous:1.2.3.4'), /the relay's to give/);
  assert.match(refused(...for_one, 'a\u202eb'), /visible text/);
  const new_key = ['new-key', at('x.jwks'), '--kid', 'x', '--tenant'];
  assert.match(refused(...new_key, 'anonymous'), /only the relay itself/);
  assert.match(refused(...new_key, 'a b'), /expected 1 to 64 letters/);

  // Whoever holds a key can write what the command would not.
  const key = Buffer.from(keys[0].k, 'base64url');
  const forge = (claims) =>
    hs256({ aud: 'redoubt', sub: '1', exp: soon(), ...claims }, key, { alg: 'HS256', kid: 'd' });
  assert.equal((await asked(relay, bearer(forge({})))).status, 200);
  for (const [claims, says] of [
    [{ tenant: 'valley' }, /does not sign for the tenant valley/],
    [{ tenant: 'anonymous' }, /anonymous/],
    [{ sub: 'anonymous:127.0.0.1' }, /anonymous/],
    [{ tenant: 'anonymous', sub: 'anonymous:127.0.0.1', iss: 'redoubt-relay' }, /anonymous/],
    [{ sub: 'ada\u202enimda' }, /visible text/],
    [{ sub: 'a\u001bb' }, /visible text/],
  ]) {
    const answer = await asked(relay, bearer(forge(claims)));
    assert.equal(answer.status, 401, JSON.stringify(claims));
    assert.match(answer.json().detail, says);
  }
  await relay.stop();
});

test('a browser socket brings its token as a subprotocol', async () => {
  const secret = randomBytes(32).toString('base64');
  const relay = await start([], {
    ...closed,
    REDOUBT_TOKENS_NEXTAUTH_SECRET_FILE: secret_file('socket', secret),
  });
  const token = hs256({ sub: '42', exp: soon() }, secret);
  const url = `ws://127.0.0.1:${relay.port}/ws/client_abcdefg`;
  const socket = new WebSocket(url, ['redoubt', `redoubt.token.${token}`]);
  await once(socket, 'open');
  assert.equal(socket.protocol, 'redoubt');
  socket.close();
  const refused = new WebSocket(url, ['redoubt']);
  const [error] = await once(refused, 'error');
  assert.match(error.message, /401/);
  await relay.stop();
  assert.ok(!JSON.stringify(relay.lines).includes(token));
});

test('operators read metrics with a token; keys rotate without a restart', async () => {
  redoubt('tokens', 'new-key', at('ops.jwks'), '--kid', 'ops-1', '--scope', 'operator:read game');
  const relay = await start([], {
    ...closed,
    REDOUBT_ADMIN_ANONYMOUS: 'off',
    REDOUBT_TOKENS_KEYS_FILE: at('ops.jwks'),
  });
  const token = redoubt('tokens', 'mint', at('ops.jwks'), '--sub', 'ada');
  const metrics = async (headers) => (await fetch(`${relay.admin}/metrics`, { headers })).status;
  assert.equal(await metrics({}), 401);
  assert.equal(await metrics(bearer(token)), 200);
  const player = redoubt('tokens', 'mint', at('ops.jwks'), '--sub', 'p', '--scope', 'game');
  assert.equal(await metrics(bearer(player)), 403);
  assert.equal((await asked(relay, bearer(player))).status, 200);

  rmSync(at('ops.jwks'));
  redoubt('tokens', 'new-key', at('ops.jwks'), '--kid', 'ops-2', '--scope', 'operator:read');
  relay.child.kill('SIGHUP');
  await relay.line((line) => line.event === 'tokens_reloaded');
  assert.equal(await metrics(bearer(token)), 401);
  const next = redoubt('tokens', 'mint', at('ops.jwks'), '--sub', 'ada');
  assert.equal(await metrics(bearer(next)), 200);
  // Bad keys change nothing.
  writeFileSync(at('ops.jwks'), '{"keys": [{"kty": "RSA"}]}');
  relay.child.kill('SIGHUP');
  const kept = await relay.line((line) => line.event === 'tokens_kept');
  assert.match(kept.detail, /keys\[0\]\.alg/);
  assert.equal(await metrics(bearer(next)), 200);
  await relay.stop();
});
