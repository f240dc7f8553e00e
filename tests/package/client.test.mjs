// @redoubt/client as its users get it: packed, installed into a fresh folder beside the engine, its
// README run word for word, against a small relay and against nothing.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

const run = promisify(execFile);
const root = new URL('../../', import.meta.url).pathname;
const client = join(root, 'web/client');
const engine = join(root, 'wasm');
const INSTALL = ['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts'];

/** Not the engine: what a game with strategists of its own would pass. */
const OWN_ENGINE = `
  const strategy = { strategy: 'defensive', focus: 'territory', priorities: ['defend_base'],
    description: 'Said by the game itself.' };
  export const engine = { strategy: () => strategy, agentSpecification: () => null };
`;

const RELAY_STRATEGY = {
  strategy: 'aggressive',
  focus: 'combat',
  priorities: ['attack_enemies'],
  description: 'Said by the relay.',
  source: 'engine',
  reasons: [],
  confidence: 0.5,
};

function startRelay() {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json');
      const isProbe = request.url === '/healthz';
      response.end(JSON.stringify(isProbe ? { status: 'ok' } : RELAY_STRATEGY));
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function pack(folder, into) {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', into], {
    cwd: folder,
  });
  const [made] = JSON.parse(stdout.slice(stdout.indexOf('[')));
  return { path: join(into, made.filename), files: made.files.map(({ path }) => path) };
}

describe('@redoubt/client from its tarball', () => {
  let folder;
  let packed;
  let relay;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'redoubt-client-'));
    packed = await pack(client, folder);
    const tarballs = [packed.path];
    if (existsSync(join(engine, 'dist/index.js'))) tarballs.push((await pack(engine, folder)).path);
    await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}');
    await run('npm', [...INSTALL, ...tarballs], { cwd: folder });
    relay = await startRelay();
  });
  after(async () => {
    relay.close();
    await rm(folder, { recursive: true });
  });

  const relayUrl = () => `http://127.0.0.1:${relay.address().port}`;
  /** A port where nobody listens: one that was free a moment ago. */
  async function nobodysUrl() {
    const server = await startRelay();
    const url = `http://127.0.0.1:${server.address().port}`;
    await new Promise((resolve) => server.close(resolve));
    return url;
  }
  async function play(name, code) {
    await writeFile(join(folder, name), code);
    const { stdout } = await run(process.execPath, [name], { cwd: folder, timeout: 30_000 });
    return stdout;
  }

  it('holds its code, its types, its README and nothing else', () => {
    assert.deepEqual(
      packed.files.filter((path) => !/^dist\/[a-z_]+\.(js|d\.ts)$/.test(path)).sort(),
      ['LICENSE', 'README.md', 'package.json'],
    );
  });

  for (const [what, url, source] of [
    ['the relay', relayUrl, 'relay aggressive'],
    ['nothing', nobodysUrl, 'engine defensive relay_unreachable'],
  ]) {
    it(`answers against ${what}, and the process ends by itself`, async () => {
      await writeFile(join(folder, 'own.mjs'), OWN_ENGINE);
      const said = await play(
        'small.mjs',
        `import { createClient } from '@redoubt/client';
        import { engine } from './own.mjs';
        const client = createClient({ engine, relay: '${await url()}' });
        const { source, value, reduced } = await client.strategy('red', { territory_control: {},
          resources: {}, agents: {}, resource_distribution: {} });
        console.log(source, value.strategy, reduced?.code ?? '');`,
      );
      assert.equal(said.trim(), source);
    });
  }

  const noEngine = existsSync(join(engine, 'dist/index.js')) ? false : 'the engine is not built';

  it('does what its README says, with the engine', { skip: noEngine }, async () => {
    const readme = await readFile(join(client, 'README.md'), 'utf8');
    const [, code] = /```js\n([\s\S]*?)```/.exec(readme);
    const withRelay = await play('readme.mjs', code.replace('http://localhost:8000', relayUrl()));
    assert.match(withRelay, /^relay aggressive /m);
    const nobody = await nobodysUrl();
    const without = await play('readme.mjs', code.replace('http://localhost:8000', nobody));
    assert.match(
      without,
      /^engine (balanced|aggressive|economic|defensive) [^]*cannot be reached/m,
    );
  });

  it('is typed for strict users of both module resolutions', { skip: noEngine }, async () => {
    await writeFile(
      join(folder, 'typed.ts'),
      `import * as engine from '@redoubt/engine';
      import { createClient, ClientError, type Answer, type Strategy } from '@redoubt/client';
      const client = createClient({ engine, relay: null });
      export const first: Promise<Answer<Strategy>> = client.strategy(0, { territory_control: {},
        resources: {}, agents: {}, resource_distribution: {} });
      // @ts-expect-error no such team
      client.strategy('violet');
      export const isOurs = (error: unknown) => error instanceof ClientError;`,
    );
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    for (const kind of [
      ['--module', 'nodenext', '--moduleResolution', 'nodenext'],
      ['--module', 'esnext', '--moduleResolution', 'bundler'],
    ]) {
      const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022'];
      await run(process.execPath, [tsc, ...strict, ...kind, 'typed.ts'], { cwd: folder });
    }
  });

  it('is tiny', async () => {
    const input = join(folder, 'node_modules/@redoubt/client/dist/index.js');
    const bundle = await rolldown({ input });
    const { output } = await bundle.generate({ format: 'es', minify: true });
    const bytes = gzipSync(output[0].code, { level: 9 }).length;
    console.log(`size: @redoubt/client ${(bytes / 1024).toFixed(1)} KB gz`);
    assert.ok(bytes < 8 * 1024, `${bytes} bytes`);
    const listed = JSON.parse(await readFile(join(dirname(input), '../package.json'), 'utf8'));
    assert.deepEqual(Object.keys(listed.dependencies ?? {}), []);
    assert.deepEqual(Object.keys(listed.exports['.']), ['types', 'default']);
  });
});
