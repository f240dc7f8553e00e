// The relay behind nginx, with deploy/nginx.conf as it is but for ports, names and files.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { until } from './mock_upstream.mjs';
import { start } from './program.mjs';
import { situation } from './situation.mjs';

const host = 'play.example.org';
const shipped = fileURLToPath(new URL('../../deploy/nginx.conf', import.meta.url));
const is_there = spawnSync('nginx', ['-v']).status === 0;

async function free_port() {
  const server = net.createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Replaces each of `pairs`, which must be there. */
const replaced = (text, pairs) =>
  pairs.reduce((so_far, [from, to]) => {
    assert.ok(so_far.includes(from), `deploy/nginx.conf has no "${from}"`);
    return so_far.replaceAll(from, to);
  }, text);

describe('behind nginx', { skip: !is_there && 'nginx is not installed' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'redoubt-nginx-'));
  const at = (name) => join(folder, name);
  let relay;
  let nginx;
  let port;

  const ask = ({ method = 'GET', path, headers = {}, body }) =>
    new Promise((resolve, reject) => {
      const request = https.request(
        {
          host: '127.0.0.1',
          port,
          method,
          path,
          servername: host,
          rejectUnauthorized: false,
          headers: { Host: `${host}:${port}`, ...headers },
        },
        async (response) => {
          let text = '';
          for await (const piece of response.setEncoding('utf8')) text += piece;
          resolve({ status: response.statusCode, headers: response.headers, text });
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  const question = (origin, more = {}) =>
    ask({
      method: 'POST',
      path: '/api/team-strategy',
      headers: { 'Content-Type': 'application/json', Origin: origin, ...more },
      body: JSON.stringify(situation),
    });

  before(async () => {
    relay = await start([], {
      REDOUBT_LISTENERS_0_ANONYMOUS: 'on',
      REDOUBT_LISTENERS_0_HOSTS: host,
      REDOUBT_LISTENERS_0_TRUSTED_PROXIES: '127.0.0.1',
    });
    port = await free_port();
    execFileSync(
      'openssl',
      // prettier-ignore
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
        '-keyout', at('key.pem'), '-out', at('cert.pem'), '-subj', `/CN=${host}`],
      { stdio: 'pipe' },
    );
    const server = replaced(readFileSync(shipped, 'utf8'), [
      ['server 127.0.0.1:8000;', `server 127.0.0.1:${relay.port};`],
      ['listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`],
      ['/etc/ssl/play.example.org.pem', at('cert.pem')],
      ['/etc/ssl/play.example.org.key', at('key.pem')],
    ]);
    const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const paths = kinds.map((kind) => `${kind}_temp_path ${at(kind)};`).join('\n');
    writeFileSync(
      at('nginx.conf'),
      `daemon off;\nmaster_process off;\npid ${at('pid')};\nerror_log ${at('error.log')};\n` +
        `events {}\nhttp {\naccess_log off;\n${paths}\n${server}}\n`,
    );
    nginx = spawn('nginx', ['-p', folder, '-c', at('nginx.conf')], { stdio: 'inherit' });
    await until('nginx', () =>
      ask({ path: '/healthz' }).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
  });
  after(async () => {
    nginx?.kill('SIGQUIT');
    if (nginx) await once(nginx, 'close');
    await relay?.stop();
    rmSync(folder, { recursive: true });
  });

  it('a page of the same origin is answered, whatever its port, and a foreign one is not', async () => {
    const own = await question(`https://${host}:${port}`);
    assert.equal(own.status, 200, own.text);
    assert.equal(JSON.parse(own.text).source, 'engine');
    assert.equal((await question(`https://${host}:1`)).status, 403);
    assert.equal((await question('https://evil.example')).status, 403);
  });

  it("a client's own forwarded headers change nothing", async () => {
    const forged = await question(`https://${host}:${port}`, {
      'X-Forwarded-For': '127.0.0.1',
      'X-Real-IP': '10.0.0.1',
      Forwarded: 'for=10.0.0.2',
    });
    assert.equal(forged.status, 200, forged.text);
  });

  it('a socket opens and talks', async () => {
    const socket = new WebSocket(`wss://127.0.0.1:${port}/ws/client_1`, {
      rejectUnauthorized: false,
      headers: { Host: `${host}:${port}` },
      origin: `https://${host}:${port}`,
    });
    await once(socket, 'open');
    socket.send('no JSON');
    const [told] = await once(socket, 'message');
    assert.equal(JSON.parse(told).type, 'error');
    socket.close();
  });

  it("a bundle's size is let through, and more is nginx's to refuse", async () => {
    const bundle = (bytes) =>
      ask({
        method: 'POST',
        path: '/api/workflows/runs',
        headers: { 'Content-Type': 'application/vnd.redoubt.bundle' },
        body: Buffer.alloc(bytes),
      });
    const most = await bundle(16 << 20);
    assert.match(most.headers['content-type'], /problem\+json/);
    const more = await bundle((16 << 20) + 1).catch((error) => error);
    if (!(more instanceof Error)) assert.equal(more.status, 413);
  });
});
