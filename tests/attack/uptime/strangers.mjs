// Callers without a token who begin much and finish nothing: bodies, messages, connections, reading.
import { readdirSync } from 'node:fs';
import { ask_from, connect, connect_models, post_from, status_in } from '../sockets.mjs';
import { chat, counted, shown, until } from '../stage.mjs';
import { memory_of } from '../witness.mjs';

const proxy = '127.0.0.2';
const wanting = {
  REDOUBT_LISTENERS_0_ANONYMOUS: 'off',
};
const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));

/** What is broken is seen by then; a machine that runs tests need not be filled. */
const enough_bytes = 512 << 20;
const is_enough = (stage) => memory_of(stage.relay.child.pid).now > enough_bytes;

/** Opens connections until `count` or one fails; they stay open until the stage ends. */
async function open(stage, count, { from = '127.0.0.1', read = true } = {}) {
  const wires = [];
  for (let at = 0; at < count; at += 50) {
    const more = Array.from({ length: Math.min(50, count - at) }, () =>
      connect(stage.relay.port, { from, read }),
    );
    wires.push(...(await Promise.all(more)));
  }
  stage.later(() => wires.forEach(({ socket }) => socket.destroy()));
  return wires;
}
/** A player of another game, who is at another address. */
const neighbour = (stage) =>
  post_from(
    stage.relay,
    '127.0.0.9',
    '/v1/chat/completions',
    chat(),
    stage.as('beta', 'neighbour'),
  );
const admin_status = (stage, path) =>
  ask_from({ port: Number(new URL(stage.relay.admin).port) }, '127.0.0.1', { path }).then(
    ({ status }) => status,
  );
const statuses_of = (wires) => shown(counted(wires.map(({ said }) => status_in(said))));

/** Sends all but the last byte of a body on each connection. */
async function unfinished(
  stage,
  { path, bytes, headers = '', chunked = false, connections = 250, from },
) {
  const wires = await open(stage, connections, { from });
  const framing = chunked
    ? `Transfer-Encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n`
    : `Content-Length: ${bytes}\r\n\r\n`;
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${headers}${framing}`;
  const piece = Buffer.alloc(64 * 1024, '[');
  for (const { socket } of wires) socket.write(head);
  for (let sent = 0; sent + piece.length < bytes; sent += piece.length) {
    let open_yet = 0;
    for (const { socket } of wires) {
      if (socket.destroyed || socket.writableLength > piece.length * 4) continue;
      socket.write(piece);
      ++open_yet;
    }
    await pause(5);
    if (open_yet === 0 || is_enough(stage)) break;
  }
  await pause(500);
  return wires;
}

/**
 * Sends all but the last byte of bodies of falling sizes from each of `addresses`, as the caller of
 * its place among `headers` (which come round): whatever room the large ones leave, small ones take.
 */
async function fill_room(stage, addresses, headers) {
  const wires = [];
  for (let bytes = 4 << 20; bytes >= 1 << 10; bytes /= 4) {
    const piece = Buffer.alloc(bytes - 1, ' ');
    for (const [i, from] of addresses.entries()) {
      const opened = await open(stage, 4, { from });
      for (const { socket } of opened) {
        socket.write(
          `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
            `${headers[i % headers.length]}Content-Length: ${bytes}\r\n\r\n`,
        );
        socket.write(piece);
      }
      wires.push(...opened);
    }
    await pause(300);
  }
  return wires;
}
const room_fillers = {
  'bodies of one token from four addresses': { players: ['hog'], addresses: 4 },
  'bodies of four tokens from eight addresses': { players: ['a', 'b', 'c', 'd'], addresses: 8 },
};

const with_token = (stage, player = 'player') =>
  `Authorization: ${stage.as('alpha', player).Authorization}\r\n`;
const bodies = {
  'bodies of models without a token': () => [
    { path: '/v1/chat/completions', bytes: 8 << 20 },
    wanting,
  ],
  'bodies of callers on this machine': () => [{ path: '/v1/messages', bytes: 8 << 20 }, {}],
  'bodies in chunks': () => [{ path: '/v1/chat/completions', bytes: 8 << 20, chunked: true }, {}],
  'bodies of bundles': () => [{ path: '/api/workflows/runs', bytes: 16 << 20 }, wanting],
  'bodies for nobody': () => [{ path: '/nowhere', bytes: 1 << 20 }, wanting],
  'bodies of a foreign host': () => [
    { path: '/v1/chat/completions', bytes: 8 << 20, headers: 'X-Forwarded-For: 1.2.3.4\r\n' },
    {},
  ],
  'bodies with a token': (stage) => [
    { path: '/v1/chat/completions', bytes: 8 << 20, headers: with_token(stage) },
    wanting,
  ],
};

/** A frame of a client (masked with zeros); `left_out` bytes of it are never sent. */
function frame({ opcode, final, bytes, sent }) {
  const head = Buffer.alloc(14);
  head[0] = (final ? 0x80 : 0) | opcode;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(bytes), 2);
  return Buffer.concat([head, Buffer.alloc(sent, '[')]);
}
const upgrade = (path, headers = '') =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
  `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n${headers}\r\n`;

const messages = {
  'messages of the model socket': ['/v1/ws', 8 << 20],
  "messages of the game's socket": ['/ws/client_1', 256 << 10],
};

/** The text of a chat whose body is just under models.body_bytes_max: `unit` again and again. */
const large_body = (unit, more = {}) => {
  const asked = chat({ messages: [{ role: 'user', content: '@' }], ...more });
  const [before, after] = JSON.stringify(asked).split('@');
  const room = (8 << 20) - before.length - after.length;
  return before + unit.repeat(Math.floor(room / unit.length)) + after;
};
const post_of = (body, path = '/v1/chat/completions') =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
/** What the body of a large chat is filled with, as its text has it. */
const fillings = {
  'large bodies of control characters': '\\u0001',
  'large bodies of letters': 'a',
  'large bodies of quotes': '\\"',
};
/** 64 KB, and many times that where each of their parts is an object. */
const small_parts = {
  'lists of small prompts with many stops': { stop: Array(16_000).fill('a') },
  'lists of small prompts with much metadata': {
    metadata: Object.fromEntries(Array.from({ length: 6_000 }, (_, i) => [i.toString(36), ''])),
  },
};

export const attacks = [
  ...Object.entries(bodies).map(([name, of]) => ({
    name,
    tried: '250 connections send all of a body but its end',
    expected: 'at most 128 MiB over idle; refused (401, 503 ...) beyond; others are served',
    async run(stage) {
      const [request, env] = of(stage);
      await stage.start(await stage.greedy(), env);
      const wires = await unfinished(stage, request);
      const served = await neighbour(stage);
      return {
        held: served.status === 200,
        seen: `${statuses_of(wires)}, a neighbour: ${served.status}`,
      };
    },
  })),
  ...Object.entries(room_fillers).map(([name, { players, addresses }]) => ({
    name,
    tried: 'bodies of 4 MiB to 1 KiB, as many as fit, are sent but for their last byte',
    expected: 'small requests of others are served, each of ten',
    async run(stage) {
      await stage.start(await stage.greedy(), wanting);
      const wires = await fill_room(
        stage,
        Array.from({ length: addresses }, (_, i) => `127.0.0.${i + 31}`),
        players.map((player) => with_token(stage, player)),
      );
      const served = [];
      for (let i = 0; i < 10; ++i) served.push((await neighbour(stage)).status);
      return {
        held: served.every((status) => status === 200),
        seen: `${statuses_of(wires)}, a neighbour: ${shown(counted(served))}`,
      };
    },
  })),
  ...Object.entries(messages).map(([name, [path, bytes]]) => ({
    name,
    tried: '250 sockets send all of a message but its end, in one frame, then in fragments',
    expected: 'at most 128 MiB over idle; closed with 1013 beyond; others are served',
    async run(stage) {
      await stage.start(await stage.greedy());
      const wires = await open(stage, 250);
      for (const [i, { socket }] of wires.entries()) {
        socket.write(upgrade(path));
        const whole = frame({ opcode: 1, final: true, bytes: bytes - 1, sent: 0 });
        const first = frame({ opcode: 1, final: false, bytes: bytes - 65_536, sent: 0 });
        socket.write(i % 2 === 0 ? whole : first);
      }
      const piece = Buffer.alloc(64 * 1024, '[');
      for (let sent = 0; sent + 2 * piece.length < bytes; sent += piece.length) {
        if (is_enough(stage)) break;
        for (const { socket } of wires) {
          if (!socket.destroyed && socket.writableLength < piece.length * 4) socket.write(piece);
        }
        await pause(5);
      }
      await pause(500);
      const closed = wires.filter(({ socket }) => socket.destroyed).length;
      const served = await neighbour(stage);
      return {
        held: served.status === 200,
        seen: `${statuses_of(wires)}, ${closed} closed, a neighbour: ${served.status}`,
      };
    },
  })),
  ...Object.entries(fillings).map(([name, unit]) => ({
    name,
    tried:
      'eight bodies of 8 MiB for models, each from an address of its own; their provider answers none',
    expected: 'health as promised, memory within bounds; others are served',
    async run(stage) {
      const provider = await stage.greedy();
      provider.mode = 'hold';
      await stage.start(provider);
      const body = large_body(unit);
      const wires = [];
      for (let i = 0; i < 8; ++i)
        wires.push(...(await open(stage, 1, { from: `127.0.0.${i + 11}` })));
      for (const { socket } of wires) {
        socket.write(post_of(body));
      }
      await pause(2_500);
      const reached = provider.calls.length;
      provider.mode = 'answer';
      const served = await neighbour(stage);
      return {
        held: served.status === 200 && reached > 0,
        seen: `${reached} reached the provider, ${statuses_of(wires)}, a neighbour: ${served.status}`,
      };
    },
  })),
  {
    name: 'large streams one after the other',
    tried: '24 bodies of 8 MiB, each sent when the answer to the last has begun and does not go on',
    expected: 'memory within bounds, health as promised; others are served',
    async run(stage) {
      const provider = await stage.greedy();
      provider.mode = 'begin';
      await stage.start(provider);
      const body = large_body('a', { stream: true });
      const wires = [];
      for (let i = 0; i < 24 && !is_enough(stage); ++i) {
        const [wire] = await open(stage, 1, { from: `127.0.0.${i + 11}` });
        wires.push(wire);
        wire.socket.write(post_of(body));
        await until('an answer', () => wire.said !== '' || wire.socket.destroyed);
      }
      provider.mode = 'answer';
      const served = await neighbour(stage);
      return {
        held: served.status === 200 && provider.calls.length > 1,
        seen: `${statuses_of(wires)}, a neighbour: ${served.status}`,
      };
    },
  },
  {
    name: 'a list of prompts with a large one',
    tried: 'a completion of 32 prompts, the first of 8,000,000 letters; the provider answers none',
    expected: 'at most 128 MiB over idle; others are served',
    async run(stage) {
      const provider = await stage.greedy();
      provider.mode = 'hold';
      await stage.start(provider);
      const prompt = ['a'.repeat(8_000_000), ...Array.from({ length: 31 }, () => 'On?')];
      const body = JSON.stringify({ model: 'mini', max_tokens: 16, prompt });
      const [wire] = await open(stage, 1);
      wire.socket.write(post_of(body, '/v1/completions'));
      await until('a call', () => provider.calls.length > 0 || wire.said !== '');
      const reached = provider.calls.length;
      provider.mode = 'answer';
      const served = await neighbour(stage);
      return {
        held: served.status === 200 && reached > 0,
        seen: `${reached} call, a neighbour: ${served.status}`,
      };
    },
  },
  ...Object.entries(small_parts).map(([name, parts]) => ({
    name,
    tried:
      '24 completions of 32 prompts of a letter, with 64 KB beside them; the provider is silent',
    expected: 'at most 128 MiB over idle; others are served',
    async run(stage) {
      const provider = await stage.greedy();
      provider.mode = 'hold';
      await stage.start(provider);
      const prompt = Array(32).fill('x');
      const body = JSON.stringify({ model: 'mini', max_tokens: 1, prompt, ...parts });
      const wires = [];
      for (let i = 0; i < 24; ++i)
        wires.push(...(await open(stage, 1, { from: `127.0.0.${(i % 3) + 11}` })));
      for (const { socket } of wires) socket.write(post_of(body, '/v1/completions'));
      await pause(2_500);
      const reached = provider.calls.length;
      provider.mode = 'answer';
      const served = await neighbour(stage);
      return {
        held: served.status === 200,
        seen: `${reached} reached the provider, ${statuses_of(wires)}, a neighbour: ${served.status}`,
      };
    },
  })),
  {
    name: 'large calls of the model socket one after the other',
    tried: '24 sockets call with 8 MiB, each when the provider has the last; it answers none',
    expected: 'memory within bounds, health as promised; others are served',
    async run(stage) {
      const provider = await stage.greedy();
      provider.mode = 'hold';
      await stage.start(provider);
      const request = chat({ messages: [{ role: 'user', content: 'a'.repeat(8_387_000) }] });
      const refused = [];
      for (let i = 0; i < 24 && !is_enough(stage); ++i) {
        const wire = await connect_models(stage.relay);
        stage.later(() => wire.close());
        const known = provider.calls.length;
        wire.send({ type: 'call', id: `${i}`, format: 'openai.chat', request });
        const failed = () => wire.frames.find(({ type }) => type === 'error');
        await until('a call', () => provider.calls.length > known || failed());
        if (failed()) refused.push(failed().code);
      }
      const reached = provider.calls.length;
      provider.mode = 'answer';
      const served = await neighbour(stage);
      return {
        held: served.status === 200 && reached > 0,
        seen: `${reached} reached the provider, refused: ${shown(counted(refused))}, a neighbour: ${served.status}`,
      };
    },
  },
  {
    name: 'heads that never end',
    tried: '250 connections send 15 KB of headers each and no end; 250 more nothing at all',
    expected: 'memory within bounds; health as promised',
    async run(stage) {
      await stage.start(await stage.greedy(), {}, undefined);
      const wires = await open(stage, 250);
      for (const { socket } of wires)
        socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(15_000)}`);
      await open(stage, 250, { from: '127.0.0.3' });
      await pause(500);
      const served = await ask_from(stage.relay, '127.0.0.4', { path: '/' });
      return { held: served.status > 0, seen: `another address: ${served.status}` };
    },
  },
  ...['127.0.0.1', proxy].map((from) => ({
    name: from === proxy ? 'idle connections through a proxy' : 'idle connections of one peer',
    tried: `400 idle connections from ${from === proxy ? 'a trusted proxy' : 'the loopback'}, then a request from it and its probe`,
    expected: 'both are answered (the idlest gives way), the admin listener too',
    async run(stage) {
      await stage.start(await stage.greedy(), { REDOUBT_LISTENERS_0_TRUSTED_PROXIES: proxy });
      await open(stage, 400, { from });
      await pause(200);
      const forwarded = from === proxy ? { 'X-Forwarded-For': '203.0.113.9' } : {};
      const headers = { ...stage.as('alpha', 'player'), ...forwarded };
      const probe = await ask_from(stage.relay, from, { path: '/healthz' });
      const call = await ask_from(stage.relay, from, { path: '/v1/models', headers });
      const admin = await admin_status(stage, '/healthz');
      return {
        held: probe.status === 200 && call.status === 200 && admin === 200,
        seen: `probe ${probe.status}, request ${call.status}, admin ${admin}`,
      };
    },
  })),
  {
    name: 'all connections of the relay',
    tried:
      'connections_max 300, filled with idle ones from eight addresses of the loopback, and 20 of the admin listener',
    expected: 'a new caller, the probe and the admin listener are answered',
    async run(stage) {
      await stage.start(await stage.greedy(), { REDOUBT_SERVER_CONNECTIONS_MAX: '300' });
      for (let i = 3; i < 11; ++i) await open(stage, 60, { from: `127.0.0.${i}` });
      const admin_port = Number(new URL(stage.relay.admin).port);
      for (let i = 0; i < 20; ++i) {
        const { socket } = await connect(admin_port);
        stage.later(() => socket.destroy());
      }
      await pause(200);
      const probe = await ask_from(stage.relay, '127.0.0.1', { path: '/healthz' });
      const other = await ask_from(stage.relay, '127.0.0.99', { path: '/' });
      const admin = await admin_status(stage, '/metrics');
      return {
        held: probe.status === 200 && other.status > 0 && admin === 200,
        seen: `probe ${probe.status}, another address ${other.status}, admin ${admin}`,
      };
    },
  },
  {
    name: 'what is really counted behind a proxy',
    tried:
      'one forwarded address holds 300 requests open through a trusted proxy, another asks once',
    expected: 'the other is answered',
    async run(stage) {
      const provider = await stage.greedy();
      provider.mode = 'hold';
      await stage.start(provider, {
        REDOUBT_LISTENERS_0_TRUSTED_PROXIES: proxy,
        REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: '10000',
      });
      const body = JSON.stringify(chat());
      const token = stage.as('alpha', 'hog').Authorization;
      const wires = await open(stage, 300, { from: proxy });
      for (const { socket } of wires) {
        socket.write(
          `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.9\r\n` +
            `Authorization: ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
      }
      await pause(500);
      const headers = { ...stage.as('beta', 'x'), 'X-Forwarded-For': '198.51.100.7' };
      const other = await ask_from(stage.relay, proxy, { path: '/v1/models', headers });
      return {
        held: other.status === 200,
        seen: `${statuses_of(wires)}, the other: ${other.status}`,
      };
    },
  },
  {
    name: 'a reader who does not read',
    tried:
      '400 pipelined requests for the largest answers on each of 16 connections that never read',
    expected: 'health as promised, memory within bounds',
    async run(stage) {
      await stage.start(await stage.greedy());
      const wires = await open(stage, 4, { read: false });
      const paths = ['/openapi.json', '/docs', '/api/openapi.json', '/'];
      for (const [i, { socket }] of wires.entries()) {
        const one = `GET ${paths[i]} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n\r\n`;
        socket.write(one.repeat(400));
      }
      await pause(1_500);
      return {
        held: true,
        seen: `${wires.filter(({ socket }) => socket.destroyed).length} closed`,
      };
    },
  },
  {
    name: 'questions in a pipeline',
    tried: '400 pipelined questions of the game on each of 16 connections that never read',
    expected: 'health as promised, memory within bounds',
    async run(stage) {
      await stage.start(await stage.greedy(), {}, { mini: ['openai/gpt-5-mini'] });
      const agent = { id: 1, type: 'collector', health: 80, x: 1, y: 2 };
      const amounts = { energy: 1, materials: 2, data: 3 };
      const body = JSON.stringify({
        team_id: 'red',
        territory_control: { red: 1, blue: 2 },
        resources: { red: amounts, blue: amounts },
        agents: { red: Array(25).fill(agent), blue: Array(25).fill(agent) },
        resource_distribution: { total: 3 },
      });
      const wires = await open(stage, 16, { read: false });
      const one = `POST /api/team-strategy HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      for (const { socket } of wires) socket.write(one.repeat(400));
      await pause(1_500);
      return {
        held: true,
        seen: `${wires.filter(({ socket }) => socket.destroyed).length} closed`,
      };
    },
  },
  {
    name: 'a byte a second',
    tried: '200 bodies that come a byte at a time, with body_timeout_s 2',
    expected: '408, and no place is held',
    async run(stage) {
      await stage.start(await stage.greedy(), { REDOUBT_SERVER_BODY_TIMEOUT_S: '2' });
      const wires = await open(stage, 200);
      const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n`;
      for (const { socket } of wires) socket.write(head);
      for (let i = 0; i < 12; ++i) {
        for (const { socket } of wires) if (!socket.destroyed) socket.write('[');
        await pause(300);
      }
      const open_yet = wires.filter(({ socket }) => !socket.destroyed).length;
      return { held: open_yet === 0, seen: `${statuses_of(wires)}, ${open_yet} still open` };
    },
  },
  {
    name: 'descriptors',
    tried: '1,000 connections opened and dropped, 200 halves closed',
    expected: 'no descriptor is left over',
    async run(stage) {
      await stage.start(await stage.greedy());
      const open_files = () => readdirSync(`/proc/${stage.relay.child.pid}/fd`).length;
      const before = open_files();
      for (let i = 0; i < 20; ++i) {
        const wires = await Promise.all(
          Array.from({ length: 50 }, () => connect(stage.relay.port)),
        );
        for (const [k, { socket }] of wires.entries()) {
          if (k % 3 === 0) socket.write('GET / HTT');
          if (k % 5 === 0) socket.end();
          else socket.resetAndDestroy();
        }
      }
      await pause(1_000);
      const left = open_files() - before;
      return { held: left < 50, seen: `${left} more than before` };
    },
  },
];
