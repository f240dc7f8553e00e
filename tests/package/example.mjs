/** An example as its users get it: a copy of its own, the packages installed from their tarballs. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const PACKAGES = { '@redoubt/client': 'web/client', '@redoubt/engine': 'wasm' };
const INSTALL = ['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts'];

async function pack(folder, into) {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', into], {
    cwd: folder,
  });
  const [made] = JSON.parse(stdout.slice(stdout.indexOf('[')));
  return join(into, made.filename);
}

/** Gives the folder, which is the caller's to remove. */
export async function installExample(name) {
  const folder = await mkdtemp(join(tmpdir(), 'redoubt-example-'));
  await cp(join(root, 'web/client/examples', name), folder, { recursive: true });
  const { dependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const tarballs = [];
  for (const dependency of Object.keys(dependencies)) {
    tarballs.push(await pack(join(root, PACKAGES[dependency]), folder));
  }
  // The registry is not asked for what the example is developed with.
  await rm(join(folder, 'package.json'));
  await run('npm', [...INSTALL, '--prefix', folder, ...tarballs], { cwd: folder });
  return folder;
}
