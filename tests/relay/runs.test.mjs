// Runs of workflows through the relay's program: started, watched, asked, killed in the middle and
// taken up again, moved away and back.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { events_of, start_mock, start_relay, until } from './mock_upstream.mjs';
import { ask, post_json } from './program.mjs';
import { plan, situation } from './situation.mjs';

const secret = 'a secret of the game that is long enough for anybody';
const asking = {
  name: 'asking',
  llms: { one: { model_name: 'strategist' } },
  workflow: [
    { id: 'first', model: 'one', prompt: 'One?' },
    { id: 'sure', ask: 'Sure?' },
    { id: 'go', wait: { signal: 'go' } },
    { id: 'second', model: 'one', prompt: 'Two: {{ steps.first.text }}' },
  ],
  result: '{{ [steps.first.text, steps.sure, steps.go, steps.second.text] }}',
};
const bundle_type = 'application/vnd.redoubt.bundle';

describe('runs', { concurrency: false }, () => {
  let folder;
  let mock;
  let relay;
  let author;
  let other;
  const environment = () => ({
    REDOUBT_STORE_PATH: join(folder, 'relay.db'),
    REDOUBT_WORKFLOWS_DIRECTORY: folder,
    REDOUBT_WORKFLOWS_VARIABLES: 'GREETING',
    GREETING: 'good day',
    RELAY_TEST_KEY: 'sk-hidden',
    RELAY_TEST_WORD: 'hidden',
    REDOUBT_TOKENS_SERVICE_SECRET_FILE: join(folder, 'service'),
  });
  const restart = async () => {
    relay = await start_relay(mock, { strategist: ['openai/one'] }, environment());
  };
  const token_of = async (sub, scope) => {
    const bearer = { authorization: `Bearer ${secret}` };
    const answer = await post_json(relay, '/api/session', { sub, scope }, bearer);
    assert.equal(answer.status, 200, answer.text);
    return { authorization: `Bearer ${answer.json().token}` };
  };
  const path_of = (id, what = '') => `/api/workflows/runs/${id}${what}`;
  const start = (body, headers = author) => post_json(relay, '/api/workflows/runs', body, headers);
  const view = async (id, headers = author) =>
    (await ask(relay, { path: path_of(id), headers })).json();
  const ended = (id, headers = author) =>
    until(`the end of ${id}`, async () => {
      const run = await view(id, headers);
      return run.status !== 'running' && run;
    });

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'redoubt-runs-'));
    writeFileSync(join(folder, 'service'), secret);
    chmodSync(join(folder, 'service'), 0o600);
    mock = await start_mock();
    await restart();
    author = await token_of('ada', 'workflow:run workflow:author');
    other = await token_of('bob', 'workflow:run');
  });
  after(async () => {
    await relay?.stop();
    await mock?.stop();
    rmSync(folder, { recursive: true });
  });

  it('answers a shipped workflow from the model, for whoever sits at this machine', async () => {
    await mock.script([{ do: [{ answer: { text: JSON.stringify(plan) } }] }]);
    const begun = await start({ workflow: 'team_strategy', input: situation }, {});
    assert.equal(begun.status, 201, begun.text);
    const run = await ended(begun.json().id, {});
    assert.equal(run.status, 'done');
    assert.deepEqual(run.outcome, { answer: plan, source: 'model' });
    const { runs } = (await ask(relay, { path: '/api/workflows/runs' })).json();
    assert.deepEqual(
      runs.map(({ id, workflow }) => [id, workflow]),
      [[run.id, 'team_strategy']],
    );
  });

  it('falls back to the strategist when the model fails', async () => {
    await mock.script([{ do: [{ head: 400 }, { send: '{"error":{"message":"no"}}' }] }]);
    const run = await ended(
      (await start({ workflow: 'team_strategy', input: situation })).json().id,
    );
    assert.equal(run.status, 'done');
    assert.equal(run.outcome.source, 'builtin');
  });

  it('lets an agent hand over and remember, and tells it which tools are not here', async () => {
    const desk = {
      name: 'desk',
      llms: { one: { model_name: 'strategist' } },
      functions: { pay: { description: 'Pays a bill.' } },
      agents: {
        desk: { tools: ['pay'], handoffs: ['other'], memory: { scope: 'user' } },
        other: { instructions: 'You are brief.', memory: { scope: 'user', recall: 1 } },
      },
      workflow: [{ id: 'x', agent: 'desk', prompt: '{{ input }}' }],
      result: '{{ steps.x }}',
    };
    const tool_calls = [
      { id: 'a', name: 'pay', arguments: '{"cents":5}' },
      { id: 'b', name: 'transfer_to_other', arguments: '{}' },
    ];
    await mock.script([
      { when: { calls: [1, 1] }, do: [{ answer: { text: '', tool_calls } }] },
      { do: [{ answer: { text: 'It was green.' } }] },
    ]);
    await mock.forget();
    const begun = await start({ workflow: desk, input: 'Which colour?' });
    assert.equal(begun.status, 201, begun.text);
    const run = await ended(begun.json().id);
    assert.equal(run.status, 'done', JSON.stringify(run));
    assert.equal(run.outcome.text, 'It was green.');
    assert.equal(run.outcome.agent, 'other');
    const [first, second] = (await mock.calls()).map(({ body }) => JSON.parse(body));
    assert.deepEqual(
      first.tools.map(({ function: { name } }) => name),
      ['pay', 'transfer_to_other'],
    );
    const told = second.messages.filter(({ role }) => role === 'tool');
    assert.match(told[0].content, /no_tool/);
    assert.equal(told[1].content, 'other takes over.');
    assert.equal(second.messages[0].content, 'You are brief.');
    const third = await start({ workflow: desk, input: 'Which colour was it?' });
    assert.equal((await ended(third.json().id)).status, 'done');
    const again = JSON.parse((await mock.calls()).at(-1).body);
    assert.match(again.messages[0].content, /What you remember:\n- Asked: Which colour\?/);
    // Another owner of runs has a memory of his own.
    const stranger = await token_of('carl', 'workflow:run workflow:author');
    const his = await start({ workflow: desk, input: 'Which colour?' }, stranger);
    assert.equal((await ended(his.json().id, stranger)).status, 'done');
    assert.doesNotMatch((await mock.calls()).at(-1).body, /What you remember/);
  });

  it('starts children, tells their ends, and goes on in the run that it hands over to', async () => {
    writeFileSync(
      join(folder, 'greet.yaml'),
      "name: greet\nworkflow:\n  - {id: sure, ask: 'Sure?'}\nresult: 'Hello {{ input.name }}.'\n",
    );
    writeFileSync(
      join(folder, 'count.yaml'),
      `name: count
workflow:
  - {when: input.n < 2, handoff: {workflow: self}, with: {n: "{{ input.n + 1 }}"}}
  - {handoff: {workflow: deeper}, with: "{{ input.n }}"}
`,
    );
    writeFileSync(
      join(folder, 'deeper.yaml'),
      'name: deeper\nworkflow:\n  - {emit: there}\nresult: "at {{ input }}"\n',
    );
    const party = {
      name: 'party',
      workflow: [
        { id: 'one', child: 'greet', with: { name: 'Ada' } },
        { id: 'two', child: 'count', with: { n: 0 } },
        { id: 'three', child: 'team_strategy', with: {}, fallback: { emit: 'refused' } },
      ],
      result: '{{ [steps.one, steps.two] }}',
    };
    const begun = await until('the files', async () => {
      const answer = await start({ workflow: party });
      return answer.status === 201 && answer;
    });
    const { id } = begun.json();
    const child = await until('the child', async () => {
      const { runs } = (await ask(relay, { path: '/api/workflows/runs', headers: author })).json();
      return runs.find((run) => run.workflow === 'greet' && run.status === 'running');
    });
    // Both come back after a death, and find each other again.
    await relay.stop('SIGKILL');
    await restart();
    author = await token_of('ada', 'workflow:run workflow:author');
    other = await token_of('bob', 'workflow:run');
    await until('the question', async () => (await view(child.id)).questions.length > 0);
    await post_json(relay, path_of(child.id, '/approve'), { question: 'sure#1', value: 1 }, author);
    const run = await ended(id);
    assert.equal(run.status, 'done', JSON.stringify(run));
    assert.deepEqual(run.outcome, ['Hello Ada.', 'at 2']);
    const events = (await ask(relay, { path: path_of(id, '/events'), headers: author })).text;
    assert.match(events, /refused/);
    // A parent that is cancelled takes its children along.
    const next = (await start({ workflow: party })).json();
    const another = await until('the next child', async () => {
      const { runs } = (await ask(relay, { path: '/api/workflows/runs', headers: author })).json();
      return runs.find((one) => one.workflow === 'greet' && one.status === 'running');
    });
    await post_json(relay, path_of(next.id, '/cancel'), { reason: 'enough' }, author);
    assert.equal((await ended(another.id)).status, 'cancelled');
  });

  it('waits for people and signals, and lets nobody else at it', async () => {
    await mock.script([{ do: [{ answer: { text: 'yes' } }] }]);
    const { id } = (await start({ workflow: asking })).json();
    const waiting = await until('the question', async () => {
      const run = await view(id);
      return run.questions.length > 0 && run;
    });
    assert.deepEqual(waiting.questions, [{ id: 'sure#1', question: 'Sure?' }]);
    for (const what of ['/approve', '/signal', '/cancel', '/export']) {
      const refused = await post_json(
        relay,
        path_of(id, what),
        { name: 'go', question: 'q' },
        other,
      );
      assert.equal(refused.status, 404, what);
    }
    assert.equal((await ask(relay, { path: path_of(id), headers: other })).status, 404);
    const answer = { question: 'sure#1', value: { yes: true } };
    assert.equal((await post_json(relay, path_of(id, '/approve'), answer, author)).status, 200);
    const signal = { name: 'go', value: 7 };
    assert.equal((await post_json(relay, path_of(id, '/signal'), signal, author)).status, 200);
    const run = await ended(id);
    assert.deepEqual(run.outcome, ['yes', { yes: true }, 7, 'yes']);
    const late = await post_json(relay, path_of(id, '/signal'), signal, author);
    assert.equal(late.status, 409);
    assert.equal(late.json().code, 'run_over');
  });

  it('can be cancelled', async () => {
    const { id } = (await start({ workflow: asking })).json();
    await post_json(relay, path_of(id, '/cancel'), { reason: 'enough' }, author);
    assert.equal((await ended(id)).status, 'cancelled');
  });

  it('shows what a model says while it says it, and never takes it back', async () => {
    const chunk = (content) =>
      `data: ${JSON.stringify({ id: 'c', model: 'one', choices: [{ index: 0, delta: { content } }] })}\n\n`;
    const head = { head: 200, headers: { 'content-type': 'text/event-stream' } };
    // A provider takes its time; what comes all at once is told by the step's end alone.
    await mock.script([
      {
        when: { calls: [1, 1] },
        do: [
          head,
          { send: chunk('Half of ') },
          { send: chunk('it') },
          { wait_ms: 1_000 },
          { cut: true },
        ],
      },
      { do: [{ wait_ms: 1_000 }, { answer: { text: 'All of it at last.' } }] },
    ]);
    await mock.forget();
    const begun = await start({
      workflow: {
        name: 'says',
        llms: { one: { model_name: 'strategist' } },
        workflow: [
          { id: 'go', wait: { signal: 'go' } },
          { id: 'say', model: 'one', prompt: 'Speak.' },
        ],
        result: '{{ steps.say.text }}',
      },
    });
    assert.equal(begun.status, 201, begun.text);
    const { id } = begun.json();
    const watched = ask(relay, { path: path_of(id, '/events'), headers: author });
    await post_json(relay, path_of(id, '/signal'), { name: 'go', value: null }, author);
    const { text } = await watched;
    const shown = events_of(text).filter(({ event }) => event.startsWith('text'));
    const of_stream = (stream) =>
      shown
        .filter(({ event, data }) => event === 'text' && data.stream === stream)
        .map(({ data }) => data.text)
        .join('');
    assert.equal(of_stream(1), 'Half of it', text);
    assert.ok('All of it at last.'.startsWith(of_stream(2)), text);
    const broken = shown.findIndex(({ event }) => event === 'text_broken');
    assert.ok(broken > 0, text);
    assert.ok(
      shown.slice(broken + 1).every(({ data }) => data.stream === 2),
      text,
    );
    // They are no events of its history: who resumes counts those with an id.
    assert.equal(text.match(/^id: /gm).length, (await view(id)).events);
    assert.equal((await view(id)).outcome, 'All of it at last.');
    assert.equal((await mock.calls()).length, 2);
  });

  it('tells its events once each, also to readers who come back', async () => {
    const { id } = (await start({ workflow: 'team_strategy', input: situation })).json();
    const run = await ended(id);
    const read = async (headers, query = '') =>
      events_of((await ask(relay, { path: path_of(id, `/events${query}`), headers })).text);
    const all = await read(author);
    assert.deepEqual(
      all.map(({ data }) => data.seq),
      Array.from({ length: run.events }, (_, i) => i),
    );
    assert.equal(all.at(-1).event, 'run_done');
    const rest = await read(author, '?after=3');
    assert.deepEqual(rest, all.slice(4));
    assert.deepEqual(await read({ ...author, 'last-event-id': '5' }), all.slice(6));
  });

  it('refuses what cannot be run, and says why', async () => {
    const refused = async (body, headers) => {
      const answer = await start(body, headers);
      return [answer.status, answer.json().code];
    };
    assert.deepEqual(await refused({ workflow: 'nothing' }), [404, 'unknown_workflow']);
    assert.deepEqual(await refused({ workflow: asking }, other), [403, 'not_author']);
    assert.deepEqual(await refused({ workflow: { name: 'x', workflow: [{ tool: 'no' }] } }), [
      400,
      'bad_workflow',
    ]);
    assert.deepEqual(await refused({}), [400, 'bad_request']);
    assert.deepEqual(await refused({ workflow: 'triage', seed: '-1' }), [400, 'bad_request']);
  });

  it('runs what the folder of workflows says, from the next start on', async () => {
    const write = (text) => writeFileSync(join(folder, 'hello.yaml'), text);
    const file = (result) => `name: hello\nworkflow:\n  - emit: said\nresult: ${result}\n`;
    const says = (wanted) =>
      until(wanted, async () => {
        const begun = await start({ workflow: 'hello' });
        return begun.status === 201 && (await ended(begun.json().id)).outcome === wanted;
      });
    write(file('one'));
    await says('one');
    write(file('two'));
    await says('two');
    write('name: hello\nworkflow:\n  - tool: nothing\n');
    const refused = await relay.line((line) => line.event === 'workflow_refused');
    assert.deepEqual([refused.file, refused.line, refused.column], ['hello.yaml', 3, 11]);
    await says('two');
  });

  it('lets files of the folder name variables, and expands nothing that a caller sends', async () => {
    const write = (name, result) =>
      writeFileSync(
        join(folder, `${name}.yaml`),
        `name: ${name}\nllms: {fast: {_type: openai, api_key: "\${RELAY_TEST_KEY}"}}\n` +
          `workflow:\n  - {id: a, emit: said}\nresult: "${result}"\n`,
      );
    write('greets', '${GREETING} $${GREETING}');
    const run = await until('the file', async () => {
      const begun = await start({ workflow: 'greets' });
      return begun.status === 201 && ended(begun.json().id);
    });
    assert.equal(run.outcome, 'good day ${GREETING}');
    const bundle = await ask(relay, {
      method: 'POST',
      path: path_of(run.id, '/export'),
      headers: author,
    });
    assert.equal(bundle.status, 200, bundle.text);
    assert.ok(bundle.text.includes('greets') && !bundle.text.includes('sk-hidden'));
    const note = await relay.line((line) => line.event === 'workflow_note');
    assert.deepEqual([note.file, note.line], ['greets.yaml', 2]);

    write('spies', '${RELAY_TEST_WORD}');
    const refused = await relay.line((line) => line.file === 'spies.yaml');
    assert.equal(refused.event, 'workflow_refused');
    assert.ok(refused.message.includes('workflows.variables'), refused.message);

    const own = { name: 'own', workflow: [{ emit: 'said' }], result: '${GREETING} $${GREETING}' };
    const begun = await start({ workflow: own });
    assert.equal((await ended(begun.json().id)).outcome, '${GREETING} $${GREETING}');
  });

  it('goes on after it was killed in the middle of a model call', async () => {
    await mock.script([
      { when: { calls: [1, 1] }, do: [{ hold: true }] },
      { do: [{ answer: { text: 'after all' } }] },
    ]);
    await mock.forget();
    const { id } = (await start({ workflow: asking })).json();
    await until('the call', async () => (await mock.calls()).length === 1);
    const before = await view(id);
    await relay.stop('SIGKILL');
    await restart();
    author = await token_of('ada', 'workflow:run workflow:author');
    const again = await until('the question', async () => {
      const run = await view(id);
      return run.questions.length > 0 && run;
    });
    assert.ok(again.events > before.events);
    assert.equal((await mock.calls()).length, 2);
    await post_json(relay, path_of(id, '/approve'), { question: 'sure#1', value: 1 }, author);
    // Killed while it waits: the answer was stored before it was acknowledged.
    await relay.stop('SIGKILL');
    await restart();
    author = await token_of('ada', 'workflow:run workflow:author');
    await post_json(relay, path_of(id, '/signal'), { name: 'go', value: 2 }, author);
    const run = await ended(id);
    assert.deepEqual(run.outcome, ['after all', 1, 2, 'after all']);
  });

  it('takes the name of a step that asks, and tells its questions where several are open', async () => {
    const workflow = {
      name: 'asks',
      workflow: [
        { id: 'one', ask: 'One?' },
        { for_each: 'input', at_once: 2, do: { id: 'all', ask: 'All?' } },
      ],
    };
    const { id } = (await start({ workflow, input: [1, 2] })).json();
    const approve = async (question) => {
      const said = await post_json(relay, path_of(id, '/approve'), { question, value: 1 }, author);
      return [said.status, said.json()];
    };
    const [status, run] = await approve('one');
    assert.deepEqual(
      [status, run.questions.map((asked) => asked.id)],
      [200, ['all[0]#1', 'all[1]#1']],
    );
    const [refused, error] = await approve('all');
    assert.deepEqual([refused, error.code], [409, 'ambiguous_question']);
    assert.match(error.detail, /name one of all\[0\]#1, all\[1\]#1/);
    assert.equal((await approve('one'))[0], 404);
  });

  it('parks a run that is exported, takes it back, and refuses what was changed', async () => {
    await mock.script([{ do: [{ answer: { text: 'here' } }] }]);
    const { id } = (await start({ workflow: asking })).json();
    await until('the question', async () => (await view(id)).questions.length > 0);
    const exported = await fetch(`${relay.url}${path_of(id, '/export')}`, {
      method: 'POST',
      headers: author,
    });
    assert.equal(exported.status, 200);
    assert.equal(exported.headers.get('content-type'), bundle_type);
    const bundle = new Uint8Array(await exported.arrayBuffer());
    assert.equal((await view(id)).status, 'parked');
    const parked = await post_json(relay, path_of(id, '/signal'), { name: 'go' }, author);
    assert.deepEqual([parked.status, parked.json().code], [409, 'run_parked']);

    const bring = async (bytes, headers = author) => {
      const answer = await fetch(`${relay.url}/api/workflows/runs?clock_ms=${Date.now()}`, {
        method: 'POST',
        headers: { ...headers, 'content-type': bundle_type },
        body: bytes,
      });
      return [answer.status, await answer.json()];
    };
    for (const at of [5, 60, Math.floor(bundle.length / 2), bundle.length - 3]) {
      const changed = bundle.map((byte, i) => (i === at ? byte ^ 1 : byte));
      const [status, said] = await bring(changed);
      assert.ok(status >= 400 && status < 500, `${at}: ${status} ${JSON.stringify(said)}`);
    }
    const [status, back] = await bring(bundle);
    assert.equal(status, 201, JSON.stringify(back));
    assert.equal(back.id, id);
    assert.equal(back.epoch, 1);
    assert.equal((await bring(bundle))[0], 409);
    await post_json(relay, path_of(id, '/approve'), { question: 'sure#1', value: 1 }, author);
    await post_json(relay, path_of(id, '/signal'), { name: 'go', value: 2 }, author);
    assert.deepEqual((await ended(id)).outcome, ['here', 1, 2, 'here']);
  });

  it('ends in time while one run works and another is read back, and goes on after', async () => {
    const hog = {
      name: 'hog',
      state: { n: { reducer: 'replace' } },
      workflow: [
        {
          loop: { max: 100000 },
          do: { set: { n: "{{ range(2000) | map('string') | join | length + round }}" } },
        },
      ],
    };
    other = await token_of('bob', 'workflow:run');
    const begun = await start({ workflow: hog });
    assert.equal(begun.status, 201, begun.text);
    const { id } = begun.json();
    // Another owner's run comes to its end meanwhile.
    await mock.script([{ do: [{ answer: { text: JSON.stringify(plan) } }] }]);
    const quick = (await start({ workflow: 'team_strategy', input: situation }, other)).json();
    assert.equal((await ended(quick.id, other)).status, 'done');
    assert.equal((await view(id)).status, 'running');
    for (const signal of ['SIGTERM', 'SIGTERM']) {
      const end = await relay.stop(signal);
      assert.equal(end.signal, null, 'it ends by itself');
      await restart();
    }
    author = await token_of('ada', 'workflow:run workflow:author');
    other = await token_of('bob', 'workflow:run');
    // It goes on where it was, and is not set aside; what it may do in all may be done by now.
    const after = await view(id);
    if (after.status !== 'running') assert.equal(after.outcome.code, 'too_much_work');
    const removed = await ask(relay, { method: 'DELETE', path: path_of(id), headers: author });
    assert.equal(removed.status, 200, removed.text);
  });

  it('sets a run aside over whose reading it was killed, and takes the others up', async () => {
    const { id } = (await start({ workflow: asking })).json();
    await until('the question', async () => (await view(id)).questions.length > 0);
    const good = (await start({ workflow: asking })).json();
    await until('the question', async () => (await view(good.id)).questions.length > 0);
    await relay.stop('SIGKILL');
    // As a death over its reading leaves it.
    const database = new DatabaseSync(join(folder, 'relay.db'));
    database.prepare('UPDATE runs SET taking_up = 1 WHERE id = ?').run(id);
    database.close();
    await restart();
    author = await token_of('ada', 'workflow:run workflow:author');
    const line = await relay.line(({ event }) => event === 'run_set_aside');
    assert.equal(line.run, id);
    const aside = await view(id);
    assert.equal(aside.status, 'parked');
    assert.equal(aside.error.code, 'run_set_aside');
    const events = await ask(relay, { path: path_of(id, '/events'), headers: author });
    assert.equal(events.status, 409, events.text);
    await until('the other', async () => (await view(good.id)).questions.length > 0);
    const back = await post_json(relay, path_of(id, '/resume'), {}, author);
    assert.equal(back.status, 200, back.text);
    await until('the question', async () => (await view(id)).questions.length > 0);
  });
});
