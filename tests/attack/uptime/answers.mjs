// What providers' answers take on their way through the relay: answers that are long, that do not end or
// that nobody reads, of more callers at a time than the memory has room for.
import http from 'node:http';
import { connect, status_in } from '../sockets.mjs';
import { chat, counted, shown } from '../stage.mjs';

const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
/** Of one address (server.connections_per_address_max is 256). */
const readers_max = 240;
/** So many calls at a time of each of so many players as the settings allow. */
const player_calls_max = 8;
const read_bytes_per_s = 16 << 10;
const watched_ms = 3_000;
const bait = 'a long answer, please';
/** Of what others ask for while readers stand still, and until when they have it. */
const others_answer_bytes = 500_000;
const others_answered_ms_max = 8_000;
/**
 * Less than models.answer_bytes_max, and asked for more often than a system takes it for a client that
 * does not read.
 */
const longest_answer_bytes = 3_900_000;
const asked_times = 4;
const others_bait = 'a page, please';

const choice = (what) => JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, ...what }] });
const event = (delta, finish_reason = null) => `data: ${choice({ delta, finish_reason })}\n\n`;
const whole = (content) =>
  choice({ message: { role: 'assistant', content }, finish_reason: 'stop' });
const letters = (bytes) => 'So it goes. '.repeat(bytes / 12);
const controls = (bytes) => '\u0001'.repeat(bytes / 6);
const head = (type, more) => `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n${more}\r\n`;
const whole_head = (bytes) =>
  head('application/json', `Connection: close\r\nContent-Length: ${bytes}\r\n`);
const stream_head = head('text/event-stream', 'Connection: close\r\n');
const answer = (content) => {
  const text = whole(content);
  return whole_head(text.length) + text;
};

/** {name: {says, reads, stream}}: what the provider says to each of the calls, byte by byte. */
const shapes = {
  'long answers that nobody reads': { says: answer(letters(2_000_000)) },
  'long answers that are read slowly': { says: answer(letters(2_000_000)), reads: true },
  'answers of 30 KB that nobody reads': { says: answer(letters(30_000)) },
  'answers that do not end': {
    says: whole_head(8_000_000) + whole(letters(2_000_000)).slice(0, -9),
  },
  'long events that nobody reads': {
    says: stream_head + event({ content: controls(900_000) }).repeat(6),
    stream: true,
  },
  'an event that does not end': {
    says: stream_head + event({ content: letters(2_000_000) }).slice(0, -9),
    stream: true,
  },
  'heads that do not end': { says: `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(30_000)}` },
};

/** Answers a request with `bait` in it with `text` and leaves it open, others as usual. */
async function raw_provider(text) {
  const bytes = Buffer.from(text);
  const provider = { baited: 0 };
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('error', () => {}).on('data', (part) => (body += part));
    response.on('error', () => {});
    request.on('end', () => {
      if (body.includes(bait)) {
        ++provider.baited;
        request.socket.on('error', () => {}).write(bytes);
        return;
      }
      response.setHeader('Content-Type', 'application/json');
      response.end(
        whole(body.includes(others_bait) ? letters(others_answer_bytes) : 'So it goes.'),
      );
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  provider.url = `http://127.0.0.1:${server.address().port}`;
  provider.stop = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return provider;
}

/** One connection that asks, and reads nothing, or so much a second. */
async function ask(stage, i, { stream = false, reads = false, players = Infinity, times = 1 }) {
  const wire = await connect(stage.relay.port, { read: false });
  const { socket } = wire;
  stage.later(() => socket.destroy());
  const body = JSON.stringify(chat({ stream, messages: [{ role: 'user', content: bait }] }));
  const who = stage.as(
    'alpha',
    `player-${Math.floor(i / player_calls_max) % players}`,
  ).Authorization;
  const request =
    `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
    `Authorization: ${who}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  socket.write(request.repeat(times));
  const take = () => {
    const taken = socket.read(Math.min(socket.readableLength, read_bytes_per_s / 10));
    wire.said ||= (taken ?? '').toString('latin1').slice(0, 16);
  };
  if (reads) {
    const timer = setInterval(take, 100);
    stage.later(() => clearInterval(timer));
  } else {
    socket.once('readable', take);
  }
  return wire;
}

/** Others' answers of a page, one after another. */
async function others_pages(stage) {
  const others = [];
  let slowest_ms = 0;
  for (let i = 0; i < 4; ++i) {
    const asked_ms = performance.now();
    const messages = [{ role: 'user', content: others_bait }];
    const answered = await stage.chat(stage.as('beta', `other-${i}`), { messages });
    const all = answered.status === 200 && answered.text.length > others_answer_bytes;
    others.push(all ? 200 : answered.status);
    slowest_ms = Math.max(slowest_ms, performance.now() - asked_ms);
  }
  return {
    held: others.every((status) => status === 200) && slowest_ms <= others_answered_ms_max,
    seen: `others: ${shown(counted(others))}, the slowest after ${Math.round(slowest_ms)} ms`,
  };
}

/** A few callers have what answers may take, each as many calls as the settings allow. */
const few_callers = ({ name, tried, says, asks }) => ({
  name,
  tried,
  expected: `others have 500 KB within ${others_answered_ms_max / 1_000} s each; health, memory and end as promised`,
  async run(stage) {
    const provider = await raw_provider(says);
    stage.later(() => provider.stop());
    await stage.start(provider, { REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: String(player_calls_max) });
    for (const [i, how] of asks.entries()) await ask(stage, i, how);
    await pause(1_000);
    return others_pages(stage);
  },
});
const unfinished = whole_head(8_000_000) + whole(letters(longest_answer_bytes)).slice(0, -9);
const few = [
  few_callers({
    name: 'long answers of three callers that nobody reads',
    tried:
      "24 calls of three players whose answers of 3.9 MB nobody reads, and others' long answers meanwhile",
    says: answer(letters(longest_answer_bytes)),
    asks: Array(3 * player_calls_max).fill({ players: 3, times: asked_times }),
  }),
  few_callers({
    name: 'long answers of three callers that do not end',
    tried:
      "24 calls of three players whose answers stop after 3.9 MB, and others' long answers meanwhile",
    says: unfinished,
    asks: Array(3 * player_calls_max).fill({ players: 3 }),
  }),
];

export const attacks = Object.entries(shapes)
  .map(([name, { says, ...how }]) => ({
    name,
    tried: `${readers_max} calls of thirty players, and others' calls meanwhile; SIGTERM`,
    expected: 'others are answered; health, memory and end as promised',
    async run(stage) {
      const provider = await raw_provider(says);
      stage.later(() => provider.stop());
      await stage.start(provider, {
        REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: String(player_calls_max),
      });
      const wires = [];
      for (let i = 0; i < readers_max; ++i) wires.push(await ask(stage, i, how));
      const others = [];
      for (let ms = 0; ms < watched_ms; ms += 250) {
        others.push((await stage.chat(stage.as('beta', `other-${ms}`))).status);
        await pause(250);
      }
      const told = counted(wires.map(({ said }) => status_in(said)));
      return {
        held: others.every((status) => status === 200) && provider.baited > readers_max / 2,
        seen: `${shown(told)}, ${provider.baited} reached the provider; others: ${shown(counted(others))}`,
      };
    },
  }))
  .concat(few);
