/** The real relay with the built page, on a port of its own, to be killed and started again. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { until } from './browser.mjs';

const root = join(import.meta.dirname, '../..');
export const PAGE = process.env.E2E_PAGE ?? join(root, 'web/game/dist');
const PROGRAM = process.env.E2E_RELAY ?? join(root, 'build/native-release/relay/redoubt-relay');
const OUTPUT_CHARACTERS_MAX = 20_000;

/** Only what a test sets configures the relay; the admin listener's port would be everybody's. */
const ENVIRONMENT = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^REDOUBT_/.test(name))),
  REDOUBT_ADMIN_ENABLED: 'false',
  REDOUBT_STORE_PATH: ':memory:',
};

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function answers(url) {
  const response = await fetch(`${url}healthz`, { signal: AbortSignal.timeout(1000) });
  return response.ok;
}

/** Starts it and waits until it answers. */
export async function startRelay({ www = PAGE, env = {} } = {}) {
  for (const made of [PROGRAM, join(www, 'index.html')]) {
    if (!existsSync(made)) throw new Error(`${made} is missing: run tools/build first`);
  }
  const port = await freePort();
  // A name, not an address: service workers want a secure context, and localhost is one.
  const url = `http://localhost:${port}/`;
  const options = ['--host', 'localhost', '--port', String(port), '--www', www];
  let child = null;
  let output = '';

  async function start() {
    const started = spawn(PROGRAM, options, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...ENVIRONMENT, ...env },
    });
    const keep = (text) => (output = (output + text).slice(-OUTPUT_CHARACTERS_MAX));
    started.stdout.setEncoding('utf8').on('data', keep);
    started.stderr.setEncoding('utf8').on('data', keep);
    child = started;
    const ended = new Promise((_, reject) =>
      started.once('exit', () => reject(new Error(`the relay ended: ${output}`))),
    );
    // Ends that come later are the tests' own doing.
    ended.catch(() => undefined);
    await Promise.race([until('the relay to answer', () => answers(url)), ended]);
  }

  function end(signal) {
    const ending = child;
    child = null;
    if (ending === null || ending.exitCode !== null)
      return Promise.resolve(ending?.exitCode ?? null);
    return new Promise((resolve) => {
      ending.once('exit', (code) => resolve(code));
      ending.kill(signal);
    });
  }

  await start();
  return {
    url,
    start,
    /** As a crash: no goodbye to anybody. */
    kill: () => end('SIGKILL'),
    /** As a deployment: drains. Gives the exit code. */
    stop: () => end('SIGTERM'),
    get output() {
      return output;
    },
  };
}
