// Starts the relay's program on ports that the system chooses, and asks it things; for the tests
// beside this file.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { check_declared } from './declared_answers.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const program =
  process.env.REDOUBT_RELAY_BINARY ?? `${root}build/native-release/relay/redoubt-relay`;

const start_ms_max = 20_000;

// A test that fails before it stops what it started leaves nothing behind.
const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));
export function kill_at_exit(child) {
  children.add(child);
  child.once('close', () => children.delete(child));
  return child;
}

/** Runs the program to its end: {code, stdout, stderr}. */
export async function run(args, env = {}) {
  const child = spawn(program, args, {
    cwd: root,
    env: { PATH: process.env.PATH, REDOUBT_STORE_PATH: ':memory:', ...env },
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => (texts[name] += text));
  }
  const [code] = await once(child, 'close');
  return { code, ...texts };
}

/**
 * A running relay: {url, port, admin, child, lines, stop()}. `lines` are its log lines so far;
 * `line(event)` waits for one.
 */
export async function start(args = [], env = {}) {
  const child = kill_at_exit(
    spawn(program, ['--port', '0', ...args], {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        REDOUBT_ADMIN_PORT: '0',
        REDOUBT_STORE_PATH: ':memory:',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const relay = { child, lines: [], waiting: [], declares: true };
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop();
    for (const part of parts) {
      const line = JSON.parse(part);
      relay.lines.push(line);
      relay.waiting = relay.waiting.filter((wait) => !wait(line));
    }
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  relay.ended = ended;
  relay.line = (matches) =>
    new Promise((resolve, reject) => {
      const known = relay.lines.find(matches);
      if (known) return resolve(known);
      const timer = setTimeout(() => reject(new Error('no such log line')), start_ms_max);
      relay.waiting.push((line) => {
        if (!matches(line)) return false;
        clearTimeout(timer);
        resolve(line);
        return true;
      });
      ended.then(() => reject(new Error(`the relay ended: ${stderr}`)));
    });
  const listening = await relay.line((line) => line.event === 'listening' && !line.admin);
  relay.url = listening.url;
  relay.port = Number(new URL(listening.url).port);
  if (env.REDOUBT_ADMIN_ENABLED !== 'false') {
    relay.admin = (await relay.line((line) => line.event === 'listening' && line.admin)).url;
  }
  relay.stderr = () => stderr;
  relay.stop = async (signal = 'SIGTERM') => {
    child.kill(signal);
    return ended;
  };
  return relay;
}

/**
 * One request with exactly these headers (fetch sets its own): {status, headers, text, json()}.
 * Rejects where a relay that start() gave answers otherwise than its description declares.
 */
export async function ask(relay, request = {}) {
  const answer = await exchange(relay, request);
  if (relay.declares)
    await check_declared(program, {
      method: request.method ?? 'GET',
      path: request.path ?? '/',
      body: packed(request) ? undefined : request.body,
      body_type: request.headers?.['Content-Type'],
      status: answer.status,
      type: answer.headers['content-type']?.split(';')[0],
      text: answer.text,
    });
  return answer;
}

const packed = ({ headers = {} }) => 'Content-Encoding' in headers;

function exchange(relay, { method = 'GET', path = '/', headers = {}, body, agent }) {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: '127.0.0.1', port: relay.port, method, path, headers, agent, setHost: !headers.Host },
      (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({
            status: response.statusCode,
            headers: response.headers,
            text,
            json: () => JSON.parse(text),
          });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

export const post_json = (relay, path, value, headers = {}) =>
  ask(relay, {
    method: 'POST',
    path,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value),
  });
