// Who asks for much and reads nothing of it: views, bundles and events of runs, models' streams.
import http from 'node:http';
import { connect, status_in } from '../sockets.mjs';
import { chat, counted, shown } from '../stage.mjs';
import { memory_of } from '../witness.mjs';

const runs = '/api/workflows/runs';
const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
const flow = (name, workflow, more = {}) => ({ name, workflow, result: 'done', ...more });
/** Of one address (server.connections_per_address_max is 256). */
const readers_max = 240;
/** What is broken is seen by then; a machine that runs tests need not be filled. */
const enough_bytes = 512 << 20;
const is_enough = (stage) => memory_of(stage.relay.child.pid).now > enough_bytes;

const upgrade_headers = {
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  'Sec-WebSocket-Version': '13',
};
/** A client's frame of text, masked with zeros. */
function text_frame(text) {
  const head = Buffer.alloc(8);
  head[0] = 0x81;
  head[1] = 0x80 | 126;
  head.writeUInt16BE(text.length, 2);
  return Buffer.concat([head, Buffer.from(text)]);
}

/**
 * Sends `request(i)` ({method, path, headers, body, frames}) on so many connections that read nothing,
 * and gives what they were told.
 */
async function ask_and_not_read(stage, count, request) {
  const told = [];
  for (let i = 0; i < count && !is_enough(stage); ++i) {
    const { method = 'GET', path, headers = {}, body = '', frames = [] } = request(i);
    const { socket } = await connect(stage.relay.port, { read: false });
    stage.later(() => socket.destroy());
    socket.once('readable', () => told.push(status_in((socket.read(16) ?? '').toString('latin1'))));
    const all = { Host: 'localhost', ...headers, 'Content-Length': body.length };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
    for (const text of frames) socket.write(text_frame(text));
    if (i % 12 === 11) await pause(50);
  }
  await pause(1_500);
  return told;
}

/** Runs of each of the owners, of 3.9 MB of input, at rest or over: [{path, headers}]. */
async function large_runs(stage, owners, each, order) {
  const made = [];
  for (const headers of owners) {
    for (let i = 0; i < each; ++i) {
      const begun = await stage.post(runs, order('x'.repeat(3_900_000)), headers);
      if (begun.status !== 201) throw new Error(begun.text.slice(0, 200));
      const { id } = begun.json();
      await stage.run_when(id, headers, (run) => run.status !== 'running' || run.questions.length);
      made.push({ path: `${runs}/${id}`, headers });
    }
  }
  return made;
}

/**
 * A provider whose streams do not end; together they write so much a second: what is tried is the
 * memory, and a relay that reads as fast as a provider on the same machine writes does nothing else.
 */
const provider_bytes_per_s = 6 << 20;
const pieces_per_s = 100;
async function endless_provider() {
  const delta = { index: 0, delta: { content: 'So it goes. '.repeat(300) }, finish_reason: null };
  const event = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [delta] })}\n\n`;
  const events_at_once = Math.floor(provider_bytes_per_s / pieces_per_s / event.length);
  const provider = { begun: 0 };
  const streams = new Set();
  const server = http.createServer((request, response) => {
    request.on('error', () => {}).resume();
    response.on('error', () => {});
    response.on('close', () => streams.delete(response));
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(event);
    streams.add(response);
    ++provider.begun;
  });
  const timer = setInterval(() => {
    // Who has written goes to the end of the line.
    for (const stream of [...streams].slice(0, events_at_once)) {
      stream.write(event);
      streams.delete(stream);
      streams.add(stream);
    }
  }, 1_000 / pieces_per_s);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  provider.url = `http://127.0.0.1:${server.address().port}`;
  provider.stop = () =>
    new Promise((resolve) => {
      clearInterval(timer);
      server.close(resolve);
      server.closeAllConnections();
    });
  return provider;
}
/** So many calls at a time of each of so many players as the settings allow. */
const player_calls_max = 8;
const player_of = (stage, i) => stage.as('alpha', `player-${Math.floor(i / player_calls_max)}`);
async function start_endless(stage) {
  const provider = await endless_provider();
  stage.later(() => provider.stop());
  await stage.start(provider, { REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: String(player_calls_max) });
  return provider;
}

const event_attacks = {
  'events that nobody reads': {
    tried: '240 watchers, who read nothing, of 15 runs of 3.9 MB of five owners',
    runs_each: 3,
    order: (input) => ({ workflow: flow('asking', [{ ask: 'Sure?' }]), input }),
    owners: (stage) => Array.from({ length: 5 }, (_, i) => stage.as('alpha', `author-${i}`)),
  },
  'events that nobody on this machine reads': {
    tried: '64 watchers, who read nothing, of four runs of 3.9 MB of callers without a token',
    runs_each: 4,
    order: (message) => ({ workflow: 'triage', input: { message } }),
    owners: () => [{}],
  },
};
const watchers_max = 16;

export const attacks = [
  ...Object.entries(event_attacks).map(
    ([name, { tried, runs_each, order, owners: owners_of }]) => ({
      name,
      tried: `${tried}, and one who reads; SIGTERM meanwhile`,
      expected: 'who reads gets every event once; health, memory and end as promised',
      async run(stage) {
        await stage.start(await stage.greedy());
        const owners = owners_of(stage);
        const watched = await large_runs(stage, owners, runs_each, order);
        const count = watched.length * watchers_max;
        const told = await ask_and_not_read(stage, count, (i) => {
          const { path, headers } = watched[i % watched.length];
          return { path: `${path}/events`, headers };
        });
        const [{ path, headers }] = await large_runs(stage, [owners[0]], 1, order);
        // The end of the run, where it is not over, is that of its events.
        await stage.post(`${path}/cancel`, {}, headers);
        const { text } = await stage.get(`${path}/events`, headers);
        const numbers = [...text.matchAll(/^id: (\d+)$/gm)].map(([, number]) => Number(number));
        const { events } = (await stage.get(path, headers)).json();
        const whole = numbers.length === events && numbers.every((number, i) => number === i);
        return {
          held: whole && counted(told)[200] === count,
          seen: `${shown(counted(told))}, who reads: ${numbers.length} of ${events} events, ${text.length} bytes`,
        };
      },
    }),
  ),
  {
    name: 'views that nobody reads',
    tried: '240 views of a run whose outcome is 3.9 MB, on connections that read nothing, SIGTERM',
    expected: 'sent, or refused for want of memory; health, memory and end as promised',
    async run(stage) {
      await stage.start(await stage.greedy());
      const author = stage.as('alpha', 'author');
      const echo = flow('echo', [{ emit: 'x' }], { result: '{{ input }}' });
      const order = (input) => ({ workflow: echo, input });
      const [{ path, headers }] = await large_runs(stage, [author], 1, order);
      const view = await stage.get(path, headers);
      const told = await ask_and_not_read(stage, readers_max, () => ({ path, headers }));
      return {
        held:
          view.text.length > 3_900_000 && told.every((status) => status === 200 || status === 503),
        seen: shown(counted(told)),
      };
    },
  },
  {
    name: 'bundles that nobody reads',
    tried: '240 exports of a run that was given 18 MB, on connections that read nothing, SIGTERM',
    expected: 'some are refused for want of memory; health, memory and end as promised',
    async run(stage) {
      await stage.start(await stage.greedy());
      const headers = stage.as('alpha', 'author');
      const flow_of_signals = flow('full', [{ wait: { signal: 'never' } }]);
      const begun = await stage.post(
        runs,
        { workflow: flow_of_signals, input: 'x'.repeat(3_900_000) },
        headers,
      );
      const path = `${runs}/${begun.json().id}`;
      for (let i = 0; i < 14; ++i)
        await stage.post(
          `${path}/signal`,
          { name: `s${i}`, value: 'y'.repeat(1_000_000) },
          headers,
        );
      const told = await ask_and_not_read(stage, readers_max, () => ({
        method: 'POST',
        path: `${path}/export`,
        headers,
      }));
      return { held: told.includes(503), seen: shown(counted(told)) };
    },
  },
  {
    name: "models' streams that nobody reads",
    tried: '240 endless streams of thirty players, on connections that read nothing, SIGTERM',
    expected: 'who does not read is cut; health, memory and end as promised',
    async run(stage) {
      const provider = await start_endless(stage);
      const body = JSON.stringify(chat({ stream: true }));
      const told = await ask_and_not_read(stage, readers_max, (i) => ({
        method: 'POST',
        path: '/v1/chat/completions',
        headers: { ...player_of(stage, i), 'Content-Type': 'application/json' },
        body,
      }));
      return {
        held: counted(told)[200] > readers_max / 2,
        seen: `${shown(counted(told))}, ${provider.begun} streams`,
      };
    },
  },
  {
    name: "models' sockets that nobody reads",
    tried:
      'eight endless streams on a socket of each of thirty players that reads nothing, SIGTERM',
    expected: 'who does not read is cut; health, memory and end as promised',
    async run(stage) {
      const provider = await start_endless(stage);
      const call = (id) =>
        JSON.stringify({
          type: 'call',
          id: `c${id}`,
          format: 'openai.chat',
          request: chat({ stream: true }),
        });
      const told = await ask_and_not_read(stage, readers_max / player_calls_max, (i) => ({
        path: '/v1/ws',
        headers: { ...player_of(stage, i * player_calls_max), ...upgrade_headers },
        frames: Array.from({ length: player_calls_max }, (_, id) => call(id)),
      }));
      return {
        held: provider.begun > readers_max / 2,
        seen: `${shown(counted(told))}, ${provider.begun} streams`,
      };
    },
  },
];
