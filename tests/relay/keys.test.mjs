// Provider keys from the command to the running relay: sealed, rotated, and never seen.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { start_mock, start_relay } from './mock_upstream.mjs';
import { ask, post_json, program, run, start } from './program.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const command = process.env.REDOUBT_CLI_BINARY ?? `${root}build/native-release/tools/cli/redoubt`;
const folder = mkdtempSync(join(tmpdir(), 'redoubt-keys-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name) => join(folder, name);

const planted = 'sk-planted-4f1c9a7be2d85036';
const seen = []; // everything that the programs said

function redoubt(args, { input = '', env = {} } = {}) {
  const result = spawnSync(command, args, {
    input,
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
  });
  seen.push(result.stdout, result.stderr);
  return result;
}
const good = (args, options) => {
  const result = redoubt(args, options);
  assert.equal(result.status, 0, result.stderr);
  return result.stdout;
};
const vault = (master = 'master.key') => ['--store', at('store.db'), '--master-key', at(master)];
const relay_env = () => ({
  REDOUBT_STORE_PATH: at('store.db'),
  REDOUBT_VAULT_MASTER_KEY_FILE: at('master.key'),
});
async function open_keys(relay) {
  const metrics = await (await fetch(`${relay.admin}/metrics`)).text();
  return Number(/^redoubt_provider_keys (\d+)$/m.exec(metrics)[1]);
}
/** Sends SIGHUP and waits until the keys were looked at; was the new ring taken? */
async function hang_up(relay) {
  const from = relay.lines.length;
  const reloaded = new Promise((resolve) => {
    relay.waiting.push((line) => {
      if (!/^provider_keys_/.test(line.event)) return false;
      resolve(line);
      return true;
    });
  });
  relay.child.kill('SIGHUP');
  const line = await reloaded;
  assert.ok(relay.lines.length > from);
  return line;
}

test('a key from stdin to the running relay, rotated there, under a new master key', async () => {
  good(['keys', 'new-master', at('master.key')]);
  assert.equal(redoubt(['keys', 'new-master', at('master.key')]).status, 2);
  good(['keys', 'add', 'main', '--provider', 'openai', ...vault()], { input: `${planted}\n` });
  const twice = redoubt(['keys', 'add', 'main', '--provider', 'openai', ...vault()], {
    input: planted,
  });
  assert.equal(twice.status, 1);
  assert.match(twice.stderr, /already/);
  assert.match(good(['keys', 'list', ...vault()]), /main +openai +1 +1 +[0-9a-f]{12} .* never/);
  assert.match(good(['keys', 'test', '--offline', ...vault()]), /main: opens/);

  const relay = await start([], relay_env());
  assert.equal(await open_keys(relay), 1);
  good(['keys', 'add', 'second', '--provider', 'anthropic', ...vault()], { input: `${planted}2` });
  good(['keys', 'rotate', 'main', ...vault()], { input: `${planted}3` });
  assert.equal((await hang_up(relay)).event, 'provider_keys_reloaded');
  assert.equal(await open_keys(relay), 2);

  // The store is under the new master key before the relay's file is: it keeps the keys it has.
  good(['keys', 'new-master', at('next.key')]);
  good(['keys', 'rotate-master', at('next.key'), ...vault()]);
  const kept = await hang_up(relay);
  assert.equal(kept.event, 'provider_keys_kept');
  assert.match(kept.detail, /sealed under the master key/);
  assert.equal(await open_keys(relay), 2);
  copyFileSync(at('next.key'), at('master.key'));
  assert.equal((await hang_up(relay)).event, 'provider_keys_reloaded');
  good(['keys', 'remove', 'second', ...vault()]);
  assert.equal((await hang_up(relay)).event, 'provider_keys_reloaded');
  assert.equal(await open_keys(relay), 1);

  for (const path of ['/', '/health', '/openapi.json', '/api/session', '/v1/models']) {
    seen.push((await ask(relay, { path })).text);
  }
  seen.push((await post_json(relay, '/api/team-strategy', { team_id: 'none' })).text);
  seen.push(await (await fetch(`${relay.admin}/metrics`)).text());
  assert.equal((await relay.stop()).code, 0);
  seen.push(relay.stderr(), JSON.stringify(relay.lines));
});

test('a store with keys does not start without its master key, and says what to do', async () => {
  const refused = await run(['--port', '0'], {
    REDOUBT_ADMIN_ENABLED: 'false',
    REDOUBT_STORE_PATH: at('store.db'),
  });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /holds 1 sealed provider keys, and no master key is configured/);
  const wrong = await run(['--port', '0'], {
    REDOUBT_ADMIN_ENABLED: 'false',
    REDOUBT_STORE_PATH: at('store.db'),
    REDOUBT_MASTER_KEY: 'a'.repeat(64),
  });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /sealed under the master key/);
  seen.push(refused.stderr, wrong.stderr);
});

test('the master key from the environment and from a command', async () => {
  const key = readFileSync(at('master.key'), 'utf8');
  assert.match(
    good(['keys', 'test', '--offline', '--store', at('store.db')], {
      env: { REDOUBT_MASTER_KEY: key },
    }),
    /main: opens/,
  );
  const relay = await start([], {
    REDOUBT_STORE_PATH: at('store.db'),
    REDOUBT_MASTER_KEY: key,
  });
  assert.equal(await open_keys(relay), 1);
  if (process.platform === 'linux') {
    const environment = readFileSync(`/proc/${relay.child.pid}/environ`, 'latin1');
    assert.ok(!environment.includes(key.trim()));
  }
  await relay.stop();
  const commanded = await start([], {
    REDOUBT_STORE_PATH: at('store.db'),
    REDOUBT_VAULT_MASTER_KEY_COMMAND: `cat ${at('master.key')}`,
  });
  assert.equal(await open_keys(commanded), 1);
  await commanded.stop();
});

describe('keys at their providers', { concurrency: false }, () => {
  let mock;
  before(async () => {
    mock = await start_mock();
    good(['keys', 'new-master', at('asked.key')]);
  });
  after(() => mock.stop());
  const asked = (name) => ['--store', at(`${name}.db`), '--master-key', at('asked.key')];
  const add = (store, name, provider, key, more = []) =>
    good(['keys', 'add', name, '--provider', provider, ...more, ...asked(store)], { input: key });
  const providers = (env = {}) => ({
    REDOUBT_PROVIDERS_0_NAME: 'openai',
    REDOUBT_PROVIDERS_0_BASE_URL: `${mock.url}/v1`,
    REDOUBT_PROVIDERS_1_NAME: 'anthropic',
    REDOUBT_PROVIDERS_1_BASE_URL: `${mock.url}/v1`,
    REDOUBT_PROVIDERS_2_NAME: 'gone',
    REDOUBT_PROVIDERS_2_DIALECT: 'openai',
    REDOUBT_PROVIDERS_2_BASE_URL: 'http://127.0.0.1:1/v1',
    ...env,
  });
  // The mock runs in a process of its own, so that a command may be waited for.
  const tested = (args) => redoubt(['keys', 'test', ...args], { env: providers() });

  it('are tried with a request that costs nothing', async () => {
    for (const [name, provider] of [
      ['good', 'openai'],
      ['claude', 'anthropic'],
      ['hugging', 'huggingface'],
    ]) {
      add('tried', name, provider, `${planted}-${name}`);
    }
    const list = [{ head: 200 }, { send: '{"data":[]}' }];
    await mock.script([
      { when: { path: '/v1/models', authorization: `Bearer ${planted}-good` }, do: list },
      { when: { path: '/v1/models', authorization: `${planted}-claude` }, do: list },
      { do: [{ head: 500 }] },
    ]);
    const result = tested(asked('tried'));
    assert.equal(result.status, 0, result.stdout + result.stderr);
    assert.match(result.stdout, /^claude: opens; anthropic takes it, in \d+ ms$/m);
    assert.match(result.stdout, /^good: opens; openai takes it, in \d+ ms$/m);
    assert.match(result.stdout, /^hugging: opens; huggingface answers no free request/m);
    assert.equal((await mock.calls()).length, 2);
    const json = JSON.parse(tested(['good', '--json', ...asked('tried')]).stdout);
    assert.deepEqual(
      json.map(({ name, opens, verdict, status }) => [name, opens, verdict, status]),
      [['good', true, 'taken', 200]],
    );
    await mock.forget();
    tested(['--offline', ...asked('tried')]);
    assert.deepEqual(await mock.calls(), []);
  });

  it('that are refused, limited or cannot be asked are told apart, and not shown', async () => {
    add('bad', 'revoked', 'openai', `${planted}-revoked`);
    add('bad', 'lost', 'gone', `${planted}-lost`);
    const say = (status, message) => [
      { head: status },
      { send: JSON.stringify({ error: { message } }) },
    ];
    await mock.script([{ do: say(401, `Incorrect API key provided: ${planted}-revoked.`) }]);
    const revoked = tested(['revoked', ...asked('bad')]);
    assert.equal(revoked.status, 1);
    assert.match(revoked.stdout, /refuses it: Incorrect API key provided: \.\.\.\. \(401\)/);
    assert.doesNotMatch(revoked.stderr, /refuses it/);
    assert.match(revoked.stderr, /1 of 1 key failed/);
    await mock.script([{ do: say(429, 'Slow down') }]);
    const limited = tested(['revoked', ...asked('bad')]);
    assert.equal(limited.status, 0);
    assert.match(limited.stdout, /takes it, but has enough of it: Slow down \(429\)/);
    await mock.script([{ do: say(503, 'Down') }]);
    const unclear = tested(['revoked', ...asked('bad')]);
    assert.equal(unclear.status, 1);
    assert.match(unclear.stdout, /says nothing of it: Down \(503\)/);
    const lost = tested(['lost', ...asked('bad')]);
    assert.equal(lost.status, 1);
    assert.match(lost.stdout, /could not be asked/);
  });

  it('get their part by their weight, and their use is noted', async () => {
    const heavy = `${planted}-heavy`;
    const light = `${planted}-light`;
    add('weighed', 'heavy', 'openai', heavy, ['--weight', '3']);
    add('weighed', 'light', 'openai', light);
    add('weighed', 'idle', 'anthropic', `${planted}-idle`);
    for (const weight of ['0', '101', 'x']) {
      assert.notEqual(redoubt(['keys', 'weigh', 'heavy', weight, ...asked('weighed')]).status, 0);
    }
    await mock.script([]);
    await mock.forget();
    const relay = await start_relay(
      mock,
      { model: ['openai/gpt-5-mini'] },
      providers({
        REDOUBT_STORE_PATH: at('weighed.db'),
        REDOUBT_VAULT_MASTER_KEY_FILE: at('asked.key'),
      }),
    );
    const shares = async (calls) => {
      await mock.forget();
      const request = { model: 'model', messages: [{ role: 'user', content: 'Where to?' }] };
      for (let i = 0; i < calls; ++i) {
        const answer = await post_json(relay, '/v1/chat/completions', request);
        assert.equal(answer.status, 200, answer.text);
      }
      const with_key = (await mock.calls()).map(({ authorization }) => authorization);
      return [heavy, light].map((key) => with_key.filter((k) => k === `Bearer ${key}`).length);
    };
    assert.deepEqual(await shares(8), [6, 2]);
    good(['keys', 'weigh', 'heavy', '1', ...asked('weighed')]);
    good(['keys', 'rotate', 'light', ...asked('weighed')], { input: light });
    assert.equal((await hang_up(relay)).event, 'provider_keys_reloaded');
    assert.deepEqual(await shares(8), [4, 4]);
    await relay.stop();
    const keys = JSON.parse(good(['keys', 'list', '--json', ...asked('weighed')]));
    assert.deepEqual(
      keys.map(({ name, weight, last_used_ms }) => [name, weight, last_used_ms !== null]),
      [
        ['heavy', 1, true],
        ['idle', 1, false],
        ['light', 1, true],
      ],
    );
    seen.push(relay.stderr(), JSON.stringify(relay.lines));
  });

  it('that refuse one caller in words are passed over within the call, by a code they rest', async () => {
    const revoked = `${planted}-gone`;
    add('doubted', 'gone', 'openai', revoked);
    add('doubted', 'good', 'openai', `${planted}-good`);
    const relay = await start_relay(
      mock,
      { model: ['openai/gpt-5-mini'] },
      providers({
        REDOUBT_STORE_PATH: at('doubted.db'),
        REDOUBT_VAULT_MASTER_KEY_FILE: at('asked.key'),
      }),
    );
    const calls = 6;
    const refused_of = async (error) => {
      const when = { authorization: `Bearer ${revoked}` };
      await mock.script([{ when, do: [{ head: 401 }, { send: JSON.stringify({ error }) }] }]);
      await mock.forget();
      const request = { model: 'model', messages: [{ role: 'user', content: 'Where to?' }] };
      for (let i = 0; i < calls; ++i) {
        const answer = await post_json(relay, '/v1/chat/completions', request);
        assert.equal(answer.status, 200, answer.text);
      }
      const asked_with = (await mock.calls()).map(({ authorization }) => authorization);
      return asked_with.filter((key) => key === `Bearer ${revoked}`).length;
    };
    const doubted = await refused_of({ message: 'Incorrect API key' });
    assert.ok(doubted > 1 && doubted <= calls, `asked ${doubted} times`);
    assert.equal(await refused_of({ message: 'x', code: 'invalid_api_key' }), 1);
    await relay.stop();
    seen.push(relay.stderr(), JSON.stringify(relay.lines));
  });
});

test('a master key that others can read is refused', async () => {
  copyFileSync(at('master.key'), at('open.key'));
  chmodSync(at('open.key'), 0o644);
  const refused = redoubt(['keys', 'test', ...vault('open.key')]);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /chmod 600/);
});

test('what is no key is refused, and not shown', () => {
  for (const input of ['', 'sk with space', `${planted}\nsecond line`, 'x'.repeat(5_000)]) {
    const refused = redoubt(['keys', 'add', 'bad', '--provider', 'openai', ...vault()], { input });
    assert.equal(refused.status, 1);
  }
  const named = redoubt(['keys', 'add', '../x', '--provider', 'openai', ...vault()]);
  assert.equal(named.status, 1);
});

test('the planted key is in nothing that was said or stored', () => {
  assert.ok(seen.length > 20);
  for (const text of seen) assert.ok(!text.includes('planted'), text);
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(at(name));
    assert.ok(!bytes.includes('planted'), name);
  }
});

// Starts `program` with cores allowed, aborts it when it has said something, and asks the kernel.
const abort_script = `
import os, resource, signal, subprocess, sys
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
child.stdout.readline()
os.kill(child.pid, signal.SIGABRT)
_, status = os.waitpid(child.pid, 0)
print(os.WTERMSIG(status), os.WCOREDUMP(status))
`;
async function abort(args, cwd) {
  const child = spawn('python3', ['-c', abort_script, ...args], {
    cwd,
    env: {
      PATH: process.env.PATH,
      REDOUBT_STORE_PATH: ':memory:',
      REDOUBT_ADMIN_ENABLED: 'false',
    },
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => (text += part));
  await once(child, 'close');
  return text.trim();
}

test('a forced abort leaves no core', { skip: process.platform !== 'linux' }, async (context) => {
  const place = mkdtempSync(join(folder, 'core-'));
  const control = await abort(['sh', '-c', 'echo ready; sleep 60 & wait'], place);
  if (control !== '6 True') context.diagnostic(`no core of another program either: ${control}`);
  for (const name of readdirSync(place)) rmSync(join(place, name));
  assert.equal(await abort([program, '--port', '0'], place), '6 False');
  assert.deepEqual(readdirSync(place), []);
});
