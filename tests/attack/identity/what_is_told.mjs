// What errors, logs and metrics tell of the machine, the code and of others.
import { ask_from, say } from '../sockets.mjs';
import { shown } from '../stage.mjs';

const methods = ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'];
const paths = [
  '/',
  '/api/usage',
  '/api/session',
  '/api/team-strategy',
  '/api/workflows/runs',
  '/api/workflows/runs/0123456789abcdef',
  '/api/workflows/runs/..%2f..%2fetc%2fpasswd',
  '/api/workflows/runs/0123456789abcdef/events?after=-1',
  '/v1/models',
  '/v1/chat/completions',
  '/v1/messages',
  '/v1/responses',
  '/v1/ws',
  '/ws/client_1',
  '/..%2f..%2fetc%2fpasswd',
  '/%00',
  '/metrics',
];
const junk = [
  '',
  '{',
  'null',
  '[]',
  '"x"',
  '{"model":null}',
  '{"workflow":"../../etc/passwd"}',
  '{"sub":7}',
];
const inner =
  /\/tmp\/|\/work\/|\/home\/|\.cpp|\.hpp|std::|boost|nlohmann|sqlite|terminate called|0x[0-9a-f]{8}/i;

export const attacks = [
  {
    name: 'errors',
    tried: `${methods.length} methods by ${paths.length} paths by ${junk.length} bodies, with a token, without and with a bad one`,
    expected: 'no path, source, type or library in any answer, and no 500',
    async run(stage) {
      await stage.start(await stage.greedy());
      const callers = [{}, stage.as('alpha', 'player'), { Authorization: 'Bearer x.y.z' }];
      const told = new Set();
      let asked = 0;
      for (const path of paths) {
        const answers = await Promise.all(
          methods.flatMap((method) =>
            junk.flatMap((body, i) =>
              callers.map((headers) =>
                ask_from(stage.relay, `127.0.0.${2 + i}`, {
                  method,
                  path,
                  headers: { 'Content-Type': 'application/json', ...headers },
                  body: method === 'GET' ? undefined : body,
                }).then((answer) => ({ ...answer, what: `${method} ${path}` })),
              ),
            ),
          ),
        );
        for (const { status, headers, text, what } of answers) {
          ++asked;
          const match = inner.exec(JSON.stringify(headers) + text);
          // The page of the API's description is a document, not an error.
          if (status >= 500 && status !== 503) told.add(`${what}: ${status}`);
          else if (status >= 400 && match) told.add(`${what}: ${match[0]}`);
        }
      }
      return {
        held: told.size === 0,
        seen: `${asked} answers; ${[...told].slice(0, 4).join('; ') || 'nothing told'}`,
      };
    },
  },
  {
    name: 'metrics and logs',
    tried:
      'names of tenants, players and models, ids of requests and paths with controls and line ends',
    expected: "no name in /metrics, each log line one line, and no caller's text as a control",
    async run(stage) {
      await stage.start(await stage.greedy(), { REDOUBT_LOG_LEVEL: 'debug' });
      for (let i = 0; i < 20; ++i) {
        const headers = stage.as('alpha', `planted-player-${i}`);
        await stage.chat(headers, { model: `planted-model-${i}` });
        await stage.chat(headers, { user: `planted-user-${i}` });
      }
      const host = 'Host: localhost\r\nConnection: close\r\n';
      for (const line of [
        `GET /planted\u001b[31m HTTP/1.1\r\n${host}\r\n`,
        `GET /planted%0a%7b HTTP/1.1\r\n${host}X-Request-Id: planted\u001b[31m\r\n\r\n`,
        `GET / HTTP/1.1\r\n${host}User-Agent: planted\u0085\u001b\r\n\r\n`,
      ]) {
        await say(stage.relay.port, line);
      }
      const metrics = await (await fetch(`${stage.relay.admin}/metrics`)).text();
      const in_metrics = /planted-(player|model|user)/.exec(metrics)?.[0];
      // Lines that are no JSON would have ended this program already (program.mjs reads them).
      const controls = stage.relay.lines.filter((line) =>
        /planted[\u001b\u0085]/.test(JSON.stringify(line)),
      );
      return {
        held: !in_metrics && controls.length === 0,
        seen: shown({ in_metrics: in_metrics ?? 'no name', controls: controls.length }),
      };
    },
  },
];
