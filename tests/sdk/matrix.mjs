#!/usr/bin/env node
// Unmodified SDKs against the relay, in front of every kind of provider: prints a table in Markdown,
// and what failed. Run by hand (it installs what it tests, from the package registries):
//
//   node tests/sdk/matrix.mjs [--relay FILE] [--mock FILE] [--folder FOLDER] [--no-install]
//                             [--details] [SDK...]
//
// --relay, --mock  the programs, instead of those of the native-release build
// --folder         where the SDKs are installed, build/sdk
// --details        every cell's result, as lines of JSON on the standard error
// SDK              rows whose name has one of these words
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { kept, lost, targets, tiles } from './providers.mjs';
import { sdks } from './sdks.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = `${root}tests/sdk`;
const { values: options, positionals: words } = parseArgs({
  allowPositionals: true,
  options: {
    relay: { type: 'string' },
    mock: { type: 'string' },
    folder: { type: 'string', default: `${root}build/sdk` },
    'no-install': { type: 'boolean', default: false },
    details: { type: 'boolean', default: false },
  },
});
if (options.relay) process.env.REDOUBT_RELAY_BINARY = options.relay;
if (options.mock) process.env.REDOUBT_MOCK_BINARY = options.mock;
// They read where the programs are when they are loaded.
const { kill_at_exit } = await import('../relay/program.mjs');
const { start_mock, start_relay } = await import('../relay/mock_upstream.mjs');

const task_ms_max = 60_000;
const said = 'Hold the bridge.';
const plan = { plan: 'go' };
const retry_after_s = '300';

// --- Installing -----------------------------------------------------------------------------------

async function run(command, args, cwd) {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
}

async function install_python(folder, name) {
  const requirements = `${here}/python/requirements/${name}.txt`;
  await run('python3', ['-m', 'venv', folder], root);
  await run(`${folder}/bin/python`, ['-m', 'pip', 'install', '-q', '-r', requirements], root);
}

async function install_node(folder, name) {
  for (const file of ['package.json', 'package-lock.json']) {
    cpSync(`${here}/node/${name}/${file}`, `${folder}/${file}`);
  }
  await run('npm', ['ci', '--silent', '--no-audit', '--no-fund', '--ignore-scripts'], folder);
}

/** The command line of the SDK's program, installed where it is not yet. */
async function installed(sdk) {
  const is_python = sdk.language === 'Python';
  const name = is_python ? sdk.requirements : sdk.folder;
  const folder = `${options.folder}/${is_python ? 'python' : 'node'}/${name}`;
  const made = is_python ? `${folder}/bin/python` : `${folder}/node_modules`;
  if (!existsSync(made)) {
    if (options['no-install']) throw new Error(`${made} is not there`);
    console.error(`installing ${folder}`);
    mkdirSync(folder, { recursive: true });
    await (is_python ? install_python : install_node)(folder, name);
  }
  if (is_python) return [made, [`${here}/python/${sdk.program}`]];
  // A module finds its packages beside itself.
  for (const file of ['matrix_client.mjs', sdk.program]) {
    cpSync(`${here}/node/${file}`, `${folder}/${file}`);
  }
  return [process.execPath, [`${folder}/${sdk.program}`, sdk.packages[0]]];
}

function version_of(sdk, name) {
  if (sdk.language === 'Python') {
    const pins = readFileSync(`${here}/python/requirements/${sdk.requirements}.txt`, 'utf8');
    return pins
      .split('\n')
      .find((line) => line.startsWith(`${name}==`))
      .split('==')[1];
  }
  const { dependencies } = JSON.parse(readFileSync(`${here}/node/${sdk.folder}/package.json`));
  return dependencies[name].split('@').at(-1);
}

const package_of = (name) =>
  name.replace(/^anthropic-\d+$/, '@anthropic-ai/sdk').replace(/^openai-\d+$/, 'openai');

const name_of = (sdk) =>
  sdk.packages.map((name) => `${package_of(name)} ${version_of(sdk, name)}`).join(', ');

// --- One cell -------------------------------------------------------------------------------------

/** A program that answers jobs. */
function begin([command, args]) {
  const child = kill_at_exit(
    spawn(command, args, { stdio: ['pipe', 'pipe', options.details ? 'inherit' : 'ignore'] }),
  );
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(job) {
      child.stdin.write(`${JSON.stringify(job)}\n`);
      let timer;
      const late = new Promise((resolve) => {
        timer = setTimeout(() => resolve({ late: true }), task_ms_max);
      });
      const line = await Promise.race([lines.next(), late]);
      clearTimeout(timer);
      if (line.late) throw new Error(`no answer within ${task_ms_max / 1000} s`);
      if (line.done) throw new Error('the program ended');
      return JSON.parse(line.value);
    },
    stop: () => child.kill(),
  };
}

const json_head = { 'content-type': 'application/json' };
const stream_head = { 'content-type': 'text/event-stream' };

/** What the provider does, from its first call on. */
function script_of(target, task, stream, sdk) {
  // The mock holds what it answers to the rules of the dialect's provider.
  const common = { input_tokens: 11, output_tokens: 5, checks: target.dialect };
  const answer = (value) => ({ do: [{ answer: { ...common, ...value } }] });
  if (target.refuses[task]) {
    const { status, body } = target.refuses[task];
    const headers = { ...json_head, ...(status === 429 && { 'retry-after': retry_after_s }) };
    return [{ do: [{ head: status, headers }, { send: JSON.stringify(body) }] }];
  }
  if (task === 'tools') {
    const first = stream
      ? [{ head: 200, headers: stream_head }, { send: target.says.stream }]
      : [{ head: 200, headers: json_head }, { send: JSON.stringify(target.says.whole) }];
    return [{ when: { calls: [1, 1] }, do: first }, answer({ text: said })];
  }
  const json = JSON.stringify(plan);
  if (task === 'object') return [answer({ text: json })];
  // The mock's own vectors.
  if (task === 'embeddings') return [];
  if (task === 'object by tool') {
    return [answer({ text: '', tool_calls: [{ name: sdk.tool ?? 'plan', arguments: json }] })];
  }
  return [answer({ text: said })];
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Is this a task that the target's provider has no way to do? */
const is_beyond = (target, task) =>
  (task === 'several' && !target.several) || (task === 'embeddings' && !target.embeds);

// Google's SDK reads from a name with "gemini" in it how several texts are sent.
const finder_of = (target_name) => `finder ${Object.keys(targets).indexOf(target_name)}`;

// What the mock says of the two texts of the SDKs' programs.
const vectors = ['Where to?', said].map((text) => [0.5, -0.25, text.length]);

/** '' where the result is what it has to be, `lost` where a thought was, or what is wrong. */
async function fault_of(mock, target, sdk, task, result) {
  const beyond = is_beyond(target, task);
  const expected = beyond ? sdk.throws[400] : sdk.throws[task];
  if (expected) {
    if (!result.error) return `no error but ${JSON.stringify(result)}`;
    const { classes, status, retry_after, message } = result.error;
    if (!classes.includes(expected)) return `threw ${classes[0]}: ${message}`;
    const status_due = beyond ? '400' : task;
    if (status !== null && String(status) !== status_due) return `status ${status}`;
    const waits = task === '429' && retry_after !== null;
    return waits && retry_after !== retry_after_s ? `retry-after ${retry_after}` : '';
  }
  if (result.error) return `threw ${result.error.classes[0]}: ${result.error.message}`;
  if (task === 'embeddings') return same(result.vectors, vectors) ? '' : JSON.stringify(result);
  if (task === 'several') return same(result.texts, [said, said]) ? '' : JSON.stringify(result);
  if (task.startsWith('object')) return same(result.object, plan) ? '' : JSON.stringify(result);
  if (result.text !== said) return `said ${JSON.stringify(result.text)}`;
  if (task !== 'tools') return '';
  // Some call tools at the same time.
  if (!same(result.calls.toSorted(), tiles)) return `tools called: ${JSON.stringify(result.calls)}`;
  const calls = await mock.calls();
  if (calls.length !== 2) return `${calls.length} calls of the provider instead of 2`;
  const brought = target.wants(JSON.parse(calls[1].body));
  return brought === kept ? '' : brought;
}

async function cell(mock, relay, client, sdk, format, target_name, cell_name) {
  const target = targets[target_name];
  const stream = cell_name.endsWith(' streamed');
  const task = cell_name.replace(' streamed', '');
  await mock.script(script_of(target, task, stream, sdk));
  await mock.forget();
  const job = {
    format,
    url: relay.url,
    key: 'anonymous',
    model: task === 'embeddings' ? finder_of(target_name) : target_name,
    task: sdk.throws[task] ? 'error' : task,
    stream,
  };
  const result = await client.ask(job);
  const fault = await fault_of(mock, target, sdk, task, result);
  if (options.details) {
    const line = { sdk: name_of(sdk), format, target: target_name, cell: cell_name, fault, result };
    console.error(JSON.stringify({ ...line, sent: (await mock.calls()).map(({ body }) => body) }));
  }
  return fault;
}

// --- The table ------------------------------------------------------------------------------------

function start(mock) {
  const env = { REDOUBT_LOG_REQUESTS: 'false' };
  Object.values(targets).forEach(({ dialect, base }, i) => {
    env[`REDOUBT_PROVIDERS_${i}_NAME`] = dialect;
    env[`REDOUBT_PROVIDERS_${i}_DIALECT`] = dialect;
    env[`REDOUBT_PROVIDERS_${i}_BASE_URL`] = mock.url + base;
  });
  const aliases = Object.fromEntries(
    Object.entries(targets).flatMap(([name, { dialect, model, embeds }]) => [
      [name, [`${dialect}/${model}`]],
      [finder_of(name), [`${dialect}/${embeds ?? model}`]],
    ]),
  );
  return start_relay(mock, aliases, env);
}

const tasks_of = ({ tasks, left_out = {}, more = {} }, format) =>
  [...tasks, ...(more[format] ?? [])].filter((task) => !left_out[format]?.includes(task));

/** A row's cells, a text for each target; faults are added to `faults`. */
async function row(mock, client, sdk, format, faults, counts) {
  const relay = await start(mock);
  const cells = [];
  for (const target of Object.keys(targets)) {
    const wrong = [];
    let thoughts_lost = false;
    for (const name of tasks_of(sdk, format)) {
      let fault;
      try {
        fault = await cell(mock, relay, client, sdk, format, target, name);
      } catch (error) {
        fault = error.message;
      }
      counts.all += 1;
      if (fault === lost) {
        thoughts_lost = true;
        counts.lost += 1;
      } else if (fault !== '') {
        wrong.push(name);
        faults.push(`${sdk.language} ${name_of(sdk)}, ${format}, ${target}, ${name}: ${fault}`);
      }
    }
    cells.push(wrong.length > 0 ? wrong.join(', ') : thoughts_lost ? 'ok *' : 'ok');
  }
  await relay.stop();
  return cells;
}

const chosen = sdks.filter(
  (sdk) => words.length === 0 || words.some((word) => name_of(sdk).includes(word)),
);
const commands = [];
for (const sdk of chosen) commands.push(await installed(sdk));

const mock = await start_mock();
const faults = [];
const counts = { all: 0, lost: 0 };
console.log(`| SDK | format | ${Object.keys(targets).join(' | ')} |`);
console.log(`|${'---|'.repeat(Object.keys(targets).length + 2)}`);
for (const [i, sdk] of chosen.entries()) {
  const client = begin(commands[i]);
  for (const format of sdk.formats) {
    const cells = await row(mock, client, sdk, format, faults, counts);
    console.log(`| ${sdk.language}: ${name_of(sdk)} | ${format} | ${cells.join(' | ')} |`);
  }
  client.stop();
}
await mock.stop();
console.log('\n`*`: the SDK does not send the thought back; what goes out in its stead is taken.');
for (const fault of faults) console.log(`- ${fault}`);
console.log(`\n${counts.all - faults.length} passed, ${faults.length} failed`);
process.exitCode = faults.length > 0 ? 1 : 0;
