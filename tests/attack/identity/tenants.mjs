// Two games whose players have the same names: what of one is seen, spent or ended by the other?
import { chat, dollars, shown, until } from '../stage.mjs';
import { engaged, spend } from '../purse.mjs';
import { connect_models, connect_socket } from '../sockets.mjs';
import { plan, situation } from '../../relay/situation.mjs';

const runs = '/api/workflows/runs';
const asking = (name = 'asking') => ({
  name,
  llms: { one: { model_name: 'mini' } },
  workflow: [
    { id: 'sure', ask: 'Sure?' },
    { id: 'go', wait: { signal: 'go' } },
  ],
  result: '{{ [steps.sure, steps.go] }}',
});
const remembering = {
  name: 'remembering',
  llms: { one: { model_name: 'mini' } },
  agents: { desk: { llm: 'one', memory: { scope: 'user', recall: 5 } } },
  workflow: [{ id: 'x', agent: 'desk', prompt: '{{ input }}' }],
  result: '{{ steps.x.text }}',
};
// Pairs of callers that a careless key would take for one.
const twins = [
  ['the same subject', ['alpha', '1', {}], ['beta', '1', {}]],
  ['two tenants of one key', ['beta', '1', { tenant: 'beta' }], ['beta', '1', { tenant: 'gamma' }]],
  ['a separator in the subject', ['alpha', 'x:1', {}], ['plain', 'alpha:x:1', {}]],
  ['a length in the subject', ['alpha', '1', {}], ['plain', '5:alpha:1', {}]],
  ['a slash in the subject', ['alpha', '1', {}], ['plain', 'alpha/1', {}]],
  ['case', ['alpha', 'Ada', {}], ['alpha', 'ada', {}]],
  ['a space at the end', ['alpha', 'ada', {}], ['alpha', 'ada ', {}]],
  ['composed and decomposed', ['alpha', 'é', {}], ['alpha', 'e\u0301', {}]],
];

/** Everything that the stranger can try on a run: what was not 404. */
async function tried_on_run(stage, id, stranger) {
  const got = [];
  const look = async (what, answer) => {
    const { status } = await answer;
    if (status !== 404) got.push(`${what} ${status}`);
  };
  const at = (what) => `${runs}/${id}${what}`;
  await look('GET', stage.get(at(''), stranger));
  // Events of a run that lives never end: their head is enough.
  const leaving = new AbortController();
  const events = `${stage.relay.url}${at('/events')}`;
  await look('events', fetch(events, { headers: stranger, signal: leaving.signal }));
  leaving.abort();
  await look('signal', stage.post(at('/signal'), { name: 'go', value: 1 }, stranger));
  await look('approve', stage.post(at('/approve'), { question: 'sure#1', value: 1 }, stranger));
  await look('export', stage.post(at('/export'), {}, stranger));
  await look('cancel', stage.post(at('/cancel'), { reason: 'x' }, stranger));
  await look('DELETE', stage.get(at(''), stranger, { method: 'DELETE' }));
  const listed = (await stage.get(runs, stranger)).json().runs ?? [];
  if (listed.some((run) => run.id === id)) got.push('listed');
  return got;
}

export const attacks = [
  {
    name: 'runs of a namesake',
    tried: `${twins.length} pairs of callers: the second reads, answers, ends, exports and deletes runs of the first`,
    expected: '404 for all of it, and the run is as it was',
    async run(stage) {
      await stage.start(await stage.greedy());
      const got = [];
      for (const [what, first, second] of twins) {
        const [owner, stranger] = [first, second].map((who) => stage.as(...who));
        const begun = await stage.post(runs, { workflow: asking() }, owner);
        if (begun.status !== 201) return { held: false, seen: `no run: ${begun.text}` };
        const { id } = begun.json();
        const seen = await tried_on_run(stage, id, stranger);
        const run = (await stage.get(`${runs}/${id}`, owner)).json();
        if (run.status !== 'running') seen.push(`it is ${run.status ?? 'gone'}`);
        if (seen.length > 0) got.push(`${what}: ${seen.join(', ')}`);
      }
      return { held: got.length === 0, seen: got.slice(0, 3).join('; ') || 'all 404' };
    },
  },
  {
    name: 'the purse of a namesake',
    tried: `${twins.length} pairs: the first spends its day's $0.05, then the second asks and looks at its usage`,
    expected: 'the second has all of its own, and sees nothing of the first',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, { REDOUBT_MODELS_PLAYER_DAY_MICROUSD: '50000' });
      const shared = [];
      let pair = 0;
      for (const [what, first, second] of twins) {
        const named = ([kid, sub, more]) => stage.as(kid, sub.replace('1', `p${pair}`), more);
        ++pair;
        await spend(stage, provider, named(first), { model: 'haiku', max_tokens: 3_000 });
        const before = await engaged(stage, named(second));
        const answer = await stage.chat(named(second), { model: 'haiku', max_tokens: 3_000 });
        if (before > 0 || answer.status !== 200)
          shared.push(`${what}: ${dollars(before)} before its first call, then ${answer.status}`);
      }
      return { held: shared.length === 0, seen: shared.slice(0, 3).join('; ') || 'all apart' };
    },
  },
  {
    name: "a namesake's stream",
    tried: 'goes on with a stream of /v1/ws by its token as the same subject of another tenant',
    expected: 'unknown_stream, as for a token that never was',
    async run(stage) {
      const mock = await stage.mock();
      await mock.script([{ do: [{ answer: { text: 'slow words '.repeat(200), every_ms: 20 } }] }]);
      await stage.start(mock);
      const mine = await connect_models(stage.relay, stage.as('alpha', '1'));
      mine.send({ type: 'call', id: 'a', format: 'openai.chat', request: chat({ stream: true }) });
      const { token } = await mine.frame((frame) => frame.type === 'started');
      await mine.frame((frame) => frame.type === 'event');
      mine.close();
      const answers = [];
      for (const [kid, sub, resumed] of [
        ['beta', '1', token],
        ['plain', '1', token],
        ['plain', 'alpha:1', token],
        ['beta', '1', 'no such token'],
      ]) {
        const other = await connect_models(stage.relay, stage.as(kid, sub));
        other.send({ type: 'resume', token: resumed, after: 0 });
        const first = await other.frame(() => true);
        answers.push(first.type === 'error' ? first.code : first.type);
        other.close();
      }
      const again = await connect_models(stage.relay, stage.as('alpha', '1'));
      again.send({ type: 'resume', token, after: 0 });
      const resumed = await again.frame(
        (frame) => frame.type === 'resumed' || frame.type === 'error',
      );
      stage.later(() => again.close());
      const alike = answers.every((code) => code === answers.at(-1) && code !== 'resumed');
      return {
        held: alike && resumed.type === 'resumed',
        seen: `${shown(answers)}, its owner: ${resumed.type}`,
      };
    },
  },
  {
    name: "a namesake's pushes",
    tried:
      'listens as the same subject of another tenant while a late answer is pushed to its owner',
    expected: 'nothing of it comes',
    async run(stage) {
      const mock = await stage.mock();
      await mock.script([
        {
          do: [
            {
              answer: {
                text: JSON.stringify({ ...plan, description: 'planted' }),
                first_ms: 3_000,
              },
            },
          ],
        },
      ]);
      await stage.start(mock);
      const listeners = [];
      for (const [kid, sub] of [
        ['alpha', '1'],
        ['beta', '1'],
        ['plain', '1'],
        ['plain', 'alpha:1'],
      ]) {
        const socket = await connect_socket(stage.relay, '/ws/client_1', stage.as(kid, sub));
        stage.later(() => socket.close());
        listeners.push(socket);
      }
      const answer = await stage.post('/api/team-strategy', situation, stage.as('alpha', '1'));
      await new Promise((wake) => setTimeout(wake, 1_500));
      const heard = listeners.map(({ frames }) => JSON.stringify(frames).includes('planted'));
      return {
        held: !heard.slice(1).some(Boolean),
        seen: `answered ${answer.json().source}, then heard by: ${shown(heard)} (the first is its owner)`,
      };
    },
  },
  {
    name: 'a bundle that is shared',
    tried:
      "a bundle of alpha's run is imported by beta, by gamma, by a namesake and by another player, while alpha's run lives",
    expected: "each has a run of its own or is refused, and alpha's is as it was",
    async run(stage) {
      await stage.start(await stage.greedy());
      const owner = stage.as('alpha', '1');
      const begun = (await stage.post(runs, { workflow: asking() }, owner)).json();
      await stage.run_when(begun.id, owner, (run) => run.questions?.length > 0);
      const type = { 'Content-Type': 'application/vnd.redoubt.bundle' };
      const bring = async (bytes, who) => {
        const url = `${stage.relay.url}${runs}?clock_ms=${Date.now()}`;
        const answer = await fetch(url, {
          method: 'POST',
          headers: { ...who, ...type },
          body: bytes,
        });
        return answer.status;
      };
      const exported = await fetch(`${stage.relay.url}${runs}/${begun.id}/export`, {
        method: 'POST',
        headers: owner,
      });
      const bundle = new Uint8Array(await exported.arrayBuffer());
      const back = await bring(bundle, owner);
      const statuses = [];
      for (const who of [stage.as('beta', '1'), stage.as('plain', '1'), stage.as('alpha', '2')])
        statuses.push(await bring(bundle, who));
      const stranger = stage.as('beta', '1');
      await stage.post(`${runs}/${begun.id}/cancel`, { reason: 'mine' }, stranger);
      await stage.get(`${runs}/${begun.id}`, stranger, { method: 'DELETE' });
      const mine = (await stage.get(`${runs}/${begun.id}`, owner)).json();
      const answered = await stage.post(
        `${runs}/${begun.id}/approve`,
        { question: 'sure#1', value: 1 },
        owner,
      );
      await stage.restart();
      const later = (await stage.get(`${runs}/${begun.id}`, owner)).json();
      return {
        held:
          back === 201 &&
          mine.status === 'running' &&
          answered.status === 200 &&
          later.status === 'running',
        seen: `back ${back}, others ${statuses.join(' ')}; alpha's run: ${mine.status ?? mine.code}, answered ${answered.status}, after a restart ${later.status ?? later.code}`,
      };
    },
  },
  {
    name: 'memories and kept answers',
    tried:
      "an agent's memory of scope user, and X-Redoubt-Cache: use, across tenants and namesakes",
    expected: 'nothing of alpha is in what beta is answered from',
    async run(stage) {
      const mock = await stage.mock();
      await mock.script([{ do: [{ answer: { text: 'It was planted green.' } }] }]);
      await stage.start(mock, { REDOUBT_MODELS_CACHE_ENABLED: 'true' });
      const remember = async (who, input) => {
        const begun = await stage.post(runs, { workflow: remembering, input }, who);
        return stage.run_when(begun.json().id, who, (run) => run.status !== 'running');
      };
      await remember(stage.as('alpha', '1'), 'Which colour is it?');
      await mock.forget();
      const leaks = [];
      for (const [kid, sub] of [
        ['beta', '1'],
        ['plain', '1'],
        ['plain', 'alpha:1'],
        ['alpha', '2'],
      ]) {
        await remember(stage.as(kid, sub), `Which colour was it, says ${kid} ${sub}?`);
        const { body } = (await mock.calls()).at(-1);
        if (body.includes('planted')) leaks.push(`memory to ${kid} ${sub}`);
      }
      const use = { 'X-Redoubt-Cache': 'use' };
      await stage.chat({ ...stage.as('alpha', '1'), ...use });
      for (const kid of ['beta', 'plain']) {
        const answer = await stage.chat({ ...stage.as(kid, '1'), ...use });
        if (answer.headers['x-redoubt-cache'] !== 'miss')
          leaks.push(`cache to ${kid}: ${answer.headers['x-redoubt-cache']}`);
      }
      return { held: leaks.length === 0, seen: leaks.join(', ') || 'nothing' };
    },
  },
  {
    name: 'the places of a namesake',
    tried: 'alpha/1 begins runs until it is refused, and holds all of its calls at a time',
    expected: 'beta/1 begins a run and is answered',
    async run(stage) {
      const mock = await stage.mock();
      await mock.script([{ when: { calls: [1, 4] }, do: [{ hold: true }] }]);
      await stage.start(mock, {
        REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: '2',
        REDOUBT_MODELS_PLAYER_REQUESTS_PER_MINUTE: '3',
      });
      const owner = stage.as('alpha', '1');
      let begun = 0;
      while (begun < 150 && (await stage.post(runs, { workflow: asking() }, owner)).status === 201)
        ++begun;
      const leaving = new AbortController();
      stage.later(() => leaving.abort());
      for (let i = 0; i < 3; ++i) {
        fetch(`${stage.relay.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', ...owner },
          body: JSON.stringify(chat()),
          signal: leaving.signal,
        }).catch(() => {});
      }
      await until('two calls', async () => (await mock.calls()).length >= 2);
      const other = stage.as('beta', '1');
      const run = (await stage.post(runs, { workflow: asking() }, other)).status;
      await mock.script([]);
      const call = (await stage.chat(other)).status;
      return {
        held: run === 201 && call === 200,
        seen: `${begun} runs of alpha/1; beta/1: run ${run}, call ${call}`,
      };
    },
  },
];
