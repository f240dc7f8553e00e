// Many at once, each with what is small enough for a shard's own thread: together they must not be.
import { connect, status_in } from '../sockets.mjs';
import { chat, counted, shown } from '../stage.mjs';

const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
const players = 30;

/** One chat a connection, of players from many addresses: counts the bytes of its answer. */
async function ask_raw(stage, i, body) {
  const wire = await connect(stage.relay.port, { from: `127.0.0.${20 + (i % 60)}`, read: false });
  wire.bytes = 0;
  wire.socket.on('data', (part) => {
    if (wire.bytes === 0) wire.said = part.toString('latin1', 0, 20);
    wire.bytes += part.length;
  });
  wire.socket.resume();
  const who = stage.as('alpha', `player ${i % players}`).Authorization;
  wire.request = `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: ${who}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  stage.later(() => wire.socket.destroy());
  return wire;
}

const choice = (what) => JSON.stringify({ id: '1', model: 'm', choices: [{ index: 0, ...what }] });
const event = (what) => `data: ${choice(what)}\n\n`;
const piece = event({ delta: { content: 'abcdefghijklmnopqrstuvwxyz0123456789abcd' } });
const stream = [
  { head: 200, headers: { 'content-type': 'text/event-stream' } },
  { repeat: 125, every_ms: 0, send: piece.repeat(100) },
  { send: `${event({ delta: {}, finish_reason: 'stop' })}data: [DONE]\n\n` },
];
const whole = (bytes) => [
  { head: 200, headers: { 'content-type': 'application/json' } },
  {
    send: choice({
      message: { role: 'assistant', content: 'a'.repeat(bytes) },
      finish_reason: 'stop',
    }),
  },
];
const text_of = (content) => JSON.stringify(chat({ messages: [{ role: 'user', content }] }));
// As long as a body may be that is not read elsewhere; each byte of it is six.
const controls = text_of('@').replace('@', '\\u0001'.repeat(10_800));

const crowds = {
  'streams at the speed of the loopback': {
    count: 100,
    body: JSON.stringify(chat({ stream: true })),
    answer: stream,
  },
  'answers of 60 KB that come together': {
    count: 240,
    body: text_of('Where to?'),
    answer: whole(60_000),
  },
  'requests of 65 KB of control characters': { count: 240, body: controls, answer: whole(10) },
};

export const attacks = Object.entries(crowds).map(([name, { count, body, answer }]) => ({
  name,
  tried: `${count} ${name}, of ${players} players`,
  expected: 'health as promised; all are answered',
  async run(stage) {
    const mock = await stage.mock();
    await mock.script([{ when: { model: 'gpt-5-mini' }, do: answer }]);
    await stage.start(mock, { REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: '8' });
    const wires = [];
    for (let i = 0; i < count; ++i) wires.push(await ask_raw(stage, i, body));
    for (const { socket, request } of wires) socket.write(request);
    const until = performance.now() + 12_000;
    let known = -1;
    while (performance.now() < until) {
      const bytes = wires.reduce((sum, wire) => sum + wire.bytes, 0);
      if (bytes === known && wires.every((wire) => wire.bytes > 0)) break;
      known = bytes;
      await pause(500);
    }
    const statuses = counted(wires.map(({ said }) => status_in(said)));
    return {
      held: statuses[200] === count,
      seen: `${shown(statuses)}, ${(known / 1e6).toFixed(1)} MB`,
    };
  },
}));
