/**
 * A tool as its users have it: its little project and the page's files copied into a fresh folder,
 * its packages as its lock file pins them, and ours from their tarballs beside them.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openBrowser, until } from '../e2e/browser.mjs';
import { serve } from '../e2e/static_server.mjs';

const execute = promisify(execFile);
const here = import.meta.dirname;
const root = join(here, '../..');
const PACKAGES = ['wasm', 'web/client'];
const COMMAND_MS_MAX = 300_000;
const NPM = ['--no-audit', '--no-fund', '--loglevel=error'];
/** No tool asks, reports or looks for a newer self. */
const ENVIRONMENT = {
  ...process.env,
  CI: 'true',
  NO_COLOR: '1',
  DENO_NO_UPDATE_CHECK: '1',
  NEXT_TELEMETRY_DISABLED: '1',
};

async function run(command, args, options) {
  const given = { env: ENVIRONMENT, timeout: COMMAND_MS_MAX, maxBuffer: 1 << 26, ...options };
  try {
    return (await execute(command, args, given)).stdout;
  } catch (error) {
    const said = `${error.stdout ?? ''}\n${error.stderr ?? ''}`.slice(-4000);
    throw new Error(`${command} ${args.join(' ')}: ${error.message.slice(0, 500)}\n${said}`);
  }
}

async function pack(folder, into) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', into];
  const stdout = await run('npm', args, { cwd: join(root, folder) });
  return join(into, JSON.parse(stdout.slice(stdout.indexOf('[')))[0].filename);
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Installs the project in the folder `tool`. `remove()` is the caller's to call. */
export async function install(tool) {
  const folder = await mkdtemp(join(tmpdir(), `redoubt-${tool}-`));
  await cp(join(here, 'page'), folder, { recursive: true });
  await cp(join(here, tool), folder, { recursive: true });
  const pinned = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')).dependencies;
  await run('npm', ['ci', '--prefer-offline', ...NPM], { cwd: folder });
  const tarballs = [];
  for (const one of PACKAGES) tarballs.push(await pack(one, folder));
  await run('npm', ['install', '--no-save', '--offline', ...NPM, ...tarballs], { cwd: folder });
  console.log(
    `note: ${tool} ${Object.entries(pinned)
      .map((one) => one.join('@'))
      .join(', ')}`,
  );

  const binary = (name) => join(folder, 'node_modules/.bin', name);
  return {
    folder,
    /** Runs a program of the tool to its end; gives what it prints. */
    run: (name, ...args) => run(binary(name), args, { cwd: folder }),
    /** Runs one that serves `args(port)`; gives its address and `stop()`. */
    async start(name, args, env = {}) {
      const port = await freePort();
      const child = spawn(name === 'node' ? process.execPath : binary(name), args(port), {
        cwd: folder,
        env: { ...ENVIRONMENT, PORT: String(port), HOST: '127.0.0.1', ...env },
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (piece) => (said = (said + piece).slice(-4000)));
      }
      const ended = new Promise((resolve) => child.once('exit', resolve));
      const url = `http://127.0.0.1:${port}/`;
      const stop = async () => {
        // Tools start servers of their own.
        if (child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
        await ended;
      };
      try {
        await until(`${tool} to serve`, async () => {
          assert.equal(child.exitCode, null, said);
          return fetch(url).then(
            () => true,
            () => false,
          );
        });
      } catch (error) {
        await stop();
        throw new Error(`${error.message}\n${said}`);
      }
      return { url, stop };
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** What Node itself makes of the packages in that project. */
export async function resultInNode({ folder }) {
  return JSON.parse(await run(process.execPath, ['print.js'], { cwd: folder }));
}

/** What a page comes to: the workers' parts are those of the same thread. */
export function withWorkers({ plain, inline }) {
  const complete = (part) => ({
    ...part,
    worker: part.engine,
    workflowsInWorker: part.workflows,
  });
  return { plain: complete(plain), inline: complete(inline) };
}

/** What the page at `url` leaves in globalThis.result, and what Chromium complains of. */
export async function resultAt(url) {
  const browser = await openBrowser();
  try {
    const page = await browser.page();
    await page.goto(url);
    const result = await until(`${url} to have a result`, async () => {
      const found = await page.evaluate(() => globalThis.result ?? null);
      assert.ok(found, [...page.seen.errors, ...page.seen.violations].join('\n') || 'no result');
      return found;
    });
    return { result, complaints: [...page.seen.errors, ...page.seen.violations] };
  } finally {
    await browser.close();
  }
}

/** The same for a folder of built files, served under the README's policy unless `policy` is null. */
export async function resultOfFiles(folder, policy) {
  const site = await serve(() => folder, 0, policy);
  try {
    return await resultAt(site.url);
  } finally {
    await site.close();
  }
}
