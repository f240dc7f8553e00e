// The relay's edge on the real program: what strangers can make it keep, whom a proxy speaks for,
// and that it ends. Memory is read from /proc; no time is asserted.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { describe, test } from 'node:test';
import { ask, start } from './program.mjs';

const MiB = 1024 * 1024;
const held_bytes_max = 128 * MiB; // over idle, whatever strangers leave unfinished
const connections = 250;

const resident_bytes = (relay) =>
  1024 *
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${relay.child.pid}/status`, 'utf8'))[1]);

/** A raw connection from one of the loopback's addresses: {socket, text(), answered, ended}. */
function connect(relay, { address = '127.0.0.1', port = relay.port } = {}) {
  const socket = net.connect({ host: '127.0.0.1', port, localAddress: address });
  let text = '';
  socket.setEncoding('latin1').on('data', (more) => (text += more));
  socket.on('error', () => {}); // a refused connection is reset while it still writes
  const ended = new Promise((resolve) => socket.on('close', () => resolve()));
  const answered = Promise.race([once(socket, 'data').catch(() => {}), ended]);
  return { socket, text: () => text, answered, ended };
}

/** Resolves when the kernel has taken everything, or the other side has closed. */
const write = ({ socket, ended }, bytes) =>
  Promise.race([new Promise((resolve) => socket.write(bytes, resolve)), ended]);

const body_head = (path, bytes, more = '') =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
  `Content-Length: ${bytes}\r\n${more}\r\n`;

const upgrade = (path) =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

/** The header of a text frame of `bytes`, with a mask that changes nothing. */
function frame_header(bytes) {
  const header = Buffer.alloc(14);
  header[0] = 0x81;
  header[1] = 0x80 | 127;
  header.writeBigUInt64BE(BigInt(bytes), 2);
  return header;
}

async function flood(relay, open) {
  const idle = resident_bytes(relay);
  const clients = await Promise.all(Array.from({ length: connections }, (_, i) => open(i)));
  const held = resident_bytes(relay) - idle;
  const probe = await ask(relay, { path: '/healthz' });
  const metrics = await ask({ port: Number(new URL(relay.admin).port) }, { path: '/metrics' });
  for (const { socket } of clients) socket.destroy();
  assert.equal(probe.status, 200);
  assert.equal(metrics.status, 200);
  return { clients, held };
}

describe('memory of what is unfinished', { concurrency: false }, () => {
  // Four addresses of this machine: one alone gets three eighths of the budget.
  const address_of = (i) => `127.0.0.${1 + (i % 4)}`;
  const cases = {
    'bodies of callers who are refused': {
      env: { REDOUBT_LISTENERS_0_ANONYMOUS: 'off' },
      refused: /^HTTP\/1.1 (401|404|429) /,
      held_max: 32 * MiB,
      open: (path) => async (relay, i) => {
        const client = connect(relay, { address: address_of(i) });
        await write(client, body_head(path, 8 * MiB - 1) + 'x'.repeat(1 * MiB));
        await client.answered;
        return client;
      },
      paths: ['/v1/chat/completions', '/api/workflows/runs', '/nothing'],
    },
    'bodies of callers who may call': {
      env: {},
      refused: /HTTP\/1.1 (503|429) /,
      held_max: held_bytes_max,
      open: (path) => async (relay, i) => {
        const client = connect(relay, { address: address_of(i) });
        const head = body_head(path, 8 * MiB, 'Expect: 100-continue\r\n');
        await write(client, head);
        await client.answered;
        await write(client, Buffer.alloc(8 * MiB - 1, 0x78));
        return client;
      },
      paths: ['/v1/chat/completions'],
    },
    'messages of sockets': {
      env: {},
      refused: /./,
      held_max: held_bytes_max,
      open: (path) => async (relay, i) => {
        const client = connect(relay, { address: address_of(i) });
        await write(client, upgrade(path));
        await client.answered;
        await write(client, frame_header(8 * MiB));
        await write(client, Buffer.alloc(8 * MiB - 1, 0x78));
        return client;
      },
      paths: ['/v1/ws'],
    },
  };
  for (const [what, { env, refused, held_max, open, paths }] of Object.entries(cases)) {
    for (const path of paths) {
      test(`${what}: ${path}`, { timeout: 120_000 }, async (t) => {
        const relay = await start([], { REDOUBT_LIMITS_BURST: '10000', ...env });
        try {
          const { clients, held } = await flood(relay, (i) => open(path)(relay, i));
          t.diagnostic(`${Math.round(held / MiB)} MiB over idle`);
          assert.ok(held <= held_max, `${held} bytes over idle`);
          assert.ok(clients.some((client) => refused.test(client.text())));
          // What they held is free again once the relay has seen that they left: a caller's body of
          // a MiB is taken.
          const status = env.REDOUBT_LISTENERS_0_ANONYMOUS ? 401 : 422;
          let answer = '';
          do {
            const after = connect(relay, { address: '127.0.0.9' });
            await write(after, body_head('/api/team-strategy', MiB) + ' '.repeat(MiB));
            await after.answered;
            answer = after.text();
            after.socket.destroy();
          } while (answer.startsWith('HTTP/1.1 503 '));
          assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
        } finally {
          await relay.stop();
        }
      });
    }
  }
});

test('a proxy on this machine is nobody at this machine', async () => {
  const relay = await start();
  try {
    const status = async (headers, at = relay, path = '/v1/models') =>
      (await ask(at, { path, headers: { Host: 'localhost', ...headers } })).status;
    const admin = { port: Number(new URL(relay.admin).port) };
    assert.equal(await status({}), 200);
    assert.equal(await status({ Via: '1.1 proxy' }), 401);
    assert.equal(await status({ 'X-Forwarded-Ssl': 'on' }), 400);
    assert.equal(await status({}, admin, '/metrics'), 200);
    assert.equal(await status({ Via: '1.1 proxy' }, admin, '/metrics'), 401);
  } finally {
    await relay.stop();
  }
});

test('behind a trusted proxy each client is counted, and idle connections close nobody out', async () => {
  const relay = await start([], {
    REDOUBT_LISTENERS_0_TRUSTED_PROXIES: '127.0.0.1',
    REDOUBT_LISTENERS_0_ANONYMOUS: 'on',
    REDOUBT_SERVER_CONNECTIONS_PER_ADDRESS_MAX: '8',
  });
  try {
    const idle = Array.from({ length: 40 }, () => connect(relay));
    await Promise.all(idle.map((client) => once(client.socket, 'connect')));
    const from = (client) =>
      ask(relay, {
        path: '/v1/models',
        headers: { Host: 'localhost', ...(client ? { 'X-Forwarded-For': client } : {}) },
      });
    assert.equal((await from('198.51.100.7')).status, 200);
    const nameless = await from(undefined);
    assert.equal(nameless.status, 400);
    assert.match(nameless.text, /proxy_set_header X-Forwarded-For/);
    assert.equal((await ask(relay, { path: '/healthz' })).status, 200);

    const socket_of = async (client) => {
      const opened = connect(relay);
      const head = upgrade('/ws/a').replace('Host:', `X-Forwarded-For: ${client}\r\nHost:`);
      opened.socket.write(head);
      await opened.answered;
      return opened;
    };
    const sockets = [];
    for (let i = 0; i < 9; i += 1) sockets.push(await socket_of('198.51.100.7'));
    const opened = sockets.filter((client) => /^HTTP\/1.1 101/.test(client.text()));
    assert.equal(opened.length, 8);
    assert.match(sockets[8].text(), /^HTTP\/1.1 429 .*\r\n[^]*too_many_connections/);
    assert.match((await socket_of('198.51.100.8')).text(), /^HTTP\/1.1 101/);
    for (const client of [...idle, ...sockets]) client.socket.destroy();
  } finally {
    await relay.stop();
  }
});

test(
  'bad tokens cost their address, and a token that works goes on',
  { timeout: 60_000 },
  async () => {
    const relay = await start([], { REDOUBT_LIMITS_REFUSALS_BURST: '5' });
    try {
      const session = await ask(relay, { method: 'POST', path: '/api/session' });
      const { token } = session.json();
      const with_token = (text) =>
        ask(relay, { path: '/v1/models', headers: { Authorization: `Bearer ${text}` } });
      assert.equal((await with_token(token)).status, 200);
      const statuses = new Map();
      for (let i = 0; i < 100; i += 1) {
        const { status } = await with_token(`${token.slice(0, -3)}${100 + i}`);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      assert.deepEqual([...statuses.keys()].sort(), [401, 429]);
      assert.ok(statuses.get(401) <= 30, `${statuses.get(401)} signatures were checked`);
      assert.equal((await with_token(token)).status, 200);
      assert.equal((await ask(relay, { path: '/v1/models' })).status, 200);
    } finally {
      await relay.stop();
    }
  },
);

test('SIGTERM ends whatever the sockets do', { timeout: 60_000 }, async () => {
  const relay = await start([], { REDOUBT_SERVER_DRAIN_TIMEOUT_S: '1' });
  const leave = async (...pieces) => {
    const client = connect(relay);
    for (const piece of pieces) {
      await write(client, piece);
      if (/Upgrade|Expect/.test(piece)) await client.answered;
    }
    client.socket.pause();
    return client;
  };
  const left = [
    await leave(''),
    await leave('GET /hea'),
    await leave(body_head('/v1/chat/completions', 1000), 'x'),
    await leave(body_head('/v1/chat/completions', 1000, 'Expect: 100-continue\r\n')),
    await leave(upgrade('/ws/a')),
    await leave(upgrade('/v1/ws'), frame_header(100)),
    await leave('GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(500)),
  ];
  const { code } = await relay.stop();
  assert.equal(code, 0);
  for (const { socket } of left) socket.destroy();
});
