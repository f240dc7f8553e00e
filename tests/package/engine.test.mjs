// @redoubt/engine as its users get it: packed, installed into a fresh folder, run in Node, built by
// Vite, and from a plain module script in Chromium under a strict Content-Security-Policy.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { openBrowser, until } from '../e2e/browser.mjs';
import { serve } from '../e2e/static_server.mjs';

const run = promisify(execFile);
const root = new URL('../../', import.meta.url).pathname;
const INSTALL = ['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts'];
const size_gz_max = 192 * 1024;
const ALWAYS = / What always works: import from '@redoubt\/engine\/inline' .*\.$/;

/** What the README's first example says, with its result where a test can read it. */
const MATCH = `
  import { createEngine, strategy, EngineError } from '@redoubt/engine';
  import { createEngine as createInline } from '@redoubt/engine/inline';
  const options = { map: { generate: {} }, seed: 7, players: ['strategist', 'rush'] };
  async function hashAfter(create) {
    const engine = await create(options);
    engine.play(200);
    const hash = engine.hash();
    engine.dispose();
    return hash;
  }
`;
const RESULT = `{ file: await hashAfter(createEngine), inline: await hashAfter(createInline) }`;

const WORKER = `
  import { startEngine } from '@redoubt/engine/worker';
  const client = await startEngine({ map: { generate: {} }, seed: 7, players: ['strategist', 'rush'] });
  let frames = 0;
  client.onFrame(() => ++frames);
  await client.play(16);
  while (frames < 30) await new Promise((done) => setTimeout(done, 10));
  await client.pause();
  await client.seek(20);
  const hash = await client.hash();
  await client.seek(1e9);
  await client.step(Math.max(1, 200 - client.status.headTick));
  await client.seek(200);
  const later = await client.hash();
  client.dispose();
`;

async function pack(into) {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', into], {
    cwd: join(root, 'wasm'),
  });
  const [made] = JSON.parse(stdout.slice(stdout.indexOf('[')));
  return { path: join(into, made.filename), files: made.files.map(({ path }) => path) };
}

describe('@redoubt/engine from its tarball', () => {
  let folder;
  let packed;
  let browser;
  let wanted;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'redoubt-engine-'));
    packed = await pack(folder);
    await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}');
    await run('npm', [...INSTALL, packed.path], { cwd: folder });
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await rm(folder, { recursive: true });
  });

  /** Opens a page of `site` and gives what it left in globalThis.result. */
  async function resultOf(site, path) {
    const page = await browser.page();
    await page.goto(`${site.url}${path}`);
    const result = await until(`${path} to have a result`, () =>
      page.evaluate(() => globalThis.result ?? null),
    );
    assert.deepEqual(
      [...page.seen.errors, ...page.seen.violations, ...page.seen.failedRequests],
      [],
    );
    await page.close();
    return result;
  }

  it('holds its code, its cores, its types, its README and nothing else', () => {
    const rest = packed.files.filter((path) => !/^dist\/[a-z_-]+\.(js|d\.ts)$/.test(path)).sort();
    const cores = ['engine', 'model', 'workflow'].map((name) => `dist/${name}-core.wasm`);
    assert.deepEqual(rest, ['LICENSE', 'README.md', ...cores, 'package.json']);
  });

  it('runs workflows in Node', async () => {
    await writeFile(
      join(folder, 'workflows.mjs'),
      `import { createWorkflows } from '@redoubt/engine/workflows';
       const model = async ({ id }) => ({ text: 'the answer to ' + id });
       const workflows = await createWorkflows({ model });
       const file = { name: 'two', llms: { m: {} }, workflow: [
         { id: 'one', model: 'm', prompt: 'x' }, { id: 'two', model: 'm', prompt: '{{ steps.one.text }}' },
       ], result: '{{ steps.two.text }}' };
       await workflows.start(file, null, { id: 'r' });
       console.log(await workflows.result('r'));`,
    );
    const { stdout } = await run(process.execPath, ['workflows.mjs'], {
      cwd: folder,
      timeout: 60_000,
    });
    assert.equal(stdout.trim(), 'the answer to two#1');
  });

  it('runs in Node', async () => {
    await writeFile(
      join(folder, 'match.mjs'),
      `${MATCH} console.log(JSON.stringify(${RESULT}));
       const advice = await strategy({ team_id: 'red', territory_control: { red: 1, blue: 50 },
         resources: { red: { energy: 1, materials: 1, data: 1 } }, agents: { red: [], blue: [] },
         resource_distribution: { total: 3 } });
       console.log(advice.strategy);`,
    );
    const { stdout } = await run(process.execPath, ['match.mjs'], { cwd: folder, timeout: 60_000 });
    const [line, advice] = stdout.trim().split('\n');
    wanted = JSON.parse(line);
    assert.match(wanted.file, /^[0-9a-f]{16}$/);
    assert.equal(wanted.inline, wanted.file);
    assert.equal(advice, 'aggressive');
  });

  it('does what its README says', async () => {
    const readme = await readFile(join(root, 'wasm/README.md'), 'utf8');
    const [, code] = /```js\n([\s\S]*?)```/.exec(readme);
    assert.ok(code.trim().split('\n').length <= 10, 'the match of the README has ten lines');
    await writeFile(join(folder, 'readme.mjs'), code);
    const { stdout } = await run(process.execPath, ['readme.mjs'], {
      cwd: folder,
      timeout: 60_000,
    });
    assert.match(stdout, /^(the strategist|rush|nobody) wins by \w+ at tick \d+/m);
  });

  it('builds with Vite as it is, without a plugin, and runs, its worker too', async () => {
    const app = join(folder, 'app');
    await mkdir(app);
    await writeFile(
      join(app, 'index.html'),
      '<!doctype html><link rel="icon" href="data:," /><script type="module" src="/main.js"></script>',
    );
    await writeFile(
      join(app, 'main.js'),
      `${MATCH}${WORKER} globalThis.result = { ...(${RESULT}), hash, later };`,
    );
    await symlink(join(root, 'node_modules/vite'), join(folder, 'node_modules/vite'));
    const vite = join(root, 'node_modules/vite/bin/vite.js');
    await run(process.execPath, [vite, 'build', '--base', './', '--target', 'es2022'], {
      cwd: app,
    });
    const site = await serve(() => join(app, 'dist'));
    const { hash, later, ...match } = await resultOf(site, '');
    assert.deepEqual(match, wanted);
    assert.match(hash, /^[0-9a-f]{16}$/);
    assert.equal(later, wanted.file);
    assert.equal(new Set(site.asked.filter((path) => path.endsWith('.wasm'))).size, 1);
    await site.close();
  });

  it('runs in Vite while developing', async () => {
    const app = join(folder, 'app');
    const { createServer } = await import('vite');
    const dev = await createServer({
      root: app,
      configFile: false,
      logLevel: 'error',
      server: { port: 0, host: '127.0.0.1', fs: { strict: false } },
    });
    await dev.listen();
    try {
      const { port } = dev.httpServer.address();
      const { later } = await resultOf({ url: `http://127.0.0.1:${port}/` }, '');
      assert.equal(later, wanted.file);
    } finally {
      await dev.close();
    }
  });

  it('runs from a plain module script under the strict policy, its worker too', async () => {
    const site = join(folder, 'plain');
    await mkdir(site);
    await cp(join(folder, 'node_modules/@redoubt/engine/dist'), join(site, 'engine'), {
      recursive: true,
    });
    const here = (code) =>
      code
        .replace("'@redoubt/engine'", "'./engine/index.js'")
        .replace("'@redoubt/engine/inline'", "'./engine/inline.js'")
        .replace("'@redoubt/engine/worker'", "'./engine/worker.js'");
    await writeFile(
      join(site, 'index.html'),
      '<!doctype html><link rel="icon" href="data:," /><script type="module" src="main.mjs"></script>',
    );
    await writeFile(
      join(site, 'main.mjs'),
      here(`${MATCH}${WORKER} globalThis.result = { ...(${RESULT}), later };`),
    );
    const served = await serve(() => site);
    const result = await resultOf(served, '');
    assert.deepEqual(result, { ...wanted, later: wanted.file });
    await served.close();
  });

  it('says what is wrong where the core is missing, in the page and in the worker', async () => {
    const site = join(folder, 'plain');
    await writeFile(
      join(site, 'missing.html'),
      '<!doctype html><link rel="icon" href="data:," /><script type="module" src="missing.mjs"></script>',
    );
    await writeFile(
      join(site, 'missing.mjs'),
      `import { createEngine } from './engine/index.js';
       import { startEngine } from './engine/worker.js';
       import { startEngine as startInline } from './engine/inline_worker.js';
       const match = { map: { generate: {} } };
       const options = { ...match, wasm: new URL('./gone/engine-core.wasm', location.href) };
       const moved = { ...match, workerUrl: './gone/engine-worker.js' };
       const said = async (start, given) =>
         start(given).then(() => null, ({ code, message }) => ({ code, message }));
       globalThis.result = {
         cores: [await said(createEngine, options), await said(startEngine, options)],
         worker: await said(startEngine, moved),
         inline: await said(startInline, match),
       };`,
    );
    const served = await serve(() => site);
    const page = await browser.page();
    await page.goto(`${served.url}missing.html`);
    const { cores, worker, inline } = await until('the errors', () =>
      page.evaluate(() => globalThis.result ?? null),
    );
    for (const { code, message } of cores) {
      assert.equal(code, 'wasm_load_failed');
      assert.match(message, /404 engine-core\.wasm.*gone\/engine-core\.wasm/);
      assert.match(message, ALWAYS);
    }
    assert.equal(worker.code, 'worker_lost');
    assert.match(worker.message, /serve engine-worker\.js/);
    assert.match(worker.message, ALWAYS);
    // The policy of this page has no blob:.
    assert.equal(inline.code, 'worker_lost');
    assert.match(inline.message, /worker-src/);
    await page.close();
    await served.close();
  });

  it('is typed for strict users of both module resolutions', async () => {
    await writeFile(
      join(folder, 'typed.ts'),
      `import { createEngine, EngineError, type Engine, type Frame, type Order } from '@redoubt/engine';
      import { startEngine, type EngineClient } from '@redoubt/engine/worker';
      import { createEngine as inline } from '@redoubt/engine/inline';
      export async function match(): Promise<string> {
        using engine: Engine = await createEngine({ map: { generate: { teams: 2 } }, seed: 7n });
        const order: Order = { kind: 'move', team: 0, agent: engine.agents.id[0]!, cell: 5 };
        for (const event of engine.step([order], 3)) if (event.kind === 'hit') return String(event.amount);
        // @ts-expect-error no such order
        engine.step([{ kind: 'fly', team: 0 }]);
        return engine.outcome?.by ?? 'running';
      }
      export async function page(draw: (frame: Frame) => void): Promise<EngineClient> {
        const client = await startEngine({ map: { generate: {} }, players: ['strategist', 'external'] });
        client.onFrame(draw);
        return client;
      }
      export const isOurs = (error: unknown) => error instanceof EngineError && error.code === 'bad_order';
      export const again: typeof createEngine = inline;`,
    );
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    for (const kind of [
      ['--module', 'nodenext', '--moduleResolution', 'nodenext'],
      ['--module', 'esnext', '--moduleResolution', 'bundler'],
    ]) {
      const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022'];
      await run(process.execPath, [tsc, ...strict, ...kind, 'typed.ts'], { cwd: folder }).catch(
        (error) => assert.fail(error.stdout),
      );
    }
  });

  it('is small', async () => {
    const dist = join(folder, 'node_modules/@redoubt/engine/dist');
    const gz = async (file) => gzipSync(await readFile(join(dist, file)), { level: 9 }).length;
    // What index.js imports comes with it.
    const files = new Set(['index.js']);
    for (const file of files) {
      const code = await readFile(join(dist, file), 'utf8');
      for (const [, imported] of code.matchAll(/from"\.\/([a-z-]+\.js)"/g)) files.add(imported);
    }
    const core = await gz('engine-core.wasm');
    let facade = 0;
    for (const file of files) facade += await gz(file);
    const kb = (bytes) => (bytes / 1024).toFixed(1);
    console.log(
      `size: @redoubt/engine ${kb(core + facade)} KB gz (engine-core.wasm ${kb(core)}, facade and glue ${kb(facade)})`,
    );
    const workflows =
      (await gz('workflow-core.wasm')) +
      (await gz('workflows.js')) +
      (await gz('workflow-worker.js'));
    console.log(`size: @redoubt/engine/workflows ${kb(workflows)} KB gz more`);
    assert.ok(core + facade <= size_gz_max, `${core + facade} bytes`);
    const listed = JSON.parse(await readFile(join(dist, '../package.json'), 'utf8'));
    assert.deepEqual(Object.keys(listed.dependencies ?? {}), []);
    assert.deepEqual(Object.keys(listed.exports['.']), ['types', 'node', 'default']);
    assert.equal(listed.sideEffects, false);
    // Parcel knows a package's parts by these alone.
    for (const [part, { default: file }] of Object.entries(listed.exports)) {
      if (file && part !== '.') assert.equal(listed.alias[part], file);
    }
  });
});
