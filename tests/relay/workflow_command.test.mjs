// `redoubt workflow run --model URL`: a workflow in a shell whose models a running relay answers for.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { start_mock, start_relay } from './mock_upstream.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const command = process.env.REDOUBT_CLI_BINARY ?? `${root}build/native-release/tools/cli/redoubt`;
const folder = mkdtempSync(join(tmpdir(), 'redoubt-workflow-'));
let mock;
let relay;

before(async () => {
  mock = await start_mock();
  relay = await start_relay(mock, {
    strategist: ['openai/gpt-5-mini'],
    small: ['openai/gpt-5-nano'],
  });
});
after(async () => {
  await relay.stop();
  await mock.stop();
  rmSync(folder, { recursive: true });
});

async function run(file, options, env = {}) {
  const path = join(folder, 'flow.yaml');
  writeFileSync(path, file);
  const child = spawn(command, ['workflow', 'run', path, ...options], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'])
    child[name].setEncoding('utf8').on('data', (text) => (texts[name] += text));
  const [code] = await once(child, 'close');
  return { code, ...texts };
}

const asking = (settings = '') => `name: asking
llms: {fast: {_type: openai${settings}}}
workflow:
  - {id: a, model: fast, prompt: "Name {{ input.what }}", fallback: {emit: none}}
result: "{{ steps.a.text }}"
`;
const asked = async () => (await mock.calls()).map((call) => call.model);
const given = ['--input', '{"what": "a fort"}', '--model'];

test('a model step is asked of the relay, of its own model where the relay has it', async () => {
  for (const [settings, more, model] of [
    ['', [], 'gpt-5-mini'],
    [', model_name: small', [], 'gpt-5-nano'],
    [', model_name: meta/unheard-of', [], 'gpt-5-mini'],
    [', model_name: meta/unheard-of', ['--model-name', 'small'], 'gpt-5-nano'],
  ]) {
    await mock.forget();
    const { code, stdout, stderr } = await run(asking(settings), [...given, relay.url, ...more]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `"This is the mock's answer."\n`);
    assert.equal(stderr, '');
    assert.deepEqual(await asked(), [model]);
  }
});

test('why a model did not answer is told, though a fallback answers', async () => {
  const nobody = await run(asking(), [...given, 'http://127.0.0.1:1']);
  assert.equal(nobody.code, 0);
  assert.match(nobody.stderr, /a#1: the model did not answer: http:\/\/127\.0\.0\.1:1: .*refused/);
  const unknown = await run(asking(), [...given, relay.url, '--model-name', 'nope']);
  assert.match(unknown.stderr, /a#1: the model did not answer: there is no model nope/);
  const none = await run(asking(), given.slice(0, 2));
  assert.match(none.stderr, /no model was given: .*--model http:\/\/localhost:8000 asks a relay's/);
  const bad = await run(asking(), [...given, 'localhost:8000']);
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /--model needs script:FILE or a relay's URL such as http:/);
});

test('what a hostile server says does nothing to the terminal, and shows no token', async () => {
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWFkYQ';
  const hidden = '\u202e\u009b31m\u200b';
  const words = `before ${hidden} ${token} after`;
  const answers = {
    failing: [400, { error: { message: words, type: 'invalid_request_error' } }],
    answering: [
      200,
      {
        id: 'c',
        object: 'chat.completion',
        model: 'm',
        choices: [
          { index: 0, message: { role: 'assistant', content: words }, finish_reason: 'stop' },
        ],
        usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      },
    ],
  };
  for (const [status, value] of Object.values(answers)) {
    const server = http.createServer((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(status, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify(value));
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${server.address().port}`;
    const told = await run(asking(), [...given, url], { REDOUBT_RELAY_TOKEN: token });
    server.close();
    const shown = told.stdout + told.stderr;
    assert.match(shown, /before .*after/);
    assert.doesNotMatch(shown, /[\u0080-\u009f\u200b\u202e]/);
    assert.match(shown, /\\u202e/);
    assert.doesNotMatch(shown, /eyJhbGci|c2lnbmF0/);
  }
});

test('a token goes along, and an agent uses its tools with the model', async () => {
  const refused = await run(asking(), [...given, relay.url], {
    REDOUBT_RELAY_TOKEN: 'not-a-token',
  });
  assert.match(refused.stderr, /a#1: the model did not answer: /);
  await mock.forget();
  await mock.script([
    {
      when: { calls: [1, 1] },
      do: [{ answer: { tool_calls: [{ name: 'look_up', arguments: '{"word":"redoubt"}' }] } }],
    },
  ]);
  const agent = `llms: {m: {_type: openai}}
functions:
  look_up: {_type: command, description: Looks up., command: [sh, -c, "echo 'no such word' >&2; exit 3"]}
workflow: {_type: react_agent, llm_name: m, tool_names: [look_up]}
`;
  const { code, stdout } = await run(agent, ['--input', '"x"', '--commands', '--model', relay.url]);
  assert.equal(code, 0);
  assert.equal(stdout, `"This is the mock's answer."\n`);
  const last = JSON.parse((await mock.calls())[1].body).messages.at(-1);
  assert.equal(last.role, 'tool');
  assert.match(last.content, /its program's exit code is 3: no such word/);
  await mock.script([]);
});

test('more steps at once than programs are run are all asked', async () => {
  const many = `name: many
llms: {fast: {_type: openai}}
workflow:
  - for_each: input.n
    as: n
    at_once: 100
    do:
      - {id: a, model: fast, prompt: "{{ n }}"}
`;
  await mock.forget();
  const n = Array.from({ length: 100 }, (_, i) => i);
  const { code, stderr } = await run(many, [
    '--input',
    JSON.stringify({ n }),
    '--model',
    relay.url,
  ]);
  assert.equal(code, 0, stderr);
  assert.equal((await asked()).length, 100);
});
