// Every example of the packages' READMEs compiles as strict TypeScript, as users paste it, against the
// types in the packed tarballs.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const PACKAGES = ['wasm', 'web/client'];
const STRICT = [
  '--noEmit',
  '--strict',
  '--exactOptionalPropertyTypes',
  '--noUncheckedIndexedAccess',
];
const RESOLUTIONS = { bundler: 'esnext', node16: 'node16', nodenext: 'nodenext' };

/** What the examples leave to their reader. */
const READERS_OWN = `
  declare function draw(...shown: unknown[]): void;
  declare function show(...shown: unknown[]): void;
  declare function search(question: string): unknown;
  declare function askMyModel(messages: readonly object[], signal: AbortSignal): Promise<string>;
  declare const request: object;
  declare const situation: import('@redoubt/engine').TeamStrategyRequest;
  declare const schema: object;
  declare const key: string;
  declare const messages: import('@redoubt/engine/models').DirectMessage[];
`;

describe("the READMEs' examples", () => {
  let folder;
  const examples = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'redoubt-readme-'));
    await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}');
    const tarballs = [];
    for (const one of PACKAGES) {
      const given = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
      const { stdout } = await run('npm', given, { cwd: join(root, one) });
      tarballs.push(join(folder, JSON.parse(stdout.slice(stdout.indexOf('[')))[0].filename));
      const readme = await readFile(join(root, one, 'README.md'), 'utf8');
      for (const [, code] of readme.matchAll(/```[jt]s\n([^]*?)```/g)) {
        const file = `${one.replace('/', '_')}_${examples.length}.ts`;
        await writeFile(join(folder, file), `${code}\nexport {};\n`);
        examples.push(file);
      }
    }
    await writeFile(join(folder, 'readers_own.d.ts'), READERS_OWN);
    const quiet = ['--offline', '--no-audit', '--no-fund', '--ignore-scripts'];
    await run('npm', ['install', ...quiet, ...tarballs], { cwd: folder });
  });
  after(() => rm(folder, { recursive: true }));

  for (const [resolution, module] of Object.entries(RESOLUTIONS)) {
    it(`compile strictly with moduleResolution ${resolution}`, async () => {
      assert.ok(examples.length >= 7, `${examples.length} examples`);
      const how = ['--module', module, '--moduleResolution', resolution, '--target', 'es2022'];
      const files = ['readers_own.d.ts', ...examples];
      await run(process.execPath, [tsc, ...STRICT, ...how, ...files], { cwd: folder }).catch(
        (error) => assert.fail(error.stdout),
      );
    });
  }
});
