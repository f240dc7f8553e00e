// The first five minutes of an operator: a provider's key in the environment, and nothing else.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { start_mock } from './mock_upstream.mjs';
import { post_json, run, start } from './program.mjs';
import { situation } from './situation.mjs';

const key = 'sk-proj-of-the-environment-0123456789';
const question = {
  model: 'strategist',
  max_tokens: 50,
  messages: [{ role: 'user', content: 'Where to?' }],
};

test('a key of the environment simply works, and is nowhere to be read', async () => {
  const mock = await start_mock();
  const relay = await start([], { OPENAI_API_KEY: key, OPENAI_BASE_URL: `${mock.url}/v1` });
  try {
    const answer = await post_json(relay, '/v1/chat/completions', question);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['x-redoubt-model'], 'openai/gpt-5.4-mini');
    const [call] = await mock.calls();
    assert.equal(call.authorization, `Bearer ${key}`);
    const environment = readFileSync(`/proc/${relay.child.pid}/environ`, 'utf8');
    assert.ok(!environment.includes(key), 'the key is still in the environment');
    const said = relay.lines.find(({ event }) => event === 'models').detail;
    assert.match(said, /strategist is openai\/gpt-5\.4-mini \(key: OPENAI_API_KEY\)/);
    assert.match(said, /at most \$1\.00 a day in all/);
    assert.ok(!JSON.stringify(relay.lines).includes(key));
  } finally {
    await relay.stop();
    await mock.stop();
  }
});

test('the printed configuration says what comes from the environment, and no key', async () => {
  const { code, stdout, stderr } = await run(['--print-config'], {
    ANTHROPIC_API_KEY: key,
    GEMINI_API_KEY: key,
  });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /name: anthropic +# ANTHROPIC_API_KEY/);
  assert.match(stdout, /targets: \[.*claude-haiku-4-5.*gemini-3\.5-flash-lite.*\]/);
  assert.match(
    stdout,
    /all_day_microusd: 1000000 +# default with ANTHROPIC_API_KEY, GEMINI_API_KEY/,
  );
  assert.ok(!(stdout + stderr).includes(key));
});

test('an address that is none is told by its place', async () => {
  const { code, stderr } = await run(['--check-config'], {
    OPENAI_API_KEY: key,
    OPENAI_BASE_URL: 'here',
  });
  assert.equal(code, 2);
  assert.match(
    stderr,
    /^redoubt-relay: OPENAI_BASE_URL: providers\[0\]\.base_url: the URL here has another scheme/,
  );
});

test('a key that is none is told by its variable, a password in an address is not told', async () => {
  const bad = await run(['--check-config'], { OPENAI_API_KEY: 'sk-line\r\nbreak' });
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /OPENAI_API_KEY: the key holds white space or characters/);
  const { stdout } = await run(['--print-config'], {
    OPENAI_API_KEY: key,
    OPENAI_BASE_URL: 'http://someone:secretword@127.0.0.1:1/v1',
  });
  assert.match(stdout, /http:\/\/\[user\]@127\.0\.0\.1:1\/v1/);
  assert.ok(!stdout.includes('secretword'));
});

test('an operator who wants none of it says so', async () => {
  const { stdout } = await run(['--print-config'], {
    OPENAI_API_KEY: key,
    REDOUBT_VAULT_ENVIRONMENT_KEYS: 'false',
  });
  assert.match(stdout, /providers: \[\]/);
  assert.match(stdout, /aliases: \[\]/);
});

test('limits that no call without max_tokens fits are told at once, with what helps', async () => {
  const { code, stderr } = await run(['--check-config'], {
    OPENAI_API_KEY: key,
    OPENAI_MODEL: 'gpt-5.5',
  });
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /strategist\): a call that names no limit of tokens \(max_tokens\) holds \$/,
  );
  assert.match(stderr, /more than models\.all_day_microusd \(\$1\.00\): each such call is refused/);
  const needed = Number(/make room with models\.all_day_microusd: (\d+)/.exec(stderr)[1]);
  const enough = await run(['--check-config'], {
    OPENAI_API_KEY: key,
    OPENAI_MODEL: 'gpt-5.5',
    REDOUBT_MODELS_ALL_DAY_MICROUSD: String(needed),
  });
  assert.ok(!enough.stderr.includes('max_tokens'), enough.stderr);
});

test('a key that rests is told with why and until when, to the operator and to the player', async () => {
  const mock = await start_mock();
  const refused = (status, error, headers = {}) => [
    { head: status, headers: { 'content-type': 'application/json', ...headers } },
    { send: JSON.stringify({ error }) },
  ];
  const cases = [
    {
      steps: refused(401, { message: 'Incorrect API key', code: 'invalid_api_key' }),
      says: /refused the relay's request.* It is asked again in 10 minutes\./,
      log: /^the key OPENAI_API_KEY rests until 20\S+Z: the provider refused it \(unauthorized\)$/,
    },
    {
      steps: refused(
        429,
        { message: 'Slow down', code: 'rate_limit_exceeded' },
        { 'retry-after': '90' },
      ),
      says: /takes no more requests for now.* It is asked again in (89|90) s\./,
      log: /rests until 20\S+Z: the provider refused it \(rate_limited\)$/,
    },
  ];
  try {
    for (const { steps, says, log } of cases) {
      await mock.script([{ when: {}, do: steps }]);
      const relay = await start([], { OPENAI_API_KEY: key, OPENAI_BASE_URL: `${mock.url}/v1` });
      await post_json(relay, '/v1/chat/completions', question);
      const answer = await post_json(relay, '/v1/chat/completions', question);
      assert.equal(answer.status, 503, answer.text);
      assert.match(answer.json().error.message, says);
      assert.ok(Number(answer.headers['retry-after']) > 60);
      const line = await relay.line(({ event }) => event === 'model_target_denied');
      assert.equal(line.reason, 'no_key');
      assert.match(line.message, log);
      const game = await post_json(relay, '/api/team-strategy', situation);
      assert.equal(game.status, 200, game.text);
      assert.match(game.json().reduced.message, says);
      await relay.stop();
    }
  } finally {
    await mock.stop();
  }
});

test('a start without a model says so and what brings one; what nobody reads is named', async () => {
  const relay = await start([], { OPENAI_APIKEY: key });
  try {
    const { detail } = await relay.line(({ event }) => event === 'models');
    assert.match(detail, /^none, the engine answers: OPENAI_API_KEY or another provider's key/);
    const { detail: unread } = await relay.line(({ event }) => event === 'variable_not_read');
    assert.equal(unread, 'the variable OPENAI_APIKEY is not read; did you mean OPENAI_API_KEY?');
    assert.ok(!JSON.stringify(relay.lines).includes(key));
  } finally {
    await relay.stop();
  }
  const quoted = await run(['--check-config'], { OPENAI_API_KEY: `"${key}"` });
  assert.equal(quoted.code, 2);
  assert.match(quoted.stderr, /OPENAI_API_KEY: the key has quotes around it/);
  assert.ok(!quoted.stderr.includes(key));
});

test('faults of providers and aliases are told with their place', async () => {
  const told = async (yaml) => {
    const folder = mkdtempSync(join(tmpdir(), 'redoubt-start-'));
    const file = join(folder, 'relay.yaml');
    writeFileSync(file, yaml);
    const { code, stderr } = await run(['--config', file, '--check-config']);
    rmSync(folder, { recursive: true });
    assert.equal(code, 2, stderr);
    return stderr.replaceAll(file, 'relay.yaml');
  };
  assert.match(
    await told('providers:\n  - name: local\n    dialect: vllm\n'),
    /^redoubt-relay: relay\.yaml:3: providers\[0\]\.base_url: expected the address of local/,
  );
  assert.match(
    await told('providers:\n  - name: local\n    dialect: opena\n'),
    /^redoubt-relay: relay\.yaml:3: providers\[0\]\.dialect: there is no dialect opena; did you mean "openai"\?/,
  );
  assert.match(
    await told('providers:\n  - name: ollama\naliases:\n  - name: a\n    targets: [olama/x]\n'),
    /^redoubt-relay: relay\.yaml:5: aliases\[0\]\.targets\[0\]: expected PROVIDER\/MODEL/,
  );
});

test('a port that is taken is told with who has it and what chooses another', async () => {
  const relay = await start();
  const first = await run(['--port', String(relay.port)], { REDOUBT_ADMIN_PORT: '0' });
  const admin_port = new URL(relay.admin).port;
  const second = await run(['--port', '0'], { REDOUBT_ADMIN_PORT: admin_port });
  await relay.stop();
  assert.equal(first.code, 1);
  const holder = `\\(redoubt-relay, process ${relay.child.pid}, has it\\)`;
  assert.match(
    first.stderr,
    new RegExp(`:${relay.port}: Address already in use ${holder}; --port or `),
  );
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`${holder}; admin\\.port \\(REDOUBT_ADMIN_PORT\\)`));
});

test('of a model without a card no length of an answer is told', async () => {
  const { code, stderr } = await run(['--check-config'], {
    REDOUBT_PROVIDERS_0_NAME: 'local',
    REDOUBT_PROVIDERS_0_DIALECT: 'vllm',
    REDOUBT_PROVIDERS_0_BASE_URL: 'http://127.0.0.1:1/v1',
    REDOUBT_PROVIDERS_0_FREE: 'true',
    REDOUBT_ALIASES_0_NAME: 'strategist',
    REDOUBT_ALIASES_0_TARGETS: 'local/qwen',
    REDOUBT_MODELS_PLAYER_TOKENS_PER_MINUTE: '10000',
  });
  assert.equal(code, 0, stderr);
  assert.ok(!stderr.includes('longest answer'), stderr);
});
