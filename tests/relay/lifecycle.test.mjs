// The program from start to end: options, configuration, signals, exit codes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import tls from 'node:tls';
import WebSocket from 'ws';
import { until } from './mock_upstream.mjs';
import { ask, run, start } from './program.mjs';

const folder = mkdtempSync(join(tmpdir(), 'redoubt-relay-'));
after(() => rmSync(folder, { recursive: true }));
const file = (name, text) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

test('version, help and the document', async () => {
  assert.match((await run(['--version'])).stdout, /^redoubt-relay \d+\.\d+\.\d+\n$/);
  const help = await run(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--check-config/);
  assert.match(help.stdout, /Examples:\n {2}redoubt-relay --port/);
  assert.match((await run(['--document-config'])).stdout, /REDOUBT_SERVER_SHARDS/);
});

test('bad use and bad configuration end with 2 and say what is wrong', async () => {
  assert.equal((await run(['--nonsense'])).code, 2);
  const slip = await run(['--prot', '8080']);
  assert.equal(slip.code, 2);
  assert.match(slip.stderr, /no option "--prot" of redoubt-relay; did you mean "--port"\?/);
  const bad = file('bad.yaml', 'server:\n  shard: 2\n  headers_max: lots\n');
  const result = await run(['--config', bad]);
  assert.equal(result.code, 2);
  assert.ok(result.stderr.includes(`${bad}:2:3: server.shard is not a key`), result.stderr);
  assert.ok(result.stderr.includes(`${bad}:3:16: server.headers_max: expected an integer`));
  assert.equal((await run(['--config', join(folder, 'missing.yaml')])).code, 2);
  assert.equal((await run(['--port', 'http'])).code, 2);
  assert.equal((await run(['--www', folder])).code, 2);
  const variable = await run([], { REDOUBT_SERVER_SHARD: '2' });
  assert.equal(variable.code, 2);
  assert.match(variable.stderr, /did you mean REDOUBT_SERVER_SHARDS\?/);
});

test('a configuration is checked and printed with where it comes from', async () => {
  const good = file('good.yaml', 'server: {shards: 2}\n');
  assert.equal((await run(['--config', good, '--check-config'])).code, 0);
  const printed = await run(['--print-config', '--port', '9'], { REDOUBT_CONFIG: good });
  assert.equal(printed.code, 0);
  assert.match(printed.stdout, /shards: 2 {2}# .*good\.yaml:1/);
  assert.match(printed.stdout, /port: 9 {2}# --port/);
  assert.match(printed.stdout, /depth_max: 32 {2}# default/);
});

test('a check opens all that the configuration names and tells every fault with its line', async () => {
  const nowhere = join(folder, 'nowhere', 'file');
  const names = {
    'listeners[0].tls_certificate': 2,
    'tokens.keys_file': 4,
    'tokens.nextauth_secret_file': 5,
    'tokens.service_secret_file': 6,
    'vault.master_key_file': 7,
    'workflows.directory': 8,
    'providers[0].authorities_file': 10,
    'models.cards_file': 11,
    www: 12,
  };
  const bad = file(
    'names.yaml',
    `listeners:
  - {port: 0, tls_certificate: ${nowhere}, tls_key: ${nowhere}}
tokens:
  keys_file: ${nowhere}
  nextauth_secret_file: ${nowhere}
  service_secret_file: ${nowhere}
vault: {master_key_file: ${nowhere}}
workflows: {directory: ${nowhere}}
providers:
  - {name: openai, authorities_file: ${nowhere}}
models: {cards_file: ${nowhere}}
www: ${nowhere}
`,
  );
  const checked = await run(['--config', bad, '--check-config'], { REDOUBT_STORE_PATH: nowhere });
  assert.equal(checked.code, 2);
  assert.ok(checked.stderr.includes('REDOUBT_STORE_PATH: store.path: '), checked.stderr);
  for (const [key, line] of Object.entries(names)) {
    const told = checked.stderr.split('\n').find((text) => text.includes(`: ${key}: `));
    assert.ok(told?.includes(`${bad}:${line}`), `${key}: ${told}\n${checked.stderr}`);
  }
  assert.equal(checked.stderr.includes('system lib'), false, checked.stderr);
});

test('a check warns of a workflow that the relay would go on without', async () => {
  const workflows = join(folder, 'workflows');
  mkdirSync(workflows, { recursive: true });
  writeFileSync(join(workflows, 'bad.yaml'), 'name: bad\nworkflow: 7\n');
  const checked = await run(['--check-config'], { REDOUBT_WORKFLOWS_DIRECTORY: workflows });
  assert.equal(checked.code, 0, checked.stderr);
  assert.match(checked.stderr, /warning: .*workflows\.directory: .*bad.*:2:\d+: /);
});

test('an alias without a key is told by a check and at the start, and a check makes no store', async () => {
  const path = join(folder, 'unmade.db');
  const variables = {
    REDOUBT_STORE_PATH: path,
    REDOUBT_PROVIDERS_0_NAME: 'openai',
    REDOUBT_ALIASES_0_NAME: 'strategist',
    REDOUBT_ALIASES_0_TARGETS: 'openai/gpt-5-mini',
  };
  const no_key = /openai\/gpt-5-mini \(strategist\): the relay has no key for openai/;
  const checked = await run(['--check-config'], variables);
  assert.equal(checked.code, 0, checked.stderr);
  assert.match(checked.stderr, no_key);
  assert.equal(existsSync(path), false);
  const relay = await start([], variables);
  const body = JSON.stringify({ model: 'strategist', messages: [] });
  const refused = await ask(relay, {
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { 'Content-Type': 'application/json', 'X-Request-Id': 'without-a-key' },
    body: body.replace('[]', '[{"role":"user","content":"x"}]'),
  });
  assert.equal(refused.status, 503, refused.text);
  await relay.stop();
  const line = (event) => relay.lines.find((one) => one.event === event);
  assert.match(line('model_without_key').detail, no_key);
  assert.equal(line('model_target_denied').reason, 'no_key');
  assert.equal(line('model_target_denied').request_id, 'without-a-key');
  // What the start has made is opened by the next check, and so is what an older one has made.
  assert.match((await run(['--check-config'], variables)).stderr, no_key);
  const with_key = await run(['--check-config'], { ...variables, OPENAI_API_KEY: 'sk-1' });
  assert.equal(with_key.code, 0, with_key.stderr);
  assert.doesNotMatch(with_key.stderr, no_key);
  const store = new DatabaseSync(path);
  store.exec('DROP TABLE sealed_keys; DELETE FROM migrations WHERE number > 0');
  store.close();
  const older = await run(['--check-config'], variables);
  assert.equal(older.code, 0, older.stderr);
});

test('readiness is 503 while the store cannot be written to', async () => {
  const relay = await start([], { REDOUBT_STORE_PATH: join(folder, 'limited.db') });
  const limit = (size) =>
    execFileSync('prlimit', ['--pid', String(relay.child.pid), `--fsize=${size}:`]);
  const readiness = () => ask(relay, { path: '/readyz' });
  assert.equal((await readiness()).status, 200);
  limit('1');
  const begun = await ask(relay, {
    method: 'POST',
    path: '/api/workflows/runs',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ workflow: 'triage', input: { text: 'x' } }),
  });
  assert.ok(begun.status >= 400, begun.text);
  const unready = await readiness();
  assert.equal(unready.status, 503);
  assert.match(unready.json().reason, /^store_(io|full)$/);
  assert.doesNotMatch(unready.text, /\.db|\/|SQL/);
  assert.equal((await ask(relay, { path: '/healthz' })).status, 200);
  limit('unlimited');
  await until('readiness', async () => (await readiness()).status === 200);
  assert.equal((await relay.stop()).code, 0);
});

test('a port that is taken ends with 1', async () => {
  const relay = await start();
  const second = await run(['--port', String(relay.port)], { REDOUBT_ADMIN_ENABLED: 'false' });
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(String(relay.port)));
  assert.equal((await relay.stop()).code, 0);
});

test('it says at the start where it serves and who may call', async () => {
  const relay = await start([], { REDOUBT_LISTENERS_0_ANONYMOUS: 'on' });
  assert.match(relay.stderr(), new RegExp(`serves +${relay.url} +\\(anonymous: on\\)`));
  await relay.stop();
});

test('localhost is both loopback addresses', async () => {
  const relay = await start(['--host', 'localhost']);
  assert.equal((await ask(relay)).status, 200);
  assert.match(relay.url, /^http:\/\/localhost:/);
  await relay.stop();
});

test('the page is for browsers, with its policy; programs get JSON', async () => {
  const www = join(folder, 'www');
  mkdirSync(www);
  writeFileSync(join(www, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(www, 'app.js'), 'export {};');
  const relay = await start(['--www', www]);
  const browser = await ask(relay, {
    headers: { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' },
  });
  assert.match(browser.headers['content-type'], /^text\/html/);
  assert.match(browser.headers['content-security-policy'], /script-src 'self' 'wasm-unsafe-eval'/);
  assert.match(browser.headers.vary, /Accept/);
  assert.match(browser.text, /<title>page/);
  const seen = await ask(relay, {
    headers: { Accept: 'text/html', 'If-None-Match': browser.headers.etag },
  });
  assert.equal(seen.status, 304);
  const client = await ask(relay, { headers: { Accept: '*/*' } });
  assert.equal(client.json().status, 'ok');
  assert.match(client.headers.vary, /Accept/);
  assert.match((await ask(relay, { path: '/app.js' })).headers['content-type'], /javascript/);
  assert.equal((await ask(relay, { path: '/missing.js' })).status, 404);
  assert.equal((await ask(relay, { path: '/../lifecycle.test.mjs' })).status >= 400, true);
  await relay.stop();
});

test('two shards serve', async () => {
  const relay = await start([], { REDOUBT_SERVER_SHARDS: '2' });
  const answers = await Promise.all(Array.from({ length: 40 }, () => ask(relay)));
  assert.ok(answers.every((answer) => answer.status === 200));
  assert.equal((await relay.stop()).code, 0);
});

test(
  'SIGTERM drains: readiness turns, open sockets get 1001, the code is 0',
  { timeout: 30_000 },
  async () => {
    const relay = await start([], { REDOUBT_SERVER_DRAIN_DELAY_S: '1' });
    const socket = new WebSocket(`ws://127.0.0.1:${relay.port}/ws/client_abcdefg`);
    await once(socket, 'open');
    assert.equal((await ask(relay, { path: '/readyz' })).status, 200);
    const agent = new http.Agent({ keepAlive: true });
    assert.equal((await ask(relay, { agent })).status, 200);
    relay.child.kill('SIGTERM');
    await relay.line((line) => line.event === 'draining');
    let ready = 200;
    for (let i = 0; i < 50 && ready === 200; i += 1) {
      ready = (await ask(relay, { path: '/readyz' })).status;
    }
    assert.equal(ready, 503);
    assert.equal((await ask(relay, { path: '/healthz' })).status, 200);
    const [code] = await once(socket, 'close');
    assert.equal(code, 1001);
    assert.deepEqual(await relay.ended, { code: 0, signal: null });
    agent.destroy();
  },
);

test('a second signal stops at once, with code 1', { timeout: 20_000 }, async () => {
  const relay = await start([], { REDOUBT_SERVER_DRAIN_DELAY_S: '600' });
  relay.child.kill('SIGINT');
  await relay.line((line) => line.event === 'draining');
  relay.child.kill('SIGINT');
  assert.equal((await relay.ended).code, 1);
});

const certificate = (name) => {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${name}`],
      ...['-addext', 'subjectAltName=DNS:localhost'],
    ],
    { stdio: 'ignore' },
  );
  return { key: readFileSync(key), cert: readFileSync(cert) };
};
const common_name = (port) =>
  new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    });
    socket.on('error', reject);
  });

test('SIGHUP reads certificates again, keeps the old one where the new is bad, and says so', async () => {
  const [key, cert] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  const install = (pair) => {
    writeFileSync(key, pair.key);
    writeFileSync(cert, pair.cert);
  };
  install(certificate('first'));
  const relay = await start([], {
    REDOUBT_LISTENERS_0_TLS_KEY: key,
    REDOUBT_LISTENERS_0_TLS_CERTIFICATE: cert,
  });
  assert.match(relay.url, /^https:/);
  assert.equal(await common_name(relay.port), 'first');
  install(certificate('second'));
  relay.child.kill('SIGHUP');
  await relay.line((line) => line.event === 'certificates_reloaded');
  assert.equal(await common_name(relay.port), 'second');
  writeFileSync(cert, 'no certificate');
  relay.child.kill('SIGHUP');
  const kept = await relay.line((line) => line.event === 'certificates_kept');
  assert.equal(kept.level, 'error');
  assert.equal(await common_name(relay.port), 'second');
  assert.equal((await relay.stop()).code, 0);
  const refused = await run(['--port', '0'], {
    REDOUBT_ADMIN_ENABLED: 'false',
    REDOUBT_LISTENERS_0_TLS_KEY: key,
    REDOUBT_LISTENERS_0_TLS_CERTIFICATE: cert,
  });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /server\.crt/);
});

test('no core file can be written', { skip: process.platform !== 'linux' }, async () => {
  const relay = await start();
  const limits = readFileSync(`/proc/${relay.child.pid}/limits`, 'utf8');
  assert.match(limits, /Max core file size +0 +0/);
  await relay.stop();
});
