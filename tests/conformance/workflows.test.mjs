// Workflows come out the same in both builds: the shipped files have the same hashes, and a run of
// ten thousand events that WebAssembly carried out is replayed natively, decision by decision.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createWorkflows } from '@redoubt/engine/workflows';

const root = join(import.meta.dirname, '../..');
const redoubt = (...args) =>
  JSON.parse(
    execFileSync(join(root, 'build/native-release/tools/cli/redoubt'), args, { encoding: 'utf8' }),
  );

describe('workflows in both builds', () => {
  let workflows;
  let folder;
  before(async () => {
    workflows = await createWorkflows({
      tools: { double: (request) => ({ value: request.n * 2 }) },
    });
    folder = mkdtempSync(join(tmpdir(), 'redoubt-workflows-'));
  });
  after(() => {
    workflows.dispose();
    rmSync(folder, { recursive: true });
  });

  it('reads the shipped files to the same hashes', async () => {
    const shipped = join(root, 'engine/workflows');
    const files = readdirSync(shipped).filter((file) => file.endsWith('.yaml'));
    assert.deepEqual(files.map((file) => file.slice(0, -5)).sort(), [...workflows.names].sort());
    for (const file of files) {
      const native = redoubt('workflow', 'check', '--json', join(shipped, file));
      const run = await workflows.start(native.name, {}, { id: native.name });
      assert.equal(run.sha256, native.sha256, file);
    }
  });

  it('replays natively what WebAssembly carried out', async () => {
    const file = {
      name: 'long',
      tools: { double: { class: 'idempotent' } },
      state: { sum: { reducer: 'add', initial: 0 }, odd: { reducer: 'append' } },
      workflow: [
        {
          for_each: '{{ input.numbers }}',
          max: 2500,
          at_once: 7,
          do: [
            { id: 'doubled', tool: 'double', with: { n: '{{ item }}' } },
            { set: { sum: '{{ steps.doubled.value }}' } },
          ],
        },
      ],
      result: '{{ state.sum }}',
    };
    const numbers = Array.from({ length: 1500 }, (_, i) => i);
    await workflows.start(file, { numbers }, { id: 'long', seed: '18446744073709551615' });
    assert.equal(await workflows.result('long'), 1500 * 1499);
    const run = workflows.list().find(({ id }) => id === 'long');
    assert.ok(run.events >= 10_000, `${run.events} events`);
    const definition = join(folder, 'long.json');
    const journal = join(folder, 'long.journal');
    writeFileSync(definition, JSON.stringify(file));
    writeFileSync(journal, await workflows.history('long'));
    const replayed = redoubt('workflow', 'replay', '--json', definition, '--journal', journal);
    assert.equal(replayed.events, run.events);
    assert.equal(replayed.state_hash, run.stateHash);
    assert.equal(replayed.status, 'done');
  });
});
