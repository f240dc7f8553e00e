// Provider keys from the command to the running relay: sealed, rotated, and never seen.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
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
  assert.match(good(['keys', 'list', ...vault()]), /main +openai +1 +[0-9a-f]{12} .* never/);
  assert.match(good(['keys', 'test', ...vault()]), /main: opens/);

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
    good(['keys', 'test', '--store', at('store.db')], { env: { REDOUBT_MASTER_KEY: key } }),
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
