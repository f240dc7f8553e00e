// Guessing costs something: requests that are refused count by address, too.
import http from 'node:http';
import { shown, counted, chat } from '../stage.mjs';
import WebSocket from 'ws';

const burst = 50;
const limited = {
  REDOUBT_LIMITS_REQUESTS_PER_MINUTE: '600',
  REDOUBT_LIMITS_BURST: String(burst),
  REDOUBT_LIMITS_REFUSALS_PER_MINUTE: '600',
  REDOUBT_LIMITS_REFUSALS_BURST: String(burst),
};
const requests = 600;

/** `count` requests over a few kept connections: their statuses. */
async function flood(port, count, options_of) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const one = (i) =>
    new Promise((resolve) => {
      const { body, ...options } = options_of(i);
      const request = http.request({ host: '127.0.0.1', port, agent, ...options }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      });
      request.on('error', () => resolve(0));
      request.end(body);
    });
  const statuses = await Promise.all(Array.from({ length: count }, (_, i) => one(i)));
  agent.destroy();
  return statuses;
}
// What the bucket of an address can have given: its burst, and what came back meanwhile.
const free_max = (seconds) => burst * 2 + 10 * seconds + 10;

const floods = {
  'bad tokens': (i) => ({
    method: 'GET',
    path: '/v1/models',
    headers: { Authorization: `Bearer x${i}.y.z` },
  }),
  'good tokens of too small a scope': (i, stage) => ({
    method: 'GET',
    path: '/v1/models',
    headers: stage.as('alpha', `p${i}`, { scope: 'game' }),
  }),
  'foreign hosts': () => ({ method: 'GET', path: '/v1/models', headers: { Host: 'evil.example' } }),
  'foreign origins': () => ({
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { Origin: 'http://evil.example', 'Content-Type': 'application/json' },
    body: JSON.stringify(chat()),
  }),
  'forwarded headers': () => ({
    method: 'GET',
    path: '/v1/models',
    headers: { 'X-Forwarded-For': '1.2.3.4' },
  }),
  "guesses of the game server's secret": (i) => ({
    method: 'POST',
    path: '/api/session',
    headers: { Authorization: `Bearer guess-${i}`, 'Content-Type': 'application/json' },
    body: '{"sub":"x"}',
  }),
  'bad tokens as x-api-key': (i) => ({
    method: 'POST',
    path: '/v1/messages',
    headers: { 'x-api-key': `x${i}.y.z`, 'Content-Type': 'application/json' },
    body: '{}',
  }),
};

export const attacks = [
  ...Object.entries(floods).map(([name, options_of]) => ({
    name,
    tried: `${requests} of them at 600 a minute and ${burst} at once`,
    expected: `429 once the address's share is used`,
    async run(stage) {
      await stage.start(undefined, limited);
      const from = performance.now();
      const statuses = await flood(stage.relay.port, requests, (i) => options_of(i, stage));
      const seconds = (performance.now() - from) / 1000;
      const free = statuses.filter((status) => status !== 429).length;
      return { held: free <= free_max(seconds), seen: shown(counted(statuses)) };
    },
  })),
  {
    name: 'sockets without a good token',
    tried: '300 handshakes of WebSockets with bad tokens',
    expected: '429 once the share is used',
    async run(stage) {
      await stage.start(undefined, limited);
      const url = `ws://127.0.0.1:${stage.relay.port}/v1/ws`;
      const shake = (i) =>
        new Promise((resolve) => {
          const socket = new WebSocket(url, ['redoubt', `redoubt.token.x${i}.y.z`]);
          socket.on('unexpected-response', (request, response) => {
            resolve(response.statusCode);
            request.destroy();
          });
          socket.on('error', () => resolve(0));
          socket.on('open', () => resolve(101));
        });
      const statuses = [];
      for (let at = 0; at < 300; at += 20)
        statuses.push(...(await Promise.all(Array.from({ length: 20 }, (_, i) => shake(at + i)))));
      const free = statuses.filter((status) => status !== 429).length;
      return { held: free <= free_max(3), seen: shown(counted(statuses)) };
    },
  },
  {
    name: 'the admin listener',
    tried: `${requests} bad tokens for /metrics`,
    expected: '429 once the share is used; a good request of another kind is not shut out for good',
    async run(stage) {
      await stage.start(undefined, limited);
      const port = Number(new URL(stage.relay.admin).port);
      const statuses = await flood(port, requests, (i) => ({
        method: 'GET',
        path: '/metrics',
        headers: { Authorization: `Bearer x${i}.y.z` },
      }));
      const free = statuses.filter((status) => status !== 429).length;
      return { held: free <= free_max(3) + 200, seen: shown(counted(statuses)) };
    },
  },
];
