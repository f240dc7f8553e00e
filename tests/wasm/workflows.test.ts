// Workflows in the page's engine: models with the strategist to fall back on, and runs that go on
// after their host died at any of its writes.
import { beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '@redoubt/engine';
import {
  createWorkflows,
  EffectFailure,
  EngineError,
  memoryJournal,
} from '@redoubt/engine/workflows';
import { situationOf } from '../../wasm/src/situation.js';
import type { Journal, LocalOptions, RunView } from '@redoubt/engine/workflows';

let situation: Record<string, unknown>;
beforeAll(async () => {
  const engine = await createEngine({ map: { generate: {} }, seed: 3 });
  engine.play(60);
  situation = { ...situationOf(engine.map, engine.sight(0)), team_id: 'red' };
  engine.dispose();
});

const plan = {
  strategy: 'economic',
  focus: 'resources',
  priorities: ['collect_energy'],
  description: 'Gather first, fight later.',
};

/** Timers that fire when the test says so: the earliest first, and time moves to it. */
function clock() {
  let now = 1_700_000_000_000;
  const due: { at: number; callback: () => void }[] = [];
  return {
    now: () => now,
    schedule(callback: () => void, delayMs: number) {
      const timer = { at: now + delayMs, callback };
      due.push(timer);
      return () => {
        const at = due.indexOf(timer);
        if (at >= 0) due.splice(at, 1);
      };
    },
    next() {
      due.sort((a, b) => a.at - b.at);
      const timer = due.shift();
      if (!timer) return false;
      now = Math.max(now, timer.at);
      timer.callback();
      return true;
    },
  };
}

async function until<T>(read: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let turn = 0; turn < 1000; ++turn) {
    const found = await read();
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('it never came');
}

describe('an agent', () => {
  const desk = {
    name: 'desk',
    llms: { small: {} },
    functions: { look_up: { class: 'idempotent' }, pay: {} },
    agents: {
      desk: { tools: ['look_up', 'pay'], handoffs: ['other'], memory: { scope: 'agent' } },
      other: {},
    },
    workflow: [{ id: 'x', agent: 'desk', prompt: '{{ input }}' }],
    result: '{{ steps.x }}',
  };
  const call = (id: string, name: string, given = {}) => ({ id, name, arguments: given });

  it('calls tools of the page, hands over, and remembers in the next run', async () => {
    const asked: { messages: { role: string; content: string }[]; tools?: unknown }[] = [];
    const answers = [
      { text: '', tool_calls: [call('1', 'look_up', { n: 7 }), call('2', 'pay')] },
      { text: '', tool_calls: [call('3', 'transfer_to_other')] },
      { text: 'Seven.' },
      { text: 'As before.' },
    ];
    const journal = memoryJournal();
    const options: LocalOptions = {
      journal,
      model: async ({ request }) => {
        asked.push(request as (typeof asked)[0]);
        return answers[asked.length - 1] ?? { text: 'no more' };
      },
      tools: { look_up: (request) => ({ found: request }) },
    };
    const workflows = await createWorkflows(options);
    await workflows.start(desk, 'How many?', { id: 'a', seed: '1' });
    const first = (await workflows.result('a')) as Record<string, unknown>;
    expect(first).toMatchObject({ text: 'Seven.', agent: 'other', turns: 3, tool_calls: 3 });
    expect(asked[0]?.tools).toHaveLength(3);
    const told = asked[1]?.messages.filter(({ role }) => role === 'tool');
    expect(told?.map(({ content }) => content)).toEqual([
      '{"found":{"n":7}}',
      'The tool has failed: no_tool: there is no tool pay here',
    ]);
    expect((await workflows.events('a')).map(({ kind }) => kind)).toContain('handed_over');
    expect(await journal.memories()).toHaveLength(0);
    await workflows.start(desk, 'How many now?', { id: 'b', seed: '1' });
    await workflows.result('b');
    expect(await journal.memories()).toMatchObject([
      { agent: 'desk', content: 'Asked: How many now?\nAnswered: As before.' },
    ]);
    answers.push({ text: 'Still.' });
    await workflows.start(desk, 'How many then?', { id: 'c', seed: '1' });
    await workflows.result('c');
    expect(asked.at(-1)?.messages[0]?.content).toContain('Answered: As before.');
    workflows.dispose();
  });
});

describe('runs that lead to others', () => {
  const greet = {
    name: 'greet',
    workflow: [{ id: 'sure', ask: 'Sure?' }],
    result: 'Hello {{ input.name }}.',
  };
  const count = {
    name: 'count',
    workflow: [
      { when: 'input.n < 2', handoff: { workflow: 'self' }, with: { n: '{{ input.n + 1 }}' } },
      { handoff: { workflow: 'end' }, with: '{{ input.n }}' },
    ],
  };
  const end = { name: 'end', workflow: [{ emit: 'there' }], result: 'at {{ input }}' };
  const party = {
    name: 'party',
    workflow: [
      { id: 'one', child: 'greet', with: { name: 'Ada' } },
      { id: 'two', child: 'count', with: { n: 0 } },
      { id: 'three', child: 'team_strategy', with: {}, fallback: { emit: 'refused' } },
    ],
    result: '{{ [steps.one, steps.two] }}',
  };
  const files = { greet, count, end };
  const running = (workflows: { list(): readonly RunView[] }, name: string) => () =>
    workflows.list().find((run) => run.workflow === name && run.questions.length > 0);

  it('starts children once, waits for them over its own death, and follows handoffs', async () => {
    const journal = memoryJournal();
    const before = await createWorkflows({ journal, workflows: files });
    await before.start(party, null, { id: 'p', seed: '1' });
    const child = await until(running(before, 'greet'));
    before.dispose();
    const workflows = await createWorkflows({ journal, workflows: files });
    await until(running(workflows, 'greet'));
    await workflows.answer(child.id, 'sure#1', true);
    expect(await workflows.result('p')).toEqual(['Hello Ada.', 'at 2']);
    expect(workflows.list().filter(({ workflow }) => workflow === 'greet')).toHaveLength(1);
    expect(workflows.list().filter(({ workflow }) => workflow === 'count')).toHaveLength(3);
    workflows.dispose();
  });

  it('takes its children along when it is cancelled', async () => {
    const workflows = await createWorkflows({ workflows: files });
    await workflows.start(party, null, { id: 'p', seed: '1' });
    const child = await until(running(workflows, 'greet'));
    await workflows.cancel('p');
    await until(() => {
      const { status } = workflows.list().find(({ id }) => id === child.id) ?? {};
      return status === 'cancelled' || undefined;
    });
    workflows.dispose();
  });

  it('tells a step that its child was removed, or exported', async () => {
    const workflows = await createWorkflows({ workflows: files });
    for (const [how, code] of [
      ['remove', 'removed'],
      ['export', 'child_parked'],
    ] as const) {
      await workflows.start(party, null, { id: how, seed: how === 'remove' ? '1' : '2' });
      const child = await until(running(workflows, 'greet'));
      await workflows[how](child.id);
      await expect(workflows.result(how)).rejects.toMatchObject({ got: code });
    }
    workflows.dispose();
  });

  it('tells a step that the run which its child handed over to cannot begin', async () => {
    const over = { name: 'over', workflow: [{ handoff: { workflow: 'later' } }] };
    const later = { name: 'later', workflow: [{ emit: 'there' }] };
    const top = { name: 'top', workflow: [{ id: 'x', child: 'over' }] };
    const known: Record<string, object> = { over, later };
    const workflows = await createWorkflows({
      workflows: new Proxy(known, {
        get: (all, name) => (name === 'later' ? undefined : Reflect.get(all, name)),
      }),
    });
    await workflows.start(top, null, { id: 'top', seed: '1' });
    await expect(workflows.result('top')).rejects.toMatchObject({ got: 'unknown_workflow' });
    workflows.dispose();
  });

  it('goes no deeper than children of children may, and refuses what it does not know', async () => {
    const a = { name: 'a', workflow: [{ id: 'x', child: 'b' }] };
    const b = { name: 'b', workflow: [{ id: 'x', child: 'a' }] };
    const workflows = await createWorkflows({ workflows: { a, b } });
    await workflows.start(a, null, { id: 'deep', seed: '1' });
    await expect(workflows.result('deep')).rejects.toMatchObject({ got: 'too_deep' });
    const wrong = { name: 'wrong', workflow: [{ child: 'nobody' }] };
    await expect(workflows.start(wrong, null)).rejects.toMatchObject({ code: 'bad_workflow' });
    workflows.dispose();
  });
});

describe('a run whose bounds multiply', () => {
  const hog = {
    name: 'hog',
    state: { n: { reducer: 'replace' } },
    workflow: [
      {
        loop: { max: 100_000 },
        do: { set: { n: "{{ range(2000) | map('string') | join | length + round }}" } },
      },
    ],
  };
  const quick = { name: 'quick', workflow: [{ emit: 'there' }], result: 'quick' };

  it('leaves the thread to others between its turns, and can be removed in the middle', async () => {
    const workflows = await createWorkflows();
    const long = expect(
      workflows.start(hog, null, { id: 'long', seed: '1' }),
    ).rejects.toMatchObject({ code: 'run_over', got: 'removed' });
    await until(() => workflows.list().find(({ id }) => id === 'long'));
    const waits = expect(workflows.result('long')).rejects.toMatchObject({ got: 'removed' });
    await workflows.start(quick, null, { id: 'quick', seed: '1' });
    expect(await workflows.result('quick')).toBe('quick');
    expect(workflows.list().find(({ id }) => id === 'long')?.status).toBe('running');
    await workflows.remove('long');
    await waits;
    await long;
    expect(workflows.list().map(({ id }) => id)).toEqual(['quick']);
    workflows.dispose();
  });
});

describe('team_strategy', () => {
  it('is answered by the strategist where there is no model', async () => {
    const workflows = await createWorkflows();
    const run = await workflows.start('team_strategy', situation, { id: 'a', seed: '1' });
    expect(run.status).toBe('done');
    const result = (await workflows.result('a')) as Record<string, unknown>;
    expect(result['source']).toBe('builtin');
    expect(result['answer']).toMatchObject({ source: 'engine' });
    const events = await workflows.events('a');
    expect(events[0]).toMatchObject({ seq: 0, kind: 'started' });
    expect(events.at(-1)?.kind).toBe('run_done');
    expect(events.map(({ kind }) => kind)).toContain('fallback');
    workflows.dispose();
  });

  it('is answered by the model where there is one, which is asked with the features', async () => {
    const asked: unknown[] = [];
    const workflows = await createWorkflows({
      model: async (effect) => {
        asked.push(effect.request);
        return { text: JSON.stringify(plan), json: plan, model: 'test/one' };
      },
    });
    await workflows.start('team_strategy', situation, { id: 'a' });
    expect(await workflows.result('a')).toMatchObject({ source: 'model', answer: plan });
    expect(JSON.stringify(asked)).toContain('You lead team red');
    workflows.dispose();
  });

  it('tries again what may be tried again, then falls back', async () => {
    const time = clock();
    let calls = 0;
    const workflows = await createWorkflows({
      ...time,
      model: () => {
        ++calls;
        return Promise.reject(new EffectFailure('overloaded', 'too busy', 100));
      },
    });
    await workflows.start('team_strategy', situation, { id: 'a' });
    const result = workflows.result('a');
    await until(() => (calls === 1 ? true : undefined));
    await until(() => time.next() || undefined);
    expect(await result).toMatchObject({ source: 'builtin' });
    expect(calls).toBe(2);
    workflows.dispose();
  });
});

describe('every shipped workflow', () => {
  it('loads and comes to an end without a model', async () => {
    const workflows = await createWorkflows();
    expect(workflows.names).toEqual([
      'agent_creation',
      'development_team',
      'research',
      'review_loop',
      'strategy_adaptation',
      'team_strategy',
      'triage',
    ]);
    for (const name of ['triage', 'review_loop']) {
      const run = await workflows.start(
        name,
        { message: 'x', task: 'x', topic: 'x' },
        { id: name },
      );
      expect(['done', 'failed', 'running']).toContain(run.status);
      expect(run.error).toBeNull();
    }
    workflows.dispose();
  });
});

const chain = {
  name: 'chain',
  tools: { work: { class: 'once' } },
  workflow: [
    { id: 'one', tool: 'work', with: { n: 1 } },
    { id: 'pause', wait: { for: '10ms' } },
    { id: 'two', tool: 'work', with: { n: 2 } },
    { id: 'sure', ask: 'Shall it go on?' },
    { id: 'three', tool: 'work', with: { n: 3 } },
  ],
  result: '{{ [steps.one, steps.two, steps.three] }}',
};

/** A journal that dies before or after its n-th write. */
function mortal(inner: Journal, dies: number, before: boolean): Journal {
  let writes = 0;
  const write = async (work: () => Promise<void>) => {
    const last = writes++ === dies;
    if (last && before) throw new Error('it died');
    await work();
    if (last) throw new Error('it died');
  };
  return {
    ...inner,
    create: (run, history) => write(() => inner.create(run, history)),
    append: (id, events, endedAt) => write(() => inner.append(id, events, endedAt)),
  };
}

describe('a run whose host dies', () => {
  it('goes on from what was kept, and does nothing twice', async () => {
    let deaths = 0;
    let survived = 0;
    for (let dies = 0; dies < 12; ++dies) {
      for (const before of [true, false]) {
        const kept = memoryJournal();
        const done: number[] = [];
        const time = clock();
        const options = (journal: Journal): LocalOptions => ({
          ...time,
          journal,
          tools: {
            work: (request) => {
              const { n } = request as { n: number };
              done.push(n);
              return n * 10;
            },
          },
        });
        const first = await createWorkflows(options(mortal(kept, dies, before)));
        let view: RunView | undefined;
        first.onChange((run) => (view = run));
        await first.start(chain, null, { id: 'r', seed: '5' }).catch(() => undefined);
        const carry = async (at: Awaited<ReturnType<typeof createWorkflows>>) => {
          for (let turn = 0; turn < 200; ++turn) {
            const run = at.list().find(({ id }) => id === 'r');
            if (!run || run.error || run.status !== 'running') return run;
            if (run.questions[0]) await at.answer('r', run.questions[0].id, true);
            else time.next();
            await new Promise((resolve) => setImmediate(resolve));
          }
          return at.list()[0];
        };
        const ended = await carry(first);
        first.dispose();
        if (ended?.status === 'done') continue;
        ++deaths;
        expect(view?.error ?? ended?.error ?? { message: 'it died' }).toMatchObject({
          message: 'it died',
        });
        const second = await createWorkflows(options(kept));
        if ((await kept.list()).length === 0) {
          expect([dies, before]).toEqual([0, true]);
          await second.start(chain, null, { id: 'r', seed: '5' });
        }
        const end = await carry(second);
        // A `once` tool that may have been called has no known outcome: the run says so.
        if (end?.status === 'failed') {
          expect(end.outcome).toMatchObject({ code: 'outcome_unknown' });
        } else {
          ++survived;
          expect(end).toMatchObject({ status: 'done', outcome: [10, 20, 30] });
        }
        expect(new Set(done).size).toBe(done.length);
        second.dispose();
      }
    }
    expect(deaths).toBeGreaterThan(8);
    expect(survived).toBeGreaterThan(4);
  });

  it('drops an event that was not wholly written', async () => {
    const kept = memoryJournal();
    const first = await createWorkflows({ journal: kept });
    await first.start('team_strategy', situation, { id: 'a', seed: '1' });
    const { stateHash } = first.list()[0]!;
    first.dispose();
    const header_bytes = 44;
    const torn = (await kept.history('a'))!.slice(header_bytes, header_bytes + 10);
    await kept.append('a', torn, 0);
    const second = await createWorkflows({ journal: kept });
    expect(second.list()[0]).toMatchObject({ status: 'done', stateHash });
    second.dispose();
  });

  it('says why a changed history cannot go on, and leaves it', async () => {
    const kept = memoryJournal();
    const first = await createWorkflows({ journal: kept });
    await first.start(chain, null, { id: 'a', seed: '1' });
    first.dispose();
    const history = (await kept.history('a'))!;
    history[history.length - 20]! ^= 1;
    const [run] = await kept.list();
    await kept.remove('a');
    await kept.create(run!, history);
    const told: RunView[] = [];
    const second = await createWorkflows({ journal: kept, onChange: (view) => told.push(view) });
    expect(told).toMatchObject([{ id: 'a', status: 'parked', error: { code: 'broken_chain' } }]);
    expect(await kept.history('a')).toEqual(history);
    await expect(second.resume('a')).rejects.toMatchObject({ code: 'broken_chain' });
    await second.remove('a');
    expect(await kept.list()).toEqual([]);
    second.dispose();
  });

  it('sets a run aside over which it died again and again, and goes on with the others', async () => {
    const kept = memoryJournal();
    const first = await createWorkflows({ journal: kept });
    await first.start('team_strategy', situation, { id: 'a', seed: '1' });
    await first.start('team_strategy', situation, { id: 'b', seed: '1' });
    const { stateHash } = first.list()[1]!;
    first.dispose();
    // The page is gone as soon as the first run is read.
    const deadly: Journal = {
      ...kept,
      history: (id) => (id === 'a' ? new Promise(() => undefined) : kept.history(id)),
    };
    for (let death = 1; death <= 3; ++death) {
      void createWorkflows({ journal: deadly });
      await until(async () => (await kept.list())[0]?.takeUps === death || undefined);
    }
    const last = await createWorkflows({ journal: deadly });
    expect(last.list()).toMatchObject([
      { id: 'a', status: 'parked', error: { code: 'run_set_aside' } },
      { id: 'b', status: 'done', stateHash },
    ]);
    await expect(last.result('a')).rejects.toMatchObject({ got: 'run_set_aside' });
    await expect(last.resume('b')).rejects.toMatchObject({ code: 'bad_argument', expected: 'a' });
    last.dispose();

    const mended = await createWorkflows({ journal: kept });
    expect(await mended.resume('a')).toMatchObject({ status: 'done', error: null });
    expect((await kept.list()).map(({ takeUps }) => takeUps)).toEqual([0, 0]);
    mended.dispose();
  });
});

describe('people and signals', () => {
  const asking = {
    name: 'asking',
    workflow: [
      { id: 'sure', ask: 'Sure?', output: { type: 'boolean' } },
      { id: 'go', wait: { signal: 'go' } },
    ],
    result: '{{ [steps.sure, steps.go] }}',
  };

  it('waits for both', async () => {
    const workflows = await createWorkflows();
    const run = await workflows.start(asking, null, { id: 'a' });
    expect(run.questions).toEqual([{ id: 'sure#1', question: 'Sure?' }]);
    await workflows.answer('a', 'sure#1', true);
    await workflows.signal('a', 'go', { n: 1 });
    expect(await workflows.result('a')).toEqual([true, { n: 1 }]);
    workflows.dispose();
  });

  it('can be cancelled', async () => {
    const workflows = await createWorkflows();
    await workflows.start(asking, null, { id: 'a' });
    const result = workflows.result('a').catch((error: unknown) => error);
    await workflows.cancel('a', 'enough');
    expect(await result).toMatchObject({ code: 'run_over' });
    workflows.dispose();
  });

  it('takes the name of the step that asks where one such question is open', async () => {
    const workflows = await createWorkflows();
    await workflows.start(asking, null, { id: 'a' });
    await workflows.answer('a', 'sure', true);
    await workflows.signal('a', 'go', 1);
    expect(await workflows.result('a')).toEqual([true, 1]);
    const each = {
      name: 'each',
      workflow: [{ for_each: 'input', at_once: 2, do: { id: 'sure', ask: 'Sure?' } }],
    };
    await workflows.start(each, [1, 2], { id: 'b' });
    const refused = await workflows.answer('b', 'sure', 1).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'ambiguous_question',
      expected: 'sure[0]#1, sure[1]#1',
    });
    workflows.dispose();
  });

  it('refuses a question that is not asked, a run that is not there and a bad file', async () => {
    const workflows = await createWorkflows();
    await workflows.start(asking, null, { id: 'a' });
    const errorOf = (work: Promise<unknown>) =>
      work.then(
        () => null,
        (error: EngineError) => error,
      );
    expect(await errorOf(workflows.answer('a', 'other#1', 1))).toMatchObject({
      code: 'unknown_effect',
      expected: 'sure#1',
    });
    expect(await errorOf(workflows.signal('b', 'go', 1))).toMatchObject({ code: 'bad_argument' });
    expect(await errorOf(workflows.start('nothing', null))).toMatchObject({ code: 'bad_workflow' });
    expect(
      await errorOf(workflows.start({ name: 'x', workflow: [{ tool: 'no' }] }, null)),
    ).toMatchObject({ code: 'bad_workflow', path: expect.stringContaining('workflow') });
    expect(await errorOf(workflows.start(asking, null, { id: 'a' }))).toMatchObject({
      code: 'bad_argument',
      path: 'id',
    });
    workflows.dispose();
  });
});

describe('a run that moves', () => {
  const waiting = {
    name: 'waiting',
    state: { n: { reducer: 'add', initial: 0 } },
    workflow: [
      { set: { n: 1 } },
      { id: 'sure', ask: 'Sure?' },
      { set: { n: 2 } },
      { id: 'go', wait: { signal: 'go' } },
    ],
    result: '{{ [state.n, steps.sure, steps.go] }}',
  };

  it('is parked here, goes on there, and comes back', async () => {
    const [here, there] = await Promise.all([createWorkflows(), createWorkflows()]);
    await here.start(waiting, null, { id: 'r', seed: '1' });
    const away = await here.export('r');
    expect(here.list()[0]).toMatchObject({ status: 'parked' });
    const arrived = await there.import(away);
    expect(arrived).toMatchObject({
      id: 'r',
      status: 'running',
      questions: [{ id: 'sure#1', question: 'Sure?' }],
    });
    await there.answer('r', 'sure#1', 'yes');
    const back = await here.import(await there.export('r'));
    expect(back).toMatchObject({ status: 'running', questions: [] });
    await here.signal('r', 'go', 5);
    expect(await here.result('r')).toEqual([3, 'yes', 5]);
    const kinds = (await here.events('r')).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'moved' || kind === 'imported')).toEqual([
      'moved',
      'imported',
      'moved',
      'imported',
    ]);
    // A copy of what is over can be read anywhere.
    expect(await there.import(await here.export('r'))).toMatchObject({ status: 'done' });
    here.dispose();
    there.dispose();
  });

  it('keeps its own time at a host whose clock is behind', async () => {
    const aheadMs = 3_600_000;
    const [here, there] = await Promise.all([createWorkflows(), createWorkflows()]);
    await here.start(waiting, null, { id: 'r', seed: '1' });
    await there.import(await here.export('r'), { clockOffset: -aheadMs });
    await there.answer('r', 'sure#1', 'yes');
    const at = new Map((await there.events('r')).map((event) => [event.kind, event.at]));
    expect(at.get('answered')! - at.get('imported')!).toBeLessThan(aheadMs / 2);
    here.dispose();
    there.dispose();
  });

  it('outlives its host where it arrived', async () => {
    const here = await createWorkflows();
    await here.start(waiting, null, { id: 'r', seed: '1' });
    const kept = memoryJournal();
    const there = await createWorkflows({ journal: kept });
    await there.import(await here.export('r'));
    there.dispose();
    const again = await createWorkflows({ journal: kept });
    await again.answer('r', 'sure#1', 1);
    await again.signal('r', 'go', 2);
    expect(await again.result('r')).toEqual([3, 1, 2]);
    again.dispose();
    here.dispose();
  });

  it('is refused where it is under way, or where a byte was changed', async () => {
    const here = await createWorkflows();
    const there = await createWorkflows();
    await here.start(waiting, null, { id: 'r', seed: '1' });
    const away = await here.export('r');
    await there.import(away);
    const errorOf = (work: Promise<unknown>) =>
      work.then(
        () => null,
        (error: EngineError) => error,
      );
    expect(await errorOf(there.import(away))).toMatchObject({ code: 'run_here' });
    for (const at of [3, 40, away.length >> 1, away.length - 1]) {
      const changed = away.map((byte, i) => (i === at ? byte ^ 1 : byte));
      expect(await errorOf(there.import(changed)), `byte ${at}`).toMatchObject({
        code: 'bad_bundle',
      });
    }
    here.dispose();
    there.dispose();
  });
});
