// Workflows of strangers: 1 KB of text that asks for a day's work, or for all memory.
import { connect } from '../sockets.mjs';
import { counted, shown } from '../stage.mjs';

const runs = '/api/workflows/runs';
const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
const doubling = (times) =>
  Array.from({ length: times }, () => ({ set: { text: '{{ state.text ~ state.text }}' } }));
const loop = (more, ...steps) => ({ loop: { max: 100_000, ...more }, do: steps });
const flow = (name, workflow, more = {}) => ({ name, workflow, result: 'done', ...more });
const texts = { state: { text: { initial: 'xxxxxxxxxxxxxxxx' } } };
const list = { state: { list: { reducer: 'append' } } };

const doubling_list = (first) =>
  flow(
    'doubling list',
    [{ set: { list: first } }, loop({}, { set: { list: '{{ state.list }}' } })],
    list,
  );
const numbers = '{{ range(0, 1000) | list }}';
/** Each takes many times its text in memory, and a block of its own. */
const small_parts = [[], {}, 'x', { a: 1 }, 'a text of some length'];

/** An expression that costs much each time it is looked at: sums over long ranges. */
const dear = '{{ range(0, 3000 + round) | list | sort | reverse | join(",") | length }}';

const workflows = {
  'a loop of 100,000 rounds': flow('loop', [loop({}, { emit: 'x' })]),
  'a dear loop': flow('dear', [loop({}, { set: { text: dear } })], texts),
  'loops within loops': flow(
    'nested',
    [loop({}, loop({}, loop({}, { set: { text: '{{ round }}' } })))],
    texts,
  ),
  'nothing in a loop': flow('empty', [
    loop({ until: 'round < 0' }, { when: 'round < 0', emit: 'x' }),
  ]),
  'doubling texts': flow('doubling', [loop({}, ...doubling(30))], texts),
  'a list that grows': flow(
    'growing',
    [loop({}, { set: { list: '{{ range(0, 1000) | list }}' } })],
    list,
  ),
  'a list that doubles itself': doubling_list(numbers),
  'a list that doubles itself, of small parts': doubling_list(small_parts),
  'itself again and again': flow('again', [{ handoff: { workflow: 'self' }, with: '{{ input }}' }]),
  'twice itself': flow('twice', [
    { parallel: { a: { child: 'triage', with: {} }, b: { child: 'triage', with: {} } } },
    { handoff: { workflow: 'self' }, with: '{{ input }}' },
  ]),
  'for each of many, at once': flow('many', [
    {
      for_each: 'input',
      at_once: 1000,
      do: { for_each: 'input', at_once: 1000, do: { emit: 'x' } },
    },
  ]),
  'timers of a millisecond': flow('timers', [loop({}, { wait: { for: '1ms' } })]),
  'failures tried again': flow(
    'failing',
    [
      loop(
        {},
        {
          tool: 't',
          retry: { attempts: 100, initial: '1ms', multiplier_permille: 1000 },
          fallback: { emit: 'x' },
        },
      ),
    ],
    { functions: { t: { class: 'idempotent' } } },
  ),
};
const input = Array.from({ length: 2_000 }, (_, i) => i);
/** Doubles so many texts to 1 MiB each; what follows is done beside them. */
const swelling = (name, texts_count, ...then) => {
  const names = Array.from({ length: texts_count }, (_, i) => `t${i}`);
  const each = (of) => Object.fromEntries(names.map((one, i) => [one, of(one, i)]));
  return flow(
    name,
    [loop({ max: 16 }, { set: each((one) => `{{ state.${one} ~ state.${one} }}`) }), ...then],
    {
      state: each((_, i) => ({ initial: `text ${i}`.padEnd(16), reducer: 'replace' })),
    },
  );
};
const ends = (run) => run.status !== 'running';

/** Does a neighbour's small run end meanwhile? How it ended. */
async function neighbour(stage) {
  const other = stage.as('beta', 'neighbour');
  const small = flow('small', [{ wait: { for: '10ms' } }, { emit: 'x' }]);
  const begun = await stage.post(runs, { workflow: small }, other);
  if (begun.status !== 201) return `${begun.status} ${begun.text.slice(0, 80)}`;
  return (await stage.run_when(begun.json().id, other, ends)).status;
}

const bundle_type = 'application/vnd.redoubt.bundle';
/** Bundles of runs of `workflow`, which each wait for an answer when they are exported. */
async function bundles_of(stage, count, order, headers) {
  const bundles = [];
  for (let i = 0; i < count; ++i) {
    const { id } = (await stage.post(runs, order, headers)).json();
    await stage.run_when(id, headers, (run) => run.questions.length > 0 || ends(run));
    const exported = await fetch(`${stage.relay.url}${runs}/${id}/export`, {
      method: 'POST',
      headers,
    });
    if (exported.status !== 200) throw new Error(`export: ${await exported.text()}`);
    bundles.push(new Uint8Array(await exported.arrayBuffer()));
    await stage.get(`${runs}/${id}`, headers, { method: 'DELETE' });
  }
  return bundles;
}

// Together 2,000 places where one atom stands a thousand times.
const pattern = (i) => `^(?:[a-z\\u00c0-\\u024f${i}]{900}){1,9}$`;
const patterns = (count, of = pattern) => ({
  type: 'object',
  properties: Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`p${i}`, { type: 'string', pattern: of(i) }]),
  ),
});
const pattern_flow = (schema) => ({
  name: 'patterns',
  input: schema,
  llms: { one: { model_name: 'mini' } },
  workflow: [
    { id: 'sure', ask: 'Sure?' },
    { id: 'x', model: 'one', prompt: 'On?', output: schema },
  ],
  result: 'done',
});
const heavy_schemas = {
  'many patterns': patterns(1_500, (i) => `^[a-z]{1,${600 + (i % 400)}}[^\\w]{800}$`),
  'classes of all letters': patterns(
    600,
    (i) => `^[\\p{L}\\p{Nd}${String.fromCodePoint(0x2200 + i)}]{${300 + i}}$`,
  ),
  'pattern properties': {
    type: 'object',
    patternProperties: Object.fromEntries(
      Array.from({ length: 1_000 }, (_, i) => [
        `^k${i}(?:ab?){900}$`,
        { pattern: `^(?:x${i}y?){900}$` },
      ]),
    ),
  },
  'one pattern in many places': {
    allOf: Array.from({ length: 3_000 }, () => ({ pattern: '^(?:[a-z]?){900}$' })),
  },
};

export const attacks = [
  ...Object.entries(workflows).map(([name, workflow]) => ({
    name,
    tried:
      'as one run of a caller with workflow:author, then a run of another tenant, then SIGTERM',
    expected: "the neighbour's run is done; health and end as promised",
    async run(stage) {
      await stage.start(await stage.greedy());
      const begun = await stage.post(runs, { workflow, input }, stage.as('alpha', 'author'));
      const other = await neighbour(stage);
      await new Promise((wake) => setTimeout(wake, 1_500));
      const again = await neighbour(stage);
      return {
        held: other === 'done' && again === 'done' && begun.status < 500,
        seen: `${begun.status} ${begun.status === 201 ? '' : begun.text.slice(0, 120)}, neighbour: ${other}, ${again}`,
      };
    },
  })),
  {
    name: 'a hundred of them, of two players',
    tried:
      'fifty runs of 100,000 rounds each of two players, a third asks, SIGTERM, SIGKILL and start, SIGTERM',
    expected: "the neighbour's runs are done, before and after the restart",
    async run(stage) {
      await stage.start(await stage.greedy());
      // At the same time: who has many runs waits for turns of their own.
      const begin = (_, i) => {
        const kinds = ['a loop of 100,000 rounds', 'a dear loop', 'doubling texts'];
        const workflow = workflows[kinds[i % kinds.length]];
        return stage.post(runs, { workflow, input: 1 }, stage.as('alpha', `author-${i % 2}`));
      };
      const begun = Promise.all(Array.from({ length: 100 }, begin)).catch(() => []);
      await pause(1_000);
      const before = await neighbour(stage);
      await stage.restart('SIGKILL');
      const after = await neighbour(stage);
      const statuses = (await begun).map(({ status }) => status);
      return {
        held: before === 'done' && after === 'done',
        seen: `begun: ${shown(counted(statuses))}, neighbour: ${before}, after the restart ${after}`,
      };
    },
  },
  {
    name: 'lists that double themselves, of ten owners',
    tried:
      'one run each of ten owners, three times, a run of another tenant, then SIGTERM meanwhile',
    expected: "the neighbour's run is done; memory, health and end as promised",
    async run(stage) {
      await stage.start(await stage.greedy());
      const statuses = [];
      const begin_all = async () => {
        const begin = (_, i) => {
          const workflow = doubling_list(i % 2 ? small_parts : numbers);
          return stage.post(runs, { workflow }, stage.as('alpha', `author-${i}`));
        };
        statuses.push(...(await Promise.all(Array.from({ length: 10 }, begin))));
      };
      await begin_all();
      const other = await neighbour(stage);
      await begin_all();
      const again = await neighbour(stage);
      await begin_all();
      return {
        held: other === 'done' && again === 'done',
        seen: `begun: ${shown(counted(statuses.map(({ status }) => status)))}, neighbour: ${other}, ${again}`,
      };
    },
  },
  {
    name: 'heavy imports of ten owners',
    tried:
      "of each at once: a bundle of 3 KB whose run swells to 20 MiB, two of 3.9 MB; a neighbour's run, then SIGTERM",
    expected: "imported, or refused with 429 or 503; the neighbour's run is done",
    async run(stage) {
      const provider = await stage.greedy();
      // Another relay's, so that nobody here has signed them.
      await stage.start(provider, { REDOUBT_STORE_PATH: stage.at('elsewhere.db') });
      const maker = stage.as('alpha', 'maker');
      const empty = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`t${i}`, '']));
      const swells = swelling('swells', 20, { set: empty }, { ask: 'Sure?' });
      const bundles = [
        ...(await bundles_of(stage, 1, { workflow: swells }, maker)),
        ...(await bundles_of(
          stage,
          2,
          { workflow: flow('full', [{ ask: 'Sure?' }]), input: 'x'.repeat(3_900_000) },
          maker,
        )),
      ];
      await stage.start(provider);
      const bring = async (bundle, owner) => {
        const headers = { ...stage.as('alpha', owner), 'Content-Type': bundle_type };
        const said = await fetch(`${stage.relay.url}${runs}`, {
          method: 'POST',
          headers,
          body: bundle,
        });
        await said.text();
        return said.status;
      };
      const owners = Array.from({ length: 10 }, (_, i) => `author-${i}`);
      const brought = Promise.all(
        owners.flatMap((owner) => bundles.map((bundle) => bring(bundle, owner))),
      );
      const other = await neighbour(stage);
      const statuses = await brought;
      return {
        held:
          other === 'done' &&
          statuses.includes(201) &&
          statuses.every((status) => [201, 429, 503].includes(status)),
        seen: `${shown(counted(statuses))}, neighbour: ${other}`,
      };
    },
  },
  {
    name: 'heavy runs that the clock wakes at once',
    tried:
      'two each of three owners that take 16 MiB and wait for one moment; SIGKILL and start before it',
    expected:
      "each is done, was cancelled for its memory or is set aside; the neighbour's run is done",
    async run(stage) {
      await stage.start(await stage.greedy());
      // Parked: it was being read as the process was killed, and is set aside.
      const over = ['done', 'cancelled', 'parked'];
      // Who looks while there is no room is told so.
      const is_over = ({ status }) => over.includes(status);
      const at_ms = Date.now() + 5_000;
      const wakes = swelling(
        'wakes',
        16,
        { wait: { until: '{{ input }}' } },
        loop({ max: 5 }, { set: { t0: dear } }),
      );
      const begun = [];
      const statuses = [];
      for (let i = 0; i < 6; ++i) {
        const owner = stage.as('alpha', `author-${i % 3}`);
        const answer = await stage.post(runs, { workflow: wakes, input: at_ms }, owner);
        statuses.push(answer.status);
        if (answer.status === 201) begun.push([answer.json().id, owner]);
      }
      await stage.restart('SIGKILL');
      await pause(Math.max(at_ms - Date.now(), 0));
      const other = await neighbour(stage);
      const ended = await Promise.all(
        begun.map(async ([id, owner]) => (await stage.run_when(id, owner, is_over)).status),
      );
      return {
        held:
          other === 'done' && ended.length > 3 && ended.every((status) => over.includes(status)),
        seen: `begun: ${shown(counted(statuses))}, then: ${shown(counted(ended))}; neighbour: ${other}`,
      };
    },
  },
  {
    name: 'runs that wait with what they were given',
    tried:
      '160 runs of two owners that wait for ever, each with an input of 480 KB; SIGKILL and start; signals to ten',
    expected: 'memory within bounds before and after the start; the ten go on',
    async run(stage) {
      await stage.start(await stage.greedy());
      const workflow = flow('waiting', [{ wait: { signal: 'go' } }]);
      const text = JSON.stringify(
        Array.from({ length: 40_000 }, (_, i) => `${i}`.padStart(8, '0')),
      );
      const owners = [stage.as('alpha', 'author-0'), stage.as('alpha', 'author-1')];
      const ids = [];
      const statuses = [];
      for (let at = 0; at < 160; at += 10) {
        const begin = (_, i) =>
          stage.post(runs, { workflow, input: JSON.parse(text) }, owners[i % 2]);
        const begun = await Promise.all(Array.from({ length: 10 }, begin));
        statuses.push(...begun.map(({ status }) => status));
        begun.forEach((one, i) => {
          if (one.status === 201) ids.push([one.json().id, owners[i % 2]]);
        });
      }
      await stage.restart('SIGKILL');
      const ended = [];
      for (const [id, owner] of ids.slice(-10)) {
        await stage.post(`${runs}/${id}/signal`, { name: 'go', value: 1 }, owner);
        ended.push((await stage.run_when(id, owner, ends)).status);
      }
      return {
        held: ids.length === 160 && ended.every((status) => status === 'done'),
        seen: `begun: ${shown(counted(statuses))}, then: ${shown(counted(ended))}`,
      };
    },
  },
  ...Object.entries(heavy_schemas).map(([name, schema]) => ({
    name,
    tried: 'a workflow whose schema has them, by workflow:author, twice; then a restart',
    expected: 'refused with 400, or its memory is within bounds; the relay starts again',
    async run(stage) {
      await stage.start(await stage.greedy());
      const author = stage.as('alpha', 'author');
      const order = { workflow: pattern_flow(schema), input: {} };
      const statuses = [];
      let said = '';
      for (let i = 0; i < 2; ++i) {
        const answer = await stage.post(runs, order, author);
        statuses.push(answer.status);
        if (answer.status !== 201) said = answer.text.slice(0, 160);
      }
      await stage.restart('SIGKILL');
      const other = await neighbour(stage);
      return {
        held: statuses.every((status) => status === 201 || status === 400) && other === 'done',
        seen: `${statuses.join(' ')} ${said}; neighbour after the restart: ${other}`,
      };
    },
  })),
  {
    name: 'small definitions that are large once they are read',
    tried: '100 runs of one owner that wait, and whose 1.4 KB of text compile to 1 MiB of patterns',
    expected: "memory within bounds; begun or refused; the neighbour's run is done",
    async run(stage) {
      await stage.start(await stage.greedy());
      const letters = ['b-y', 'c-x', 'd-w', 'e-v', 'f-u', 'g-t', 'h-s'];
      const long = letters.map((range) => `[${range}]{1000}`).join('');
      const own = (i) =>
        flow('compiled', [{ wait: { signal: 'go' } }], {
          input: patterns(
            10,
            (at) => `^[a-z${String.fromCodePoint(0x4e00 + i)}${at}]{1000}${long}$`,
          ),
        });
      const statuses = [];
      for (let at = 0; at < 100; at += 10) {
        const begin = (_, i) =>
          stage.post(runs, { workflow: own(at + i), input: {} }, stage.as('alpha', 'author'));
        const begun = await Promise.all(Array.from({ length: 10 }, begin));
        statuses.push(...begun.map(({ status }) => status));
      }
      const other = await neighbour(stage);
      return {
        held: statuses.every((status) => status === 201 || status === 429) && other === 'done',
        seen: `begun: ${shown(counted(statuses))}, neighbour: ${other}`,
      };
    },
  },
  {
    name: 'large bodies',
    tried:
      'ten times four starts, signals and answers at once, of up to 5 MB of escapes and small values',
    expected: 'read, or refused with 4xx or 503; health as promised',
    async run(stage) {
      await stage.start(await stage.greedy());
      const author = stage.as('alpha', 'author');
      const begun = await stage.post(runs, { workflow: flow('asks', [{ ask: 'Sure?' }]) }, author);
      const { id } = begun.json();
      // As text, because escapes are what takes long to read.
      const escaped = (bytes) => `"${'\\u00e9'.repeat(bytes / 6)}"`;
      const values = (bytes) => `[${'[],'.repeat(bytes / 3)}[]]`;
      const send = (path, body) => stage.post(path, body, author);
      const kinds = [
        () => send(runs, `{"workflow":"triage","input":${escaped(5_000_000)}}`),
        () => send(runs, `{"workflow":{"name":${escaped(5_000_000)}}}`),
        () => send(`${runs}/${id}/signal`, `{"name":"n","value":${values(600_000)}}`),
        () => send(`${runs}/${id}/approve`, `{"question":"q","value":${escaped(1_000_000)}}`),
      ];
      const statuses = [];
      for (let wave = 0; wave < 10; ++wave)
        statuses.push(...(await Promise.all(kinds.map((kind) => kind()))).map((a) => a.status));
      return {
        held: statuses.every((status) => status < 500 || status === 503),
        seen: shown(counted(statuses)),
      };
    },
  },
  {
    name: 'watchers of a long run',
    tried:
      '200 watchers of a run of 4,000 events, from its beginning, who do not read, and 16 who do',
    expected: 'health as promised, memory within bounds',
    async run(stage) {
      await stage.start(await stage.greedy());
      const author = stage.as('alpha', 'author');
      const workflow = flow('long', [
        { loop: { max: 2_000 }, do: [{ emit: 'x', with: { text: 'x'.repeat(200) } }] },
        { ask: 'Sure?' },
      ]);
      const begun = await stage.post(runs, { workflow }, author);
      if (begun.status !== 201) return { held: false, seen: begun.text.slice(0, 200) };
      const { id } = begun.json();
      await stage.run_when(
        id,
        author,
        (run) => run.status !== 'running' || run.questions.length > 0,
      );
      const head = (after) =>
        `GET ${runs}/${id}/events?after=${after} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${author.Authorization}\r\n\r\n`;
      for (let i = 0; i < 200; ++i) {
        const wire = await connect(stage.relay.port, { read: i % 13 === 0 });
        stage.later(() => wire.socket.destroy());
        wire.socket.write(head(-1));
      }
      await new Promise((wake) => setTimeout(wake, 1_500));
      return {
        held: true,
        seen: `the run: ${(await stage.get(`${runs}/${id}`, author)).json().status}`,
      };
    },
  },
  {
    name: 'mailboxes',
    tried: '3,000 signals of 100 KB each to one run that waits for none of them',
    expected:
      'refused once its owner has no room; memory within bounds; listed and looked at in time',
    async run(stage) {
      await stage.start(await stage.greedy());
      const author = stage.as('alpha', 'author');
      const begun = await stage.post(
        runs,
        { workflow: flow('box', [{ wait: { signal: 'never' } }]) },
        author,
      );
      const { id } = begun.json();
      const value = 'x'.repeat(100_000);
      const statuses = [];
      const path = `${runs}/${id}/signal`;
      for (let at = 0; at < 3_000; at += 30) {
        const send = (_, i) => stage.post(path, { name: `s${at + i}`, value }, author);
        statuses.push(
          ...(await Promise.all(Array.from({ length: 30 }, send))).map((a) => a.status),
        );
        if (statuses.slice(-30).every((status) => status !== 200)) break;
      }
      const listed = (await stage.get(runs, author)).status;
      return {
        held: listed === 200 && statuses.some((s) => s !== 200),
        seen: shown(counted(statuses)),
      };
    },
  },
  {
    name: 'memories',
    tried: "80 runs whose agent's memory keeps 100 KB each",
    expected: 'bounded for each owner: health as promised, memory within bounds',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, {
        REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: '50',
      });
      const author = stage.as('alpha', 'author');
      const workflow = {
        name: 'remembering',
        llms: { one: { model_name: 'mini' } },
        agents: { desk: { llm: 'one', memory: { scope: 'user', recall: 5 } } },
        workflow: [{ id: 'x', agent: 'desk', prompt: '{{ input }}' }],
        result: 'done',
      };
      const statuses = [];
      for (let at = 0; at < 80; at += 10) {
        const ids = [];
        for (let i = 0; i < 10; ++i) {
          const words = `${at + i} ${'word '.repeat(20_000)}`;
          const begun = await stage.post(runs, { workflow, input: words }, author);
          statuses.push(begun.status);
          if (begun.status === 201) ids.push(begun.json().id);
        }
        for (const id of ids) await stage.run_when(id, author, ends);
        if (ids.length === 0) break;
      }
      const folder_bytes = (await import('node:fs')).statSync(stage.at('relay.db')).size;
      return {
        held: true,
        seen: `${shown(counted(statuses))}, the store has ${(folder_bytes / 1e6).toFixed(0)} MB`,
      };
    },
  },
];
