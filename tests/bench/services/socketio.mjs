// The relay's Socket.IO server beside npm's `socket.io` in one run: what a fan-out costs and what a
// connected socket keeps.
//
//   node tests/bench/services/socketio.mjs [--sockets 1000] [--held 5000] [--rounds 5]
//
// Both servers tell `news` to every socket of a namespace: one at a time, and many in a row. Clients are plain
// WebSockets that count what comes; their time is not the servers'. Processor time (user and system)
// and resident memory are the server's own, from /proc. The best round counts. Raise `ulimit -n` over
// twice the number of sockets.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import WebSocket from 'ws';

const TIMES = 50; // emits a round
const BURSTS = [1, 50]; // of them in a row
const VALUE = 'x'.repeat(200);
const TICKS_PER_SECOND = 100; // of /proc's times
const AT_ONCE = 100; // connections under way

const here = fileURLToPath(import.meta.url);
const relay_server = fileURLToPath(
  new URL('../../../build/native-release/tests/relay/redoubt-socketio-test', import.meta.url),
);

async function serve_npm() {
  const { Server } = await import('socket.io');
  const server = new Server(0, { serveClient: false });
  server.on('connection', (socket) => {
    socket.emit('connection_response', { status: 'connected' });
    socket.on('fan', (times, value) => {
      for (let n = 0; n < times; ++n) server.emit('news', n, value);
    });
  });
  await once(server.httpServer, 'listening');
  console.log(JSON.stringify({ port: server.httpServer.address().port }));
}

const cpu_s = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};
const resident_bytes = (pid) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

/** A client that counts events: {socket, joined}. */
function connect(port, heard) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`, {
    perMessageDeflate: false,
  });
  const joined = new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (data) => {
      if (data[0] === 0x34 && data[1] === 0x32 && data[4] === 0x6e) return heard(); // 42["n...
      const text = String(data);
      if (text.startsWith('0')) socket.send('40');
      if (text === '2') socket.send('3');
      if (text.includes('connection_response')) resolve();
    });
  });
  return { socket, joined };
}

async function measure(name, command, args, { sockets, held, rounds }) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const { port } = JSON.parse((await once(lines, 'line'))[0]);
  let count = 0;
  let wanted = Infinity;
  let reached = () => {};
  const heard = () => ++count === wanted && reached();
  const clients = [];
  const connect_up_to = async (number) => {
    while (clients.length < number) {
      const some = Array.from({ length: Math.min(AT_ONCE, number - clients.length) }, () =>
        connect(port, heard),
      );
      await Promise.all(some.map((client) => client.joined));
      clients.push(...some);
    }
  };
  await connect_up_to(1);
  const bytes_before = resident_bytes(child.pid);
  await connect_up_to(sockets);
  const per_cpu_s = [];
  for (const burst of BURSTS) {
    let best = Infinity;
    for (let round = 0; round < rounds; ++round) {
      const from = cpu_s(child.pid);
      for (let told = 0; told < TIMES; told += burst) {
        count = 0;
        wanted = burst * sockets;
        const all = new Promise((resolve) => (reached = resolve));
        clients[0].socket.send(`42${JSON.stringify(['fan', burst, VALUE])}`);
        await all;
      }
      best = Math.min(best, cpu_s(child.pid) - from);
    }
    per_cpu_s.push((TIMES * sockets) / best);
  }
  const after_fan = (resident_bytes(child.pid) - bytes_before) / sockets;
  await connect_up_to(held);
  const each = (resident_bytes(child.pid) - bytes_before) / held;
  child.kill('SIGKILL');
  for (const { socket } of clients) socket.terminate();
  return { name, per_cpu_s, after_fan, each };
}

const { values } = parseArgs({
  options: {
    peer: { type: 'boolean' },
    sockets: { type: 'string', default: '1000' },
    held: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '5' },
  },
});
if (values.peer) {
  await serve_npm();
} else {
  const plan = {
    sockets: Number(values.sockets),
    held: Number(values.held),
    rounds: Number(values.rounds),
  };
  const rows = [
    await measure('redoubt', relay_server, [], plan),
    await measure('npm socket.io', process.execPath, [here, '--peer'], plan),
  ];
  console.log(`fan-out to ${plan.sockets} sockets, ${VALUE.length} bytes; ${plan.held} held`);
  console.log('server          deliveries/CPU s: one   50 in a row   KB a socket after   KB held');
  const shown = (numbers) => numbers.map((n) => Math.round(n).toLocaleString('en').padStart(14));
  for (const row of rows) {
    console.log(
      row.name.padEnd(18),
      ...shown(row.per_cpu_s),
      (row.after_fan / 1024).toFixed(1).padStart(18),
      (row.each / 1024).toFixed(1).padStart(10),
    );
  }
  const ratios = BURSTS.map((_, i) => (rows[0].per_cpu_s[i] / rows[1].per_cpu_s[i]).toFixed(2));
  console.log(`ratio ${ratios.join(', ')}`);
  process.exit(0);
}
