// What a provider says is not always fit for players: our own keys, names of accounts, inner places.
// Nor is it always about us: it repeats what a player asked for.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { events_of } from '../../relay/mock_upstream.mjs';
import { situation } from '../../relay/situation.mjs';
import { connect_socket } from '../sockets.mjs';
import { aliases, chat, shown } from '../stage.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const command = process.env.REDOUBT_CLI_BINARY ?? `${root}build/native-release/tools/cli/redoubt`;
const key = 'sk-proj-Planted4f1c9a7be2d85036Zz91QmRt7uXy';
const secrets = {
  'the key': key,
  'half of the key': key.slice(0, 22),
  'its other half': key.slice(-20),
  'an organisation': 'org-Xy12PlantedAbCdEf3456',
  'a project': 'proj_PlantedAbCdEf3456789',
  'an inner place': '10.20.30.40:8080/planted/v1',
  'a host inside': 'gateway.planted.svc.cluster.local',
  'a file': '/srv/planted/adapters/openai.py',
};
const masked = `${key.slice(0, 12)}***************${key.slice(-4)}`;
const words = `Incorrect API key provided: Bearer ${key} (${masked}) of ${secrets['an organisation']}, ${secrets['a project']}, see http://${secrets['an inner place']} at https://${secrets['a host inside']}/x in ${secrets['a file']} line 12`;

const dialects = ['openai', 'anthropic', 'gemini', 'openai-responses'];
const usual = ['openai', 'anthropic', 'google', 'responses'];

/**
 * The relay with a sealed key for each provider, before a mock that gets it with every call. Beside
 * the usual providers there are `extra` ones, p0, p1 ..., with one model each under the same name: a
 * key that was refused rests, and a target that failed has a breaker.
 */
async function start_with_key(stage, extra = 0) {
  const vault = ['--store', stage.at('relay.db'), '--master-key', stage.at('master.key')];
  const redoubt = (args, input) => {
    const result = spawnSync(command, args, { input, encoding: 'utf8', cwd: stage.folder });
    if (result.status !== 0) throw new Error(`${args.join(' ')}: ${result.stderr}`);
  };
  redoubt(['keys', 'new-master', stage.at('master.key')]);
  const mock = await stage.mock();
  const env = { REDOUBT_VAULT_MASTER_KEY_FILE: stage.at('master.key') };
  const names = { ...aliases };
  for (let i = 0; i < extra; ++i) {
    const at = `REDOUBT_PROVIDERS_${usual.length + i}`;
    env[`${at}_NAME`] = `p${i}`;
    env[`${at}_DIALECT`] = dialects[i % dialects.length];
    env[`${at}_BASE_URL`] = `${mock.url}/v1`;
    names[`p${i}`] = [`p${i}/model-${i}`];
  }
  for (const provider of [...usual, ...Array.from({ length: extra }, (_, i) => `p${i}`)])
    redoubt(['keys', 'add', provider, '--provider', provider, ...vault], key);
  await stage.start(mock, env, names);
  return mock;
}

/** Which of the secrets are in a text, in whatever case or escape they stand there. */
function secrets_in(text) {
  const plain = text
    .replaceAll('\\/', '/')
    .replace(/\\u00([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  const found = Object.entries(secrets)
    .filter(([, secret]) => plain.toLowerCase().includes(secret.toLowerCase()))
    .map(([name]) => name);
  if (plain.includes(masked)) found.push('the masked key');
  return found;
}

const error_json = (message) =>
  JSON.stringify({ error: { message, type: message, code: message, param: message } });
const failing = (status, text) => [
  { head: status, headers: { 'x-request-id': words, 'openai-organization': words } },
  { send: text },
];
const stream_head = { head: 200, headers: { 'content-type': 'text/event-stream' } };
const chunk = (content) =>
  `data: ${JSON.stringify({ id: 'x', model: 'm', choices: [{ index: 0, delta: { content } }] })}\n\n`;
const statuses = Object.fromEntries(
  [400, 401, 402, 403, 404, 413, 422, 429, 451, 500, 502, 503, 529].flatMap((status) => [
    [`${status} in JSON`, failing(status, error_json(words))],
    [`${status} in text`, failing(status, words)],
  ]),
);
const faults = {
  'a redirect': [
    { head: 302, headers: { location: `http://127.0.0.1:1/${key}` } },
    { send: words },
  ],
  'an error in a 200': [{ head: 200 }, { send: error_json(words) }],
  'an error of a stream': [stream_head, { send: `data: ${error_json(words)}\n\n` }],
  'an error after a token': [
    stream_head,
    { send: chunk('Once') },
    { send: `data: ${error_json(words)}\n\n` },
  ],
  "an error as Anthropic's": [
    stream_head,
    {
      send: `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type: 'api_error', message: words } })}\n\n`,
    },
  ],
  'no JSON': [{ head: 200 }, { send: `<html>${words}</html>` }],
  'no HTTP': [{ send: `SSH-2.0 ${key}\r\n\r\n` }, { cut: true }],
  'a strange finish': [
    { head: 200 },
    {
      send: JSON.stringify({
        id: key,
        model: key,
        system_fingerprint: key,
        choices: [{ index: 0, message: { role: 'assistant', content: 'So.' }, finish_reason: key }],
      }),
    },
  ],
};
const texts = {
  'an answer': [{ answer: { text: `I was asked with ${key}.` } }],
  'an answer in small pieces': [{ answer: { text: `I was asked with ${key}.`, piece_bytes: 5 } }],
  "a tool's arguments": [
    { answer: { text: '', tool_calls: [{ name: 'f', arguments: `{"k":"${key}"}` }] } },
  ],
};
// Where else in OpenAI's form a key can stand; as whole answers and as streams.
const message = (more) => ({
  id: 'x',
  object: 'chat.completion',
  model: 'm',
  choices: [
    { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: '', ...more } },
  ],
});
const delta = (more) =>
  `data: ${JSON.stringify({ id: 'x', model: 'm', choices: [{ index: 0, delta: more }] })}\n\n`;
const call = (id, name) => ({
  tool_calls: [{ index: 0, id, type: 'function', function: { name, arguments: '{}' } }],
});
const halves = [key.slice(0, 21), key.slice(21)];
const escaped = (value) =>
  JSON.stringify(value).replaceAll(
    key,
    [...key].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join(''),
  );
const odd_answers = Object.fromEntries(
  Object.entries({
    'a thought': { reasoning_content: key, reasoning: key },
    'a refusal': { refusal: key },
    "a call's id": call(key, 'f'),
    "a call's name": call('c1', key),
    'a text': { content: key },
    'an annotation': {
      content: 'So.',
      annotations: [{ type: 'url_citation', url_citation: { url: `https://example.org/${key}` } }],
    },
  }).flatMap(([what, more]) => [
    [`${what}, whole`, [{ head: 200 }, { send: JSON.stringify(message(more)) }]],
    [`${what}, escaped`, [{ head: 200 }, { send: escaped(message(more)) }]],
    [`${what}, streamed`, [stream_head, { send: delta(more) }, { send: 'data: [DONE]\n\n' }]],
    // What comes in pieces is one text for who reads it; an id or a name is not.
    ...(Object.values(more).every((value) => typeof value === 'string')
      ? [
          [
            `${what}, in two pieces`,
            [
              stream_head,
              ...halves.map((half) => ({
                send: delta(JSON.parse(JSON.stringify(more).replaceAll(key, half))),
              })),
              { send: 'data: [DONE]\n\n' },
            ],
          ],
        ]
      : []),
    [
      `${what}, cut after half`,
      [
        stream_head,
        { send: delta(JSON.parse(JSON.stringify(more).replaceAll(key, halves[0]))) },
        { cut: true },
      ],
    ],
  ]),
);
const paths = {
  '/v1/chat/completions': (model) => chat({ model }),
  '/v1/messages': (model) => chat({ model }),
  '/v1/responses': (model) => ({ model, max_output_tokens: 100, input: 'On?' }),
};

/** Everything of an answer that its reader has: headers, body, and the pieces of a stream as one. */
async function read_whole(stage, path, body, headers) {
  const answer = await stage.post(path, body, headers);
  const streamed = answer.headers['content-type']?.startsWith('text/event-stream');
  const said = (streamed ? events_of(answer.text) : []).map(
    ({ data }) =>
      data.choices?.[0]?.delta?.content ??
      data.choices?.[0]?.delta?.reasoning_content ??
      data.delta?.text ??
      data.delta ??
      '',
  );
  return `${JSON.stringify(answer.headers)} ${answer.text} ${said.join('')}`;
}

/** Asks each of `models` ([what it does, its name]) in each format: which secrets came in what. */
async function leaks_of(stage, models) {
  const player = stage.as('alpha', 'player');
  const leaks = {};
  const ask_all = async ([what, model]) => {
    for (const [path, body_of] of Object.entries(paths)) {
      // One of the formats is enough for streams: what they repeat comes from one place.
      for (const stream of path === '/v1/chat/completions' ? [false, true] : [false]) {
        const text = await read_whole(stage, path, { ...body_of(model), stream }, player);
        for (const secret of secrets_in(text)) (leaks[secret] ??= []).push(what);
      }
    }
  };
  await Promise.all(models.map(ask_all));
  return Object.entries(leaks).map(
    ([secret, whats]) => `${secret} in ${new Set(whats).size} (${whats[0]})`,
  );
}

const refusing = (status, error) => [
  { head: status },
  { send: JSON.stringify({ error: { type: 'invalid_request_error', ...error } }) },
];
const refusing_in_stream = (error) => [
  stream_head,
  { send: chunk('Once') },
  { send: `data: ${JSON.stringify({ error })}\n\n` },
];
const flagged = 'x requires moderation. Your input was flagged for "violence".';
const unaffordable =
  'This request requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only afford 1234.';
/** What a provider says to a player's own request, in words like those about a key or an account. */
const players_failures = {
  'a value like a bad key': refusing(400, {
    message: "Invalid value: 'incorrect api key'. Supported values are: 'auto'.",
  }),
  'a value like an empty account': refusing(400, {
    message: "'insufficient balance' is not valid under any of the given schemas",
  }),
  'an input like a used-up quota': refusing(422, {
    message: "[{'type': 'missing', 'input': 'you exceeded your current quota'}]",
  }),
  'a message that begins like a bad key': refusing(400, { message: 'Incorrect API key: x' }),
  'a 401 in words': refusing(401, { message: 'Incorrect API key: x' }),
  moderation: refusing(403, { code: 403, message: flagged }),
  'a file of others': refusing(403, { message: "The file 'file-abc' is not accessible." }),
  'a right that the request lacks': refusing(403, { message: 'No permission for the file.' }),
  'more tokens than are left': refusing(402, { code: 402, message: unaffordable }),
  'a request over the limit': refusing(429, {
    code: 'rate_limit_exceeded',
    message: 'Request too large for x on tokens per min (TPM): Limit 30000, Requested 50000.',
  }),
  'an event like a bad key': refusing_in_stream({
    code: 'tool_use_failed',
    message: "Failed to call: 'incorrect api key'",
  }),
  'an event of moderation': refusing_in_stream({ code: 403, message: flagged }),
  'an event of tokens left': refusing_in_stream({ code: 402, message: unaffordable }),
};
const players_failures_each = 12;

export const attacks = [
  {
    name: "one player's failures",
    tried: `${players_failures_each} calls each of one player that a provider refuses in ${Object.keys(players_failures).length} ways, most of which read like a fault of our key or account`,
    expected: 'another player goes on with 200 at each of them, and so does the first',
    async run(stage) {
      const whats = Object.keys(players_failures);
      const mock = await start_with_key(stage, whats.length);
      await mock.script(
        Object.values(players_failures).map((what, i) => ({
          when: { model: `model-${i}` },
          do: what,
        })),
      );
      const first = stage.as('alpha', 'player');
      const answered = [];
      for (let n = 0; n < players_failures_each; ++n)
        for (const [i, what] of whats.entries()) {
          const stream = what.startsWith('an event');
          const { status } = await stage.chat(first, { model: `p${i}`, stream });
          if (!stream && status === 200) answered.push(what);
        }
      await mock.script([]);
      const held_up = [];
      for (const player of [stage.as('beta', 'player'), first])
        for (const [i, what] of whats.entries()) {
          const { status } = await stage.chat(player, { model: `p${i}` });
          if (status !== 200) held_up.push(`${what}: ${status}`);
        }
      return {
        held: answered.length === 0 && held_up.length === 0,
        seen: `held up by ${held_up.join(', ') || 'none'}; the attack's own that were answered: ${answered.length}`,
      };
    },
  },
  ...Object.entries({ 'failures by status': statuses, 'other failures': faults }).map(
    ([name, steps]) => ({
      name,
      tried: `${Object.keys(steps).length} ways in which a provider fails with our key, accounts, hosts and files in its words, in each format, whole and streamed`,
      expected: 'none of them in any answer; the key in no log line either',
      async run(stage) {
        const mock = await start_with_key(stage, Object.keys(steps).length);
        const rules = Object.values(steps).map((what, i) => ({
          when: { model: `model-${i}` },
          do: what,
        }));
        await mock.script(rules);
        const leaks = await leaks_of(
          stage,
          Object.keys(steps).map((what, i) => [what, `p${i}`]),
        );
        const calls = (await mock.calls()).filter(({ authorization }) =>
          authorization.includes(key),
        );
        const called = calls.length >= Object.keys(steps).length;
        const logged = secrets_in(JSON.stringify(stage.relay.lines) + stage.relay.stderr());
        const key_logged = logged.filter((secret) => /key|half/.test(secret));
        return {
          held: called && leaks.length === 0 && key_logged.length === 0,
          seen: `${leaks.join(', ') || 'none'} (${calls.length} calls with the key); in the log: ${shown(key_logged)}`,
        };
      },
    }),
  ),
  {
    name: 'answers that repeat the key',
    tried: `the key in the text, in pieces of 5 bytes, in the arguments of a tool, and in ${Object.keys(odd_answers).length} other places, escaped, in two pieces, cut`,
    expected: 'no answer with the key, whole or by half',
    async run(stage) {
      const mock = await start_with_key(stage);
      const leaks = [];
      for (const [what, steps] of Object.entries(odd_answers)) {
        await mock.script([{ do: steps }]);
        leaks.push(...(await leaks_of(stage, [[what, 'mini']])));
      }
      for (const [what, steps] of Object.entries(texts)) {
        await mock.script([{ do: steps }]);
        const models = ['mini', 'haiku', 'lite', 'responses'];
        leaks.push(
          ...(await leaks_of(
            stage,
            models.map((model) => [what, model]),
          )),
        );
      }
      return { held: leaks.length === 0, seen: leaks.slice(0, 8).join(', ') || 'none' };
    },
  },
  {
    name: 'by the other doors',
    tried:
      "the key in failures and answers of a run's step, of the game's question, of /v1/ws, of /metrics",
    expected: 'no key anywhere',
    async run(stage) {
      const mock = await start_with_key(stage);
      const player = stage.as('alpha', 'player');
      const workflow = {
        name: 'one_call',
        llms: { one: { model_name: 'mini' } },
        workflow: [{ id: 'x', model: 'one', prompt: 'On?' }],
        result: '{{ steps.x.text }}',
      };
      const found = [];
      const look = (what, text) => {
        for (const secret of secrets_in(text)) found.push(`${secret} in ${what}`);
      };
      for (const steps of [statuses['500 in JSON'], statuses['400 in JSON'], texts['an answer']]) {
        await mock.script([{ do: steps }]);
        look('the question', (await stage.post('/api/team-strategy', situation, player)).text);
        const begun = await stage.post('/api/workflows/runs', { workflow }, player);
        const { id } = begun.json();
        const run = await stage.run_when(id, player, ({ status }) => status !== 'running');
        look('a run', JSON.stringify(run));
        const events = await stage.get(`/api/workflows/runs/${id}/events`, player);
        look("a run's events", events.text);
        const socket = await connect_socket(stage.relay, '/v1/ws', player);
        socket.send({ type: 'call', id: 'a', format: 'openai.chat', request: chat() });
        await socket.frame(({ type }) => type === 'end' || type === 'error');
        look('a socket', JSON.stringify(socket.frames));
        socket.close();
      }
      look('/metrics', await (await fetch(`${stage.relay.admin}/metrics`)).text());
      return { held: found.length === 0, seen: found.slice(0, 5).join(', ') || 'none' };
    },
  },
  {
    name: 'the database',
    tried: 'another program holds a lock on the store while runs are begun, listed and answered',
    expected: 'refused without SQL, file or table',
    async run(stage) {
      await stage.start(await stage.greedy());
      const player = stage.as('alpha', 'player');
      const workflow = { name: 'w', workflow: [{ id: 'sure', ask: 'Sure?' }], result: 'x' };
      const begun = (await stage.post('/api/workflows/runs', { workflow }, player)).json();
      const script = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
    if not name.startswith("sqlite_"): db.execute(f'ALTER TABLE "{name}" RENAME TO "gone_{name}"')
db.execute("COMMIT")
print("locked", flush=True)
sys.stdin.read()
`;
      const locker = spawn('python3', ['-c', script, stage.at('relay.db')], {
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      stage.later(() => locker.kill());
      await once(locker.stdout, 'data');
      const texts_seen = [];
      for (const [path, body] of [
        ['/api/workflows/runs', { workflow }],
        [`/api/workflows/runs/${begun.id}/approve`, { question: 'sure#1', value: 1 }],
      ]) {
        const answer = await Promise.race([
          stage.post(path, body, player),
          new Promise((wake) => setTimeout(wake, 6_000, null)),
        ]);
        if (answer) texts_seen.push(`${answer.status} ${answer.text}`);
      }
      for (const path of ['/api/workflows/runs', '/api/usage']) {
        const answer = await stage.get(path, player);
        texts_seen.push(`${answer.status} ${answer.text}`);
      }
      const told = texts_seen.filter((text) =>
        /sqlite|insert|select|update |\.db|no such table|redoubt-attack|SQL/i.test(text),
      );
      return {
        held: told.length === 0,
        seen: told[0]?.slice(0, 200) ?? `${texts_seen.map((text) => text.slice(0, 40)).join('; ')}`,
      };
    },
  },
];
