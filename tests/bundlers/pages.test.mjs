// The packages in pages that each bundler builds, run in Chromium: the README's plain imports, and
// the imports that need no file, which work where a bundler leaves the files behind.
import assert from 'node:assert/strict';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { install, resultAt, resultInNode, resultOfFiles, withWorkers } from './project.mjs';

/** The README's, and blob: for the workers of @redoubt/engine/inline. */
const POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; img-src data:";

const vite = {
  build: built('vite', 'build', '--base', './', '--logLevel', 'error'),
  dev: ({ start }) =>
    start('vite', (port) => ['--host', '127.0.0.1', '--port', port, '--strictPort']),
};

/** Builds with a command and gives the folder of the built page, to which `index.html` belongs. */
function built(...command) {
  return async ({ run, folder }) => {
    await run(...command);
    const into = join(folder, 'dist');
    await cp(join(folder, 'index.html'), join(into, 'index.html'), { force: false });
    return into;
  };
}

/** `leaves`: the packages' files behind; `policy`: null where its own page breaks any. */
const TOOLS = {
  vite5: vite,
  vite6: vite,
  vite7: vite,
  vite8: vite,
  webpack: {
    build: built('webpack', 'build'),
    dev: ({ start }) =>
      start('webpack', (port) => ['serve', '--host', '127.0.0.1', '--port', port]),
  },
  parcel: {
    policy: null, // an import map in the page itself
    build: built('parcel', 'build', 'index.html', '--public-url', './', '--no-autoinstall'),
    dev: ({ start }) =>
      start('parcel', (port) => ['index.html', '--host', '127.0.0.1', '--port', port]),
  },
  esbuild: {
    leaves: true,
    build: built('esbuild', 'main.js', '--bundle', '--format=esm', '--outdir=dist'),
  },
  rollup: { leaves: true, build: built('rollup', '--config') },
  bun: { leaves: true, build: built('bun', 'build', 'index.html', '--outdir=dist') },
};

for (const [tool, { build, dev, leaves = false, policy = POLICY }] of Object.entries(TOOLS)) {
  describe(`a page by ${tool}`, { concurrency: false }, () => {
    let project;
    let wanted;
    let files;

    before(async () => {
      project = await install(tool);
      wanted = withWorkers(await resultInNode(project));
      files = await build(project);
    });
    after(() => project?.remove());

    if (leaves) {
      it('says what always works where its files are left behind, and that works', async () => {
        const { result } = await resultOfFiles(files, policy);
        for (const part of ['engine', 'workflows', 'model', 'client']) {
          assert.match(result.plain[part], /^wasm_load_failed: .* What always works: [^]*inline/);
        }
        for (const part of ['worker', 'workflowsInWorker']) {
          assert.match(result.plain[part], /^worker_lost: .* What always works: [^]*inline/);
        }
        assert.deepEqual(result.inline, wanted.inline);
      });
    }

    it(`runs${leaves ? ', with the files copied beside its script' : ''}`, async () => {
      if (leaves) await copyFiles(project.folder, files);
      assert.deepEqual(await resultOfFiles(files, policy), { result: wanted, complaints: [] });
    });

    if (dev) {
      it('runs while developing', async () => {
        const server = await dev(project);
        try {
          assert.deepEqual(await resultAt(server.url), { result: wanted, complaints: [] });
        } finally {
          await server.stop();
        }
      });
    }
  });
}

/** The cores and the workers' scripts, as the README says. */
async function copyFiles(folder, into) {
  const dist = join(folder, 'node_modules/@redoubt/engine/dist');
  for (const file of await readdir(dist)) {
    if (/\.wasm$|-worker\.js$/.test(file)) await cp(join(dist, file), join(into, file));
  }
}
