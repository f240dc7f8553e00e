// The packages in runtimes beside Node, with the README's plain imports: run as they are, bundled for
// a server, and as one executable in a folder of its own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { install, resultInNode, withWorkers } from './project.mjs';

const execute = promisify(execFile);

/** Runs a built file from an otherwise empty folder: it finds nothing beside itself. */
async function alone(file, ...runner) {
  const folder = await mkdtemp(join(tmpdir(), 'redoubt-alone-'));
  try {
    const copy = join(folder, basename(file));
    await copyFile(file, copy);
    const [program, ...args] = [...runner, copy];
    const { stdout } = await execute(program, args, { cwd: folder, timeout: 60_000 });
    return JSON.parse(stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('Bun', { concurrency: false }, () => {
  let project;
  let wanted;
  before(async () => {
    project = await install('bun');
    wanted = withWorkers(await resultInNode(project));
  });
  after(() => project?.remove());
  const built = (name) => join(project.folder, 'dist', name);
  const bun = () => join(project.folder, 'node_modules/.bin/bun');

  it('runs the packages, workers too', async () => {
    assert.deepEqual(JSON.parse(await project.run('bun', 'run', 'print.js')), wanted);
  });
  it('builds a script for a server', async () => {
    await project.run('bun', 'build', 'print.js', '--target=bun', '--outdir=dist');
    assert.deepEqual(await alone(built('print.js'), bun(), 'run'), wanted);
  });
  it('compiles an executable', async () => {
    await project.run('bun', 'build', 'print.js', '--compile', '--outfile', built('print'));
    assert.deepEqual(await alone(built('print')), wanted);
  });
});

describe('Deno', { concurrency: false }, () => {
  let project;
  let wanted;
  before(async () => {
    project = await install('deno');
    wanted = withWorkers(await resultInNode(project));
  });
  after(() => project?.remove());

  it('runs the packages, workers too', async () => {
    const said = await project.run('deno', 'run', '--cached-only', '--allow-read', 'print.js');
    assert.deepEqual(JSON.parse(said), wanted);
  });
  it('compiles an executable', async (test) => {
    const file = join(project.folder, 'dist/print');
    try {
      const given = ['--cached-only', '--allow-read', '--output', file, 'print.js'];
      await project.run('deno', 'compile', ...given);
    } catch (error) {
      // It downloads what it puts into executables, from a place that is no package registry.
      if (!/denort/.test(error.message)) throw error;
      console.log('skipped: deno compile: denort cannot be downloaded here');
      return test.skip('denort cannot be downloaded here');
    }
    assert.deepEqual(await alone(file), wanted);
  });
});

for (const [tool, build] of Object.entries({
  esbuild: (format, file) => [
    ...['esbuild', 'print.js', '--bundle', '--platform=node'],
    ...[`--format=${format}`, `--outfile=${file}`],
  ],
  rollup: (format, file) => [
    ...['rollup', '--config', 'server.config.js', '--format', format, '--file', file],
  ],
})) {
  describe(`a script for Node by ${tool}`, { concurrency: false }, () => {
    let project;
    before(async () => {
      project = await install(tool);
    });
    after(() => project?.remove());
    for (const format of ['esm', 'cjs']) {
      it(`runs as ${format}`, async () => {
        const file = join(project.folder, `dist/print.${format === 'esm' ? 'mjs' : 'cjs'}`);
        await project.run(...build(format, file));
        const wanted = await resultInNode(project);
        assert.deepEqual(await alone(file, process.execPath), wanted);
      });
    }
  });
}
