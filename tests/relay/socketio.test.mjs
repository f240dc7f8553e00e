// The relay's Socket.IO server as npm's socket.io-client uses it, by polling, by WebSocket, and by
// polling with an upgrade, on one shard and on two. What one process says to another takes as long as
// it takes: nothing here waits for a time, all of it for an event.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { io } from 'socket.io-client';
import WebSocket from 'ws';
import { kill_at_exit } from './program.mjs';

const program =
  process.env.REDOUBT_SOCKETIO_BINARY ??
  fileURLToPath(
    new URL('../../build/native-release/tests/relay/redoubt-socketio-test', import.meta.url),
  );

/** A running server: {url, port, token, other, child, left(), stop()}. left() is the next socket's reason to go. */
async function serve(numbers = {}) {
  const words = Object.entries(numbers).map(([name, value]) => `${name}=${value}`);
  const child = kill_at_exit(spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] }));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { port, token, other } = JSON.parse((await lines.next()).value);
  return {
    port,
    token,
    other,
    url: `http://127.0.0.1:${port}`,
    child,
    left: async () => JSON.parse((await lines.next()).value).reason,
    stop: async () => {
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      return ended;
    },
  };
}

const next = (socket, event) => new Promise((resolve) => socket.once(event, resolve));
const client = (url, options) => io(url, { forceNew: true, reconnection: false, ...options });

const ways = {
  polling: { transports: ['polling'] },
  websocket: { transports: ['websocket'] },
  'polling with upgrade': { transports: ['polling', 'websocket'] },
};

for (const shards of [1, 2]) {
  for (const [name, options] of Object.entries(ways)) {
    describe(`Socket.IO by ${name}, ${shards} shard(s)`, () => {
      test('events, acknowledgements both ways, and an orderly end', async () => {
        const server = await serve({ shards });
        const socket = client(server.url, options);
        assert.deepEqual(await next(socket, 'connection_response'), {
          status: 'connected',
          as: 'anonymous:127.0.0.1',
        });
        assert.equal(socket.io.engine.id.length, 20);
        if (name === 'polling with upgrade' && socket.io.engine.transport.name !== 'websocket')
          await new Promise((resolve) => socket.io.engine.once('upgrade', resolve));
        const expected = name === 'polling' ? 'polling' : 'websocket';
        assert.equal(socket.io.engine.transport.name, expected);

        const echoed = next(socket, 'greet');
        socket.emit('greet', { text: 'grüß dich \u{1f30d}' });
        assert.deepEqual(await echoed, { text: 'grüß dich \u{1f30d}' });
        assert.deepEqual(await socket.timeout(10_000).emitWithAck('sum', 1), 1);

        socket.on('question', (value, answer) => answer(`${value}!`));
        const answered = next(socket, 'answer');
        socket.emit('ask_me', 'really');
        assert.equal(await answered, 'really!');

        const order = [];
        const all = new Promise((resolve) =>
          socket.on('n', (n) => order.push(n) === 200 && resolve()),
        );
        for (let n = 0; n < 200; ++n) socket.emit('n', n);
        await all;
        assert.deepEqual(
          order,
          Array.from({ length: 200 }, (_, n) => n),
        );
        socket.disconnect();
        assert.match(await server.left(), /client namespace disconnect|transport close/);
        await server.stop();
      });

      test('rooms, of a namespace that clients come to in different ways', async () => {
        const server = await serve({ shards });
        const [ada, bob, eve] = await Promise.all(
          [options, ways.polling, ways.websocket].map(async (way) => {
            const socket = client(server.url, way);
            await next(socket, 'connection_response');
            return socket;
          }),
        );
        assert.equal(await ada.emitWithAck('join', 'red'), true);
        assert.equal(await bob.emitWithAck('join', 'red'), true);
        const heard = next(bob, 'said');
        let eve_heard = 0;
        eve.on('said', () => ++eve_heard);
        ada.emit('say', 'red', 'hello');
        assert.equal(await heard, 'hello');
        const news = [ada, bob, eve].map((socket) => next(socket, 'news'));
        bob.emit('fan', 1, 'x');
        assert.deepEqual(await Promise.all(news), [0, 0, 0]);
        assert.equal(eve_heard, 0);
        for (const socket of [ada, bob, eve]) socket.disconnect();
        await server.stop();
      });

      test('a refused and an unknown namespace, and one with a password', async () => {
        const server = await serve({ shards });
        const refused = client(`${server.url}/private`, options);
        const error = await next(refused, 'connect_error');
        assert.equal(error.message, 'this namespace asks for a password');
        assert.deepEqual(error.data, { code: 'unauthorised' });
        const unknown = client(`${server.url}/nowhere`, options);
        assert.equal((await next(unknown, 'connect_error')).message, 'Invalid namespace');
        const socket = client(`${server.url}/private`, {
          ...options,
          auth: { password: 'let-me-in' },
        });
        await next(socket, 'connect');
        const thrown = next(socket, 'disconnect');
        socket.emit('throw_me_out');
        assert.equal(await thrown, 'io server disconnect');
        for (const one of [refused, unknown, socket]) one.disconnect();
        await server.stop();
      });

      test('a token comes in auth or in the head; without one there is no way in', async () => {
        const server = await serve({ shards, anonymous: 0 });
        const joined = async (more) => {
          const socket = client(server.url, { ...options, ...more });
          const outcome = await Promise.race([
            next(socket, 'connection_response').then(({ as }) => as),
            next(socket, 'connect_error').then(({ data, message }) => data?.code ?? message),
          ]);
          socket.disconnect();
          return outcome;
        };
        const head = (token) => ({ extraHeaders: { authorization: `Bearer ${token}` } });
        assert.equal(await joined({}), 'anonymous_refused');
        assert.equal(await joined({ auth: { token: server.token } }), 'ada');
        assert.equal(await joined({ auth: { token: 'made up' } }), 'invalid_token');
        assert.equal(await joined({ auth: { token: 7 } }), 'invalid_token');
        assert.equal(await joined({ auth: { token: server.other } }), 'insufficient_scope');
        assert.equal(await joined(head(server.token)), 'ada');
        assert.match(await joined(head('made up')), /error/);
        assert.match(await joined(head(server.other)), /error/);
        await server.stop();
      });

      test('a socket whose token ends is disconnected', async () => {
        const server = await serve({ shards, anonymous: 0, token_s: 2 });
        const socket = client(server.url, { ...options, auth: { token: server.token } });
        await next(socket, 'connection_response');
        assert.equal(await next(socket, 'disconnect'), 'io server disconnect');
        assert.equal(await server.left(), 'forced close');
        socket.disconnect();
        await server.stop();
      });

      test('binary data is refused in words, and the connection goes on', async () => {
        const server = await serve({ shards });
        const socket = client(server.url, options);
        await next(socket, 'connection_response');
        const error = next(socket, 'error');
        socket.emit('file', Buffer.from([1, 2, 3]), new Uint8Array(4));
        assert.deepEqual(await error, {
          code: 'binary_refused',
          error: 'binary attachments are not taken here; send the bytes as base64 text, or by HTTP',
        });
        assert.equal(await socket.emitWithAck('echo', 'still here'), 'still here');
        socket.disconnect();
        await server.stop();
      });

      test('a payload over maxPayload ends the session', async () => {
        const server = await serve({ shards, payload: 2_000 });
        const socket = client(server.url, options);
        await next(socket, 'connection_response');
        const ended = next(socket, 'disconnect');
        socket.emit('echo', 'x'.repeat(3_000));
        assert.match(await ended, /transport (close|error)/);
        socket.disconnect();
        await server.stop();
      });

      test('heartbeats keep a client; one that answers none is let go', async () => {
        const server = await serve({ shards, ping_interval: 100, ping_timeout: 200 });
        const socket = client(server.url, options);
        await next(socket, 'connection_response');
        for (let pings = 0; pings < 3; ++pings) await next(socket.io, 'ping');
        assert.equal(socket.connected, true);
        // The client's own answer to a ping is lost from here on.
        const { engine } = socket.io;
        const send = engine.sendPacket ?? engine._sendPacket;
        engine.sendPacket = engine._sendPacket = function (type, ...rest) {
          if (type !== 'pong') send.call(this, type, ...rest);
        };
        assert.equal(await server.left(), 'ping timeout');
        socket.disconnect();
        await server.stop();
      });

      test('a client comes back by itself after the server was killed', async () => {
        const server = await serve({ shards });
        const socket = client(server.url, {
          ...options,
          reconnection: true,
          reconnectionDelay: 20,
          reconnectionDelayMax: 50,
        });
        await next(socket, 'connection_response');
        const first = socket.id;
        const lost = next(socket, 'disconnect');
        const dead = once(server.child, 'close');
        server.child.kill('SIGKILL');
        await Promise.all([lost, dead]);
        const again = next(socket, 'connection_response');
        const second = await serve({ shards, port: server.port });
        await again;
        assert.notEqual(socket.id, first);
        socket.disconnect();
        await second.stop();
      });

      test('a server that goes down tells its clients and ends', async () => {
        const server = await serve({ shards });
        const socket = client(server.url, options);
        await next(socket, 'connection_response');
        const ended = next(socket, 'disconnect');
        const [code] = await server.stop();
        assert.equal(code, 0);
        assert.match(await ended, /transport (close|error)/);
        socket.disconnect();
      });
    });
  }
}

describe('Engine.IO as a program speaks it', () => {
  const get = (server, query, init) => fetch(`${server.url}/socket.io/?${query}`, init);
  const refused = async (answer) => [answer.status, (await answer.json()).code];

  test('requests that are wrong are refused with the numbers of the reference server', async () => {
    const server = await serve();
    assert.deepEqual(await refused(await get(server, 'EIO=3&transport=polling')), [400, 5]);
    assert.deepEqual(await refused(await get(server, 'EIO=4&transport=pigeon')), [400, 0]);
    assert.deepEqual(await refused(await get(server, 'EIO=4&transport=polling&j=0')), [400, 3]);
    assert.deepEqual(await refused(await get(server, 'EIO=4&transport=polling&sid=x')), [400, 1]);
    const post = { method: 'POST', body: '40' };
    assert.deepEqual(await refused(await get(server, 'EIO=4&transport=polling', post)), [400, 2]);
    assert.deepEqual(
      await refused(await get(server, 'EIO=4&transport=polling&sid=x', post)),
      [400, 1],
    );
    await server.stop();
  });

  test('pages of other origins are told so, as on every route', async () => {
    const server = await serve();
    const from = (origin, init) =>
      get(server, 'EIO=4&transport=polling', { ...init, headers: { origin } });
    const allowed = await from('http://page.example');
    assert.equal(allowed.status, 200);
    assert.equal(allowed.headers.get('access-control-allow-origin'), 'http://page.example');
    const foreign = await from('http://elsewhere.example');
    assert.equal(foreign.headers.get('access-control-allow-origin'), null);
    const post = await from('http://elsewhere.example', { method: 'POST', body: '40' });
    assert.equal(post.status, 403);
    const socket = new WebSocket(`${server.url}/socket.io/?EIO=4&transport=websocket`, {
      origin: 'http://elsewhere.example',
    });
    const [error] = await once(socket, 'error');
    assert.match(error.message, /403/);
    await server.stop();
  });

  async function handshake(server) {
    const answer = await get(server, 'EIO=4&transport=polling');
    assert.match(answer.headers.get('content-type'), /^text\/plain/);
    const opened = JSON.parse((await answer.text()).slice(1));
    return { ...opened, query: `EIO=4&transport=polling&sid=${opened.sid}` };
  }

  test('two polls at once end the session, and so does what is no packet', async () => {
    const server = await serve({ shards: 2 });
    const { query, upgrades, pingInterval, pingTimeout, maxPayload } = await handshake(server);
    assert.deepEqual(
      [upgrades, pingInterval, pingTimeout, maxPayload],
      [['websocket'], 25_000, 20_000, 100_000],
    );
    const statuses = await Promise.all([get(server, query), get(server, query)]);
    assert.deepEqual(statuses.map((answer) => answer.status).sort(), [200, 400]);
    assert.deepEqual(await refused(await get(server, query)), [400, 1]);

    const other = await handshake(server);
    const bad = await get(server, other.query, { method: 'POST', body: '9' });
    assert.deepEqual(await refused(bad), [400, 3]);
    assert.deepEqual(await refused(await get(server, other.query)), [400, 1]);
    await server.stop();
  });

  test('a client that leaves its poll ends its session', async () => {
    const server = await serve();
    const { query } = await handshake(server);
    await get(server, query, { method: 'POST', body: '40' });
    for (let answer = ''; !answer.includes('connection_response');)
      answer = await (await get(server, query)).text();
    const leaving = new AbortController();
    const held = get(server, query, { signal: leaving.signal });
    // The second poll shows that the first one is held: it would not be refused else.
    leaving.abort();
    await assert.rejects(held);
    // Either the poll was never sent, or it is missed at once.
    await get(server, query, { method: 'POST', body: '1' }).catch(() => {});
    assert.match(await server.left(), /poll closed by the client|transport close/);
    await server.stop();
  });

  test('a packet over maxPayload closes a WebSocket with 1009, a POST is answered 413', async () => {
    const server = await serve({ payload: 500 });
    const socket = new WebSocket(`${server.url}/socket.io/?EIO=4&transport=websocket`);
    await once(socket, 'open');
    socket.send('4' + 'x'.repeat(1_000));
    const [code] = await once(socket, 'close');
    assert.equal(code, 1009);
    const { query } = await handshake(server);
    const long = { method: 'POST', body: '4' + 'x'.repeat(1_000) };
    assert.equal((await get(server, query, long)).status, 413);
    await server.stop();
  });
});
