// Bytes that no client should send, and files that no author should write.
import { writeFileSync } from 'node:fs';
import { say, status_in } from '../sockets.mjs';
import { counted, shown } from '../stage.mjs';

const runs = '/api/workflows/runs';
const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
const ends = (run) => run.status !== 'running';

const keys = [
  'a-b',
  'Content-Type',
  '1a',
  '',
  'é',
  'a b',
  'a.b',
  "it's",
  'if',
  'a]',
  '\\n',
  '日本',
  '0',
  '-1',
  '"',
];
const in_places = (key) => {
  const quoted = `input[${JSON.stringify(key)}]`;
  const single = `input['${key.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}']`;
  return [
    { workflow: [{ id: 'a', emit: 'show', with: `{{ ${quoted} }}` }], result: `{{ ${quoted} }}` },
    { workflow: [{ id: 'a', emit: 'show', with: `{{ ${single} }}` }], result: `{{ ${single} }}` },
    { workflow: [{ id: 'a', when: `${quoted} == 1`, emit: 'show' }], result: `{{ ${quoted} }}` },
    {
      workflow: [{ id: 'a', emit: 'x', with: `{{ input.deep[${JSON.stringify(key)}].x }}` }],
      result: 1,
    },
    { workflow: [{ id: 'a', emit: 'x' }], result: `{{ steps[${JSON.stringify(key)}] }}` },
    {
      state: { s: {} },
      workflow: [{ set: { s: `{{ ${quoted} }}` } }],
      result: `{{ state[${JSON.stringify('s')}] }}`,
    },
  ];
};

const chunked = (lines) =>
  `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${lines}`;
const follows = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
const chunk_lines = {
  'a quoted line break': '2;a="\r\n{}\r\n0\r\n\r\n',
  'a quoted line break and end': `2;a="\r\n"\r\n{}\r\n0\r\n\r\n${follows}`,
  'a control': '2;a=\u0001\r\n{}\r\n0\r\n\r\n',
  'a zero byte': '2;\u0000\r\n{}\r\n0\r\n\r\n',
  'a bare line feed': '2\n{}\r\n0\r\n\r\n',
  'a bare carriage return': '2;a=\rb\r\n{}\r\n0\r\n\r\n',
  'many zeros': `${'0'.repeat(4_000)}2\r\n{}\r\n0\r\n\r\n`,
  'zeros before the end': `2\r\n{}\r\n${'0'.repeat(4_000)}\r\n\r\n${follows}`,
  'a sign': '+2\r\n{}\r\n0\r\n\r\n',
  'a prefix': '0x2\r\n{}\r\n0\r\n\r\n',
  'a space': ' 2\r\n{}\r\n0\r\n\r\n',
  'a size of 2^64': '10000000000000002\r\n{}\r\n0\r\n\r\n',
  'no size': '\r\n{}\r\n0\r\n\r\n',
  'a long extension': `2;${'a'.repeat(100_000)}\r\n{}\r\n0\r\n\r\n`,
  'no line end after data': '2\r\n{}0\r\n\r\n',
};

/** A file of `bytes` whose aliases stand for the same long text again and again. */
const aliases_file = (copies) =>
  `name: aliased\nworkflow:\n  - emit: x\n    with:\n      a: &a ${'x'.repeat(60_000)}\n      b: [${Array(copies).fill('*a').join(', ')}]\nresult: 1\n`;
const tower_file = (levels) =>
  `name: tower\nworkflow:\n  - emit: x\n    with:\n      a0: &a0 [x, x, x, x, x, x, x, x, x]\n${Array.from(
    { length: levels },
    (_, i) => `      a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]\n`,
  ).join('')}result: 1\n`;

/** A list of about `bytes` that holds nothing but `part`. */
const list_of = (part, bytes) =>
  `[${Array(Math.floor(bytes / (part.length + 1)))
    .fill(part)
    .join(',')}]`;
const small_parts = ['[]', '{}', '""', '0', '{"":0}', '[[[[0]]]]'];
const small_parts_bytes = 7_900_000;

export const attacks = [
  {
    name: 'keys in brackets',
    tried: `${keys.length} keys that are no identifiers, in six places of a workflow, by POST and in the watched folder`,
    expected: 'run or refused with 400; the relay lives',
    async run(stage) {
      await stage.start(await stage.greedy(), { REDOUBT_WORKFLOWS_DIRECTORY: stage.folder });
      const author = stage.as('alpha', 'author');
      const statuses = [];
      let wrong = 0;
      for (const key of keys) {
        for (const [place, parts] of in_places(key).entries()) {
          const input = { [key]: 1, deep: { [key]: { x: 1 } } };
          const workflow = { name: 'w', ...parts };
          const answer = await stage.post(runs, { workflow, input }, author);
          statuses.push(answer.status);
          if (answer.status !== 201 || place > 2) continue;
          const run = await stage.run_when(answer.json().id, author, ends);
          if (run.outcome !== 1) ++wrong;
        }
      }
      writeFileSync(
        stage.at('hyphen.yaml'),
        `name: hyphen\nworkflow:\n  - {id: a, emit: show, with: "{{ input['Content-Type'] }}"}\nresult: "{{ input['Content-Type'] }}"\n`,
      );
      await pause(900);
      const answer = await stage.post(
        runs,
        { workflow: 'hyphen', input: { 'Content-Type': 1 } },
        author,
      );
      return {
        held: statuses.every((s) => s === 201 || s === 400) && wrong === 0 && answer.status === 201,
        seen: `${shown(counted(statuses))}, ${wrong} with a wrong value, the folder's: ${answer.status}`,
      };
    },
  },
  {
    name: 'chunk lines',
    tried: `${Object.keys(chunk_lines).length} bad ones before a good second request`,
    expected: '400, the connection closed, and no second answer',
    async run(stage) {
      await stage.start(await stage.greedy());
      const wrong = [];
      for (const [what, lines] of Object.entries(chunk_lines)) {
        const said = await say(stage.relay.port, chunked(lines));
        const answers = said.split('HTTP/1.1 ').length - 1;
        const status = status_in(said);
        if (status < 400 || status >= 500 || status === 408 || answers !== 1)
          wrong.push(`${what}: ${answers} answers, ${status}`);
      }
      return { held: wrong.length === 0, seen: wrong.join('; ') || 'all refused' };
    },
  },
  {
    name: 'many small parts',
    tried: `${small_parts.length} kinds of parts in bodies of ${small_parts_bytes / 1e6} MB, at each door that reads JSON at once`,
    expected: 'refused before they take sixty times their bytes',
    async run(stage) {
      await stage.start(await stage.greedy());
      const author = stage.as('alpha', 'author');
      const doors = {
        '/v1/chat/completions': (list) =>
          `{"model":"mini","messages":[{"role":"user","content":"a"}],"tools":${list}}`,
        '/v1/messages': (list) => `{"model":"haiku","max_tokens":9,"messages":${list}}`,
        '/v1/responses': (list) => `{"model":"responses","input":${list}}`,
        [runs]: (list) =>
          `{"workflow":{"name":"w","workflow":[{"emit":"x"}],"result":1},"input":${list}}`,
        '/api/team-strategy': (list) => `{"agents":${list}}`,
      };
      const statuses = [];
      for (const part of small_parts) {
        const list = list_of(part, small_parts_bytes);
        const answers = await Promise.all(
          Object.entries(doors).map(([path, body]) => stage.post(path, body(list), author)),
        );
        statuses.push(...answers.map((answer) => answer.status));
      }
      const told = new Set([400, 413, 422, 503]);
      return { held: statuses.every((s) => told.has(s)), seen: shown(counted(statuses)) };
    },
  },
  {
    name: 'aliases in the folder',
    tried: 'files of the watched folder whose aliases stand for 360 MB of text, and for 9^7 values',
    expected: 'refused with a line in the log, memory within bounds',
    async run(stage) {
      await stage.start(await stage.greedy(), { REDOUBT_WORKFLOWS_DIRECTORY: stage.folder });
      writeFileSync(stage.at('aliased.yaml'), aliases_file(6_000));
      writeFileSync(stage.at('tower.yaml'), tower_file(6));
      const refused = new Set();
      for (let i = 0; i < 40 && refused.size < 2; ++i) {
        await pause(100);
        for (const line of stage.relay.lines)
          if (line.event === 'workflow_refused') refused.add(line.file);
      }
      return { held: refused.size === 2, seen: `refused: ${[...refused].join(', ')}` };
    },
  },
  {
    name: 'the policy of a public page',
    tried: 'the page under a public name, from another address, and under localhost',
    expected: 'connect-src names localhost only where the page itself is there',
    async run(stage) {
      writeFileSync(stage.at('index.html'), '<!doctype html><title>page</title>');
      await stage.start(await stage.greedy(), {
        REDOUBT_WWW: stage.folder,
        REDOUBT_LISTENERS_0_HOSTS: 'play.example.org',
        REDOUBT_LISTENERS_0_ANONYMOUS: 'on',
      });
      const policy = async (host) => {
        const answer = await stage.get('/', { Host: host, Accept: 'text/html' });
        return answer.headers['content-security-policy'] ?? `none (${answer.status})`;
      };
      const open = await policy('play.example.org');
      const local = await policy(`localhost:${stage.relay.port}`);
      return {
        held:
          /connect-src/.test(open) &&
          !/localhost|127\.0\.0\.1/.test(open) &&
          /connect-src/.test(local),
        seen: /connect-src[^;]*/.exec(open)?.[0] ?? open,
      };
    },
  },
];
