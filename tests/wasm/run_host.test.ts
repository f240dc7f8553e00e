// The page as a host of the engine's fleet of runs: what it tells of runs that were removed, that its
// journal refuses, that an earlier version has kept, and of faults that are not the runs' own.
import { afterEach, describe, expect, it } from 'vitest';
import { createWorkflows, EffectFailure, memoryJournal } from '@redoubt/engine/workflows';
import type { Journal, LocalOptions, RunView, Workflows } from '@redoubt/engine/workflows';

const open: Workflows[] = [];
async function host(options: LocalOptions = {}): Promise<Workflows> {
  const workflows = await createWorkflows(options);
  open.push(workflows);
  return workflows;
}
afterEach(() => {
  for (const workflows of open.splice(0)) workflows.dispose();
});

async function until<T>(read: () => T | undefined): Promise<T> {
  for (let turn = 0; turn < 1000; ++turn) {
    const found = read();
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('it never came');
}
const named = (workflows: Workflows, workflow: string) => () =>
  workflows.list().find((run) => run.workflow === workflow);
const view = (workflows: Workflows, id: string) => workflows.list().find((run) => run.id === id);

const asks = { name: 'asks', workflow: [{ id: 'sure', ask: 'Sure?' }] };
const works = {
  name: 'works',
  state: { n: { reducer: 'replace' } },
  workflow: [
    {
      loop: { max: 100_000 },
      do: { set: { n: "{{ range(2000) | map('string') | join | length + round }}" } },
    },
  ],
};
const calls = { name: 'calls', tools: { never: {} }, workflow: [{ tool: 'never' }] };
const hands_over = { name: 'hands_over', workflow: [{ handoff: { workflow: 'asks' } }] };
const of = (child: string) => ({ name: `of_${child}`, workflow: [{ id: 'x', child }] });

describe('a child run that is removed', () => {
  const files = { asks, works, calls, hands_over, of_asks: of('asks') };
  const options: LocalOptions = {
    workflows: files,
    tools: { never: () => new Promise(() => undefined) },
  };

  for (const [where, child, removed] of [
    ['while it waits for a person', 'asks', 'asks'],
    ['while it waits for a tool', 'calls', 'calls'],
    ['in the middle of its work', 'works', 'works'],
    ['that its child goes on in', 'hands_over', 'asks'],
    ['of its child', 'of_asks', 'asks'],
  ] as const) {
    it(`is told to its parent: one ${where}`, async () => {
      const workflows = await host(options);
      await workflows.start(of(child), null, { id: 'parent', seed: '1' });
      const { id } = await until(named(workflows, removed));
      await workflows.remove(id);
      await expect(workflows.result('parent')).rejects.toMatchObject({ got: 'removed' });
      expect(view(workflows, 'parent')?.status).toBe('failed');
      expect(view(workflows, id)).toBeUndefined();
    });
  }

  it('is told to a parent that was taken up anew', async () => {
    const journal = memoryJournal();
    const before = await host({ ...options, journal });
    await before.start(of('asks'), null, { id: 'parent', seed: '1' });
    await until(named(before, 'asks'));
    before.dispose();
    const workflows = await host({ ...options, journal });
    const { id } = await until(named(workflows, 'asks'));
    await workflows.remove(id);
    await expect(workflows.result('parent')).rejects.toMatchObject({ got: 'removed' });
  });

  it('is cancelled with its parent where that is removed', async () => {
    const workflows = await host(options);
    await workflows.start(of('asks'), null, { id: 'parent', seed: '1' });
    const { id } = await until(named(workflows, 'asks'));
    await workflows.remove('parent');
    await until(() => view(workflows, id)?.status === 'cancelled' || undefined);
  });
});

describe('a child that cannot begin', () => {
  it('fails its step with what is wrong with its file', async () => {
    const workflows = await host({
      workflows: { wrong: { name: 'wrong', workflow: [{ tool: 'nobody' }] } },
    });
    await workflows.start(of('wrong'), null, { id: 'parent', seed: '1' });
    await expect(workflows.result('parent')).rejects.toMatchObject({ got: 'bad_workflow' });
  });
});

const steps = {
  name: 'steps',
  tools: { work: { class: 'idempotent' } },
  workflow: [
    { id: 'one', tool: 'work', with: 1 },
    { id: 'go', wait: { signal: 'go' } },
    { id: 'two', tool: 'work', with: 2 },
  ],
  result: '{{ [steps.one, steps.two] }}',
};
const work = (request: number) => request * 10;

/** A journal that refuses to append to a run while it is told to. */
function refusing(inner: Journal): Journal & { refused: string | null } {
  const journal = {
    ...inner,
    refused: null as string | null,
    append: (id: string, events: Uint8Array, endedAt: number) => {
      if (id === journal.refused) throw new Error('the disk is full'); // at once, not by a promise
      return inner.append(id, events, endedAt);
    },
  };
  return journal;
}

describe('a run that its journal refuses', () => {
  it('stands still with the reason, refuses what it is given, and goes on when it is resumed', async () => {
    const journal = refusing(memoryJournal());
    const told: RunView[] = [];
    const workflows = await host({ journal, tools: { work }, onChange: (run) => told.push(run) });
    await workflows.start(steps, null, { id: 'a', seed: '1' });
    await until(() => (view(workflows, 'a')?.events ?? 0) > 4 || undefined);
    const kept = await journal.history('a');
    journal.refused = 'a';
    await workflows.signal('a', 'go', null);
    const still = view(workflows, 'a');
    expect(still).toMatchObject({ status: 'running', error: { message: 'the disk is full' } });
    await expect(workflows.signal('a', 'go', null)).rejects.toThrow('the disk is full');
    await expect(workflows.export('a')).rejects.toThrow('the disk is full');
    expect(await journal.history('a')).toEqual(kept);
    journal.refused = null;
    expect(await workflows.resume('a')).toMatchObject({ status: 'running', error: null });
    await workflows.signal('a', 'go', null);
    expect(await workflows.result('a')).toEqual([10, 20]);
  });

  it('fails the step of the run that waits for it', async () => {
    const journal = refusing(memoryJournal());
    const workflows = await host({ journal, workflows: { asks } });
    await workflows.start(of('asks'), null, { id: 'parent', seed: '1' });
    const { id, questions } = await until(named(workflows, 'asks'));
    journal.refused = id;
    await workflows.answer(id, questions[0]!.id, true);
    await expect(workflows.result('parent')).rejects.toThrow('the disk is full');
  });

  it('leaves the others alone', async () => {
    const journal = refusing(memoryJournal());
    const workflows = await host({ journal, tools: { work } });
    for (const id of ['a', 'b']) await workflows.start(steps, null, { id, seed: '1' });
    await until(() => (view(workflows, 'a')?.events ?? 0) > 4 || undefined);
    journal.refused = 'a';
    for (const id of ['a', 'b']) await workflows.signal(id, 'go', null);
    expect(await workflows.result('b')).toEqual([10, 20]);
  });
});

describe('a journal of an earlier version', () => {
  /** As versions before the fleet kept a run: its file as it was given, over where it handed over. */
  async function keptBefore(file: object, leaves: readonly string[]): Promise<Journal> {
    const journal = memoryJournal();
    const first = await createWorkflows({ journal, workflows: { asks }, tools: { work } });
    await first.start(file, null, { id: 'old', seed: '1' });
    await until(() => ((view(first, 'old')?.events ?? 0) > 2 ? true : undefined));
    await until(() => (view(first, 'old')?.status === 'continued' ? named(first, 'asks')() : true));
    first.dispose();
    const [run] = (await journal.list()).filter(({ id }) => id === 'old');
    const history = (await journal.history('old'))!;
    const old = memoryJournal();
    await old.create({ ...run!, definition: JSON.stringify(file) }, history);
    for (const other of await journal.list()) {
      if (leaves.includes(other.workflow)) {
        await old.create(other, (await journal.history(other.id))!);
      }
    }
    return old;
  }

  it('is gone on with', async () => {
    const workflows = await host({ journal: await keptBefore(steps, []), tools: { work } });
    await workflows.signal('old', 'go', null);
    expect(await workflows.result('old')).toEqual([10, 20]);
  });

  it('has runs that handed over and were over before the run that goes on was kept', async () => {
    const workflows = await host({
      journal: await keptBefore(hands_over, []),
      workflows: { asks },
    });
    const next = await until(named(workflows, 'asks'));
    expect(next.status).toBe('running');
    expect(view(workflows, 'old')).toMatchObject({ status: 'continued', error: null });
  });

  it('begins none anew that it has kept', async () => {
    const journal = await keptBefore(hands_over, ['asks']);
    const [kept] = (await journal.list()).filter(({ workflow }) => workflow === 'asks');
    const workflows = await host({ journal, workflows: { asks } });
    expect(workflows.list().filter(({ workflow }) => workflow === 'asks')).toHaveLength(1);
    expect(view(workflows, kept!.id)).toMatchObject({ startedAt: kept!.startedAt });
  });
});

describe('a run that could not be taken up', () => {
  it('gives way to a bundle of it', async () => {
    const journal = memoryJournal();
    const first = await host({ journal });
    await first.start(asks, null, { id: 'a', seed: '1' });
    const bundle = await first.export('a');
    first.dispose();
    const history = (await journal.history('a'))!;
    history[history.length - 20]! ^= 1;
    const [run] = await journal.list();
    await journal.replace(run!, history);
    const workflows = await host({ journal });
    expect(view(workflows, 'a')).toMatchObject({ error: { code: 'broken_chain' } });
    await expect(workflows.signal('a', 'go', 1)).rejects.toMatchObject({ code: 'broken_chain' });
    expect(await workflows.import(bundle)).toMatchObject({ id: 'a', status: 'running' });
    await workflows.answer('a', 'sure', true);
    expect(view(workflows, 'a')).toMatchObject({ status: 'done', error: null });
    expect(await journal.list()).toHaveLength(1);
  });
});

describe('faults that are not the runs', () => {
  it('fails a step whose model or tool throws at once, with its code', async () => {
    const workflows = await host({
      model: () => {
        throw new EffectFailure('no_key', 'there is no key');
      },
    });
    const file = { name: 'm', llms: { one: {} }, workflow: [{ model: 'one', prompt: 'x' }] };
    await workflows.start(file, null, { id: 'a', seed: '1' });
    await expect(workflows.result('a')).rejects.toMatchObject({ got: 'no_key' });
  });

  it('fails a step whose tool gives what no run can take', async () => {
    const circle: Record<string, unknown> = {};
    circle['circle'] = circle;
    let deep: unknown = 0;
    for (let level = 0; level < 100; ++level) deep = [deep];
    const gives: Record<string, unknown> = { circle, deep, large: 'x'.repeat(17 * 2 ** 20) };
    const workflows = await host({ tools: { give: (name: string) => gives[name] } });
    const file = {
      name: 'g',
      tools: { give: {} },
      workflow: [{ tool: 'give', with: '{{ input }}' }],
    };
    for (const name of Object.keys(gives)) {
      await workflows.start(file, name, { id: name });
      await expect(workflows.result(name)).rejects.toMatchObject({ code: 'run_over' });
    }
  });

  it('sets aside a run whose record is none', async () => {
    const journal = memoryJournal();
    const first = await host({ journal });
    await first.start(asks, null, { id: 'a', seed: '1' });
    await first.start(asks, null, { id: 'b', seed: '1' });
    first.dispose();
    const [run] = await journal.list();
    await journal.replace({ ...run!, startedAt: 0.5 }, (await journal.history('a'))!);
    const workflows = await host({ journal });
    expect(view(workflows, 'a')).toMatchObject({ error: { code: 'bad_argument' } });
    expect(view(workflows, 'b')).toMatchObject({ status: 'running', error: null });
  });

  it('tells whoever waits that the workflows were disposed of', async () => {
    const workflows = await createWorkflows();
    const long = expect(workflows.start(works, null, { id: 'a' })).rejects.toMatchObject({
      code: 'disposed',
    });
    await until(named(workflows, 'works'));
    workflows.dispose();
    await long;
    await expect(workflows.start(asks, null)).rejects.toMatchObject({ code: 'disposed' });
  });
});
