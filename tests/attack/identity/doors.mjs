// Every door for every kind of caller.
import WebSocket from 'ws';
import { situation } from '../../relay/situation.mjs';
import { ask_from, say, status_in } from '../sockets.mjs';
import { chat, shown } from '../stage.mjs';

const own = { workflow: { name: 'w', workflow: [{ emit: 'x' }], result: 1 } };
const question = { ...chat(), model: 'mini' };
// Path, body (none: GET), and the scopes that it takes.
const doors = [
  ['/api/team-strategy', situation, ['game']],
  ['/v1/chat/completions', question, ['models']],
  ['/v1/messages', question, ['models']],
  ['/v1/responses', { model: 'mini', input: 'On?' }, ['models']],
  ['/v1/models', undefined, ['models']],
  ['/api/usage', undefined, ['models']],
  ['/api/workflows/runs', undefined, ['workflow:run']],
  ['/api/workflows/runs', { workflow: 'team_strategy', input: situation }, ['workflow:run']],
  ['/api/workflows/runs', own, ['workflow:run', 'workflow:author']],
];
const sockets = [
  ['/ws/client_1', 'game'],
  ['/v1/ws', 'models'],
];
const scopes = [
  'game',
  'models',
  'workflow:run',
  'workflow:author',
  'operator:read',
  'operator:write',
];

/** Whether a WebSocket opens. */
function opens(relay, path, headers) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${relay.port}${path}`, [], { headers });
    const end = (value) => {
      socket.terminate();
      resolve(value);
    };
    socket.on('open', () => end(true));
    socket.on('error', () => end(false));
  });
}

// Other spellings of doors, none of which may open without a token.
const spellings = [
  '/v1/models',
  '//v1/models',
  '/V1/models',
  '/v1/models/',
  '/v1/./models',
  '/v1//models',
  '/v1/x/../models',
  '/v1%2fmodels',
  '/%76%31/models',
  '/v1/models%00',
  '/v1/models;x',
  '/v1/models?x=1',
  '/v1/models#x',
  '/api/docs/../usage',
  '/api/docs/%2e%2e/usage',
  '/api/openapi.json/../usage',
  '/healthz/../v1/models',
  '/healthz/%2e%2e/v1/models',
  '/.%2e/v1/models',
  '\\v1\\models',
  '/api/workflows/runs',
  '/API/usage',
  'http://127.0.0.1/v1/models',
  'http://evil.example/v1/models',
];

export const attacks = [
  {
    name: 'scopes',
    tried: `${doors.length} doors and ${sockets.length} sockets with each of ${scopes.length} scopes alone, an operator's among them, and the admin listener with players' tokens`,
    expected: '403 without the scope, and no operator at a door for players',
    async run(stage) {
      await stage.start(await stage.greedy(), {
        REDOUBT_LISTENERS_0_ANONYMOUS: 'off',
        REDOUBT_ADMIN_ANONYMOUS: 'off',
      });
      const wrong = [];
      for (const scope of [...scopes, 'workflow:run workflow:author', '', 'everything', '*']) {
        const held = scope.split(' ');
        for (const kid of ['alpha', 'operators']) {
          const headers = stage.as(kid, 'player', { scope });
          // A key gives no more than its own scopes.
          const can = (needed) =>
            needed.every((name) => held.includes(name)) &&
            (kid === 'operators') === needed.every((name) => name.startsWith('operator'));
          const differs = (what, open, needed) => {
            if (open !== can(needed)) wrong.push(`${kid} ${scope || 'none'} at ${what}: ${open}`);
          };
          for (const [path, body, needed] of doors) {
            const answer = body
              ? await stage.post(path, body, headers)
              : await stage.get(path, headers);
            differs(path, answer.status < 400, needed);
          }
          for (const [path, needed] of sockets)
            differs(path, await opens(stage.relay, path, headers), [needed]);
          const metrics = await fetch(`${stage.relay.admin}/metrics`, { headers });
          differs('/metrics', metrics.status === 200, ['operator:read']);
        }
      }
      return { held: wrong.length === 0, seen: wrong.slice(0, 5).join('; ') || 'as it should be' };
    },
  },
  {
    name: 'other spellings of a path',
    tried: `anonymous: off; ${spellings.length} spellings of closed paths without a token, with a bad one, by HEAD and OPTIONS`,
    expected: 'none is answered with 200, and none with what lies behind',
    async run(stage) {
      await stage.start(await stage.greedy(), { REDOUBT_LISTENERS_0_ANONYMOUS: 'off' });
      const open = [];
      for (const path of spellings) {
        for (const method of ['GET', 'HEAD', 'POST']) {
          for (const headers of [
            '',
            'Authorization: Bearer x.y.z\r\n',
            'x-api-key: anonymous\r\n',
          ]) {
            const said = await say(
              stage.relay.port,
              `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`,
              { silence_ms: 200 },
            );
            const behind = /"object":"list"|engaged_microusd|"runs"/.test(said);
            if (behind || (status_in(said) === 200 && /\/(v1|api)\//i.test(path)))
              open.push(`${method} ${path}`);
          }
        }
      }
      return { held: open.length === 0, seen: [...new Set(open)].join(', ') || 'all closed' };
    },
  },
  {
    name: 'two tokens at once',
    tried:
      "a good token beside a bad one, another player's, and the word anonymous, in three places of a request",
    expected: 'one of them counts, always the same, and a bad one is not passed over for nobody',
    async run(stage) {
      await stage.start(await stage.greedy());
      const good = stage.token('alpha', { sub: 'good' });
      const other = stage.token('beta', { sub: 'other' });
      const who = async (headers) => {
        const answer = await ask_from(stage.relay, '127.0.0.1', { path: '/api/usage', headers });
        return answer.status === 200 ? JSON.parse(answer.text).who : answer.status;
      };
      const answers = {
        bad: await who({ Authorization: 'Bearer x.y.z' }),
        bad_key: await who({ 'x-api-key': 'x.y.z' }),
        good_then_bad: await who({ Authorization: `Bearer ${good}`, 'x-api-key': 'x.y.z' }),
        bad_then_good: await who({ Authorization: 'Bearer x.y.z', 'x-api-key': good }),
        two_players: await who({ Authorization: `Bearer ${good}`, 'x-api-key': other }),
        twice: await who({ Authorization: [`Bearer ${good}`, `Bearer ${other}`] }),
        empty: await who({ Authorization: 'Bearer ' }),
      };
      const bad = [answers.bad, answers.bad_key, answers.bad_then_good];
      return {
        held:
          bad.every((status) => status === 401) &&
          ![answers.two_players, answers.twice].includes('other'),
        seen: shown(answers),
      };
    },
  },
];
