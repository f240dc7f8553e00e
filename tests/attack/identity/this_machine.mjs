// Who sits at this machine may call without a token. Who else can look as if they did?
import { ask_from, say, status_in } from '../sockets.mjs';
import { chat, shown, counted } from '../stage.mjs';

const proxy = '127.0.0.2'; // the listener's trusted proxy
const stranger = '203.0.113.9';
const behind_proxy = { REDOUBT_LISTENERS_0_TRUSTED_PROXIES: proxy };
const json = { 'Content-Type': 'application/json' };
const body = JSON.stringify(chat());
const call = (relay, from, headers) =>
  ask_from(relay, from, {
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { ...json, ...headers },
    body,
  });

const loopback_spellings = [
  '127.0.0.1',
  '127.1.2.3',
  '::1',
  '[::1]',
  '[::1]:80',
  '"[::1]"',
  '::ffff:127.0.0.1',
  '127.0.0.1:1234',
  '0.0.0.0',
  '127.1',
  '2130706433',
  '0x7f.1',
  'localhost',
  ' 127.0.0.1 ',
  `${stranger}, 127.0.0.1`,
  `127.0.0.1, ${proxy}`,
  proxy,
  `${proxy}, ${proxy}`,
  '',
  ',',
  'unknown',
  '_hidden',
];

export const attacks = [
  {
    name: 'an address in a header',
    tried: `anonymous: local behind a trusted proxy: ${loopback_spellings.length} spellings of this machine in X-Forwarded-For, Forwarded and X-Real-IP`,
    expected: 'no call reaches the provider',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, behind_proxy);
      const through = [];
      const statuses = [];
      for (const spelling of loopback_spellings) {
        for (const headers of [
          { 'X-Forwarded-For': spelling },
          { Forwarded: `for=${spelling}` },
          { 'X-Real-IP': spelling },
          { 'X-Forwarded-For': spelling, 'X-Real-IP': spelling },
          { 'X-Forwarded-For': [stranger, spelling] },
          { 'x-forwarded-for': spelling, 'X-Forwarded-Proto': 'https' },
        ]) {
          statuses.push((await call(stage.relay, proxy, headers)).status);
          if (provider.calls.length > 0) through.push(JSON.stringify(headers));
          provider.forget();
        }
      }
      return {
        held: through.length === 0,
        seen: `${through.length} pass ${through.slice(0, 3).join(' ')} (${shown(counted(statuses))})`,
      };
    },
  },
  {
    name: 'headers that are missing or disagree',
    tried:
      'a trusted proxy without any header, with X-Real-IP against X-Forwarded-For, with both kinds, with junk',
    expected: '400 for each, also with a good token; 200 where they agree',
    async run(stage) {
      await stage.start(await stage.greedy(), behind_proxy);
      const token = stage.as('alpha', 'x');
      const wrong = [];
      for (const headers of [
        {},
        { 'X-Forwarded-Proto': 'https' },
        { 'X-Real-IP': stranger, 'X-Forwarded-For': '198.51.100.7' },
        { 'X-Real-IP': stranger, 'X-Forwarded-For': `${stranger}, 198.51.100.7` },
        { 'X-Forwarded-For': stranger, Forwarded: `for=${stranger}` },
        { 'X-Real-IP': 'nobody' },
        { 'X-Real-IP': [stranger, '198.51.100.7'] },
        { 'X-Forwarded-For': '' },
        { 'X-Forwarded-For': Array(200).fill(stranger).join(', ') },
      ]) {
        const { status } = await call(stage.relay, proxy, { ...token, ...headers });
        if (status !== 400) wrong.push(`${JSON.stringify(headers).slice(0, 60)}: ${status}`);
      }
      const good = [];
      for (const headers of [
        { 'X-Forwarded-For': stranger },
        { 'X-Real-IP': stranger, 'X-Forwarded-For': `198.51.100.7, ${stranger}` },
        { Forwarded: `for=${stranger};proto=https` },
      ]) {
        good.push((await call(stage.relay, proxy, { ...token, ...headers })).status);
      }
      return {
        held: wrong.length === 0 && good.every((status) => status === 200),
        seen: `${wrong.join(', ') || 'all refused'}; good ones ${shown(good)}`,
      };
    },
  },
  {
    name: 'a proxy that nobody named',
    tried:
      'anonymous: local without trusted proxies: Via and any X-Forwarded-* from a loopback peer',
    expected: 'refused (400 or 401), nothing reaches the provider; without them 200',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider);
      const names = [
        'Via',
        'X-Forwarded-For',
        'X-Forwarded-Host',
        'X-Forwarded-Proto',
        'X-Forwarded-Port',
        'X-Forwarded-Server',
        'X-Forwarded-Scheme',
        'X-Forwarded-Ssl',
        'X-Forwarded-Prefix',
        'X-Forwarded-Anything',
        'X-Original-Forwarded-For',
        'Forwarded',
        'X-Real-IP',
        'X-Client-IP',
        'X-Cluster-Client-IP',
        'True-Client-IP',
        'CF-Connecting-IP',
        'Fly-Client-IP',
        'Fastly-Client-IP',
        'X-Envoy-External-Address',
        'X-Azure-ClientIP',
      ];
      const through = [];
      for (const name of names) {
        const value =
          name === 'Via' ? '1.1 nginx' : name === 'Forwarded' ? 'for=127.0.0.1' : '127.0.0.1';
        const { status } = await call(stage.relay, '127.0.0.1', { [name]: value });
        if (status === 200) through.push(name);
      }
      const plain = (await call(stage.relay, '127.0.0.1', {})).status;
      return {
        held: through.length === 0 && plain === 200,
        seen: `${through.join(' ') || 'none'} of ${names.length} pass; plain ${plain}`,
      };
    },
  },
  {
    name: 'the admin listener by the same door',
    tried: '/metrics with forwarded headers, Via, a foreign Host and a Host with dots',
    expected: 'refused; plain 200',
    async run(stage) {
      await stage.start();
      const port = Number(new URL(stage.relay.admin).port);
      const get = async (headers) =>
        status_in(
          await say(port, `GET /metrics HTTP/1.1\r\nConnection: close\r\n${headers}\r\n\r\n`),
        );
      const host = `Host: 127.0.0.1:${port}`;
      const refused = [];
      for (const headers of [
        `${host}\r\nX-Forwarded-For: 127.0.0.1`,
        `${host}\r\nX-Forwarded-Host: localhost`,
        `${host}\r\nVia: 1.1 nginx`,
        'Host: evil.example',
        'Host: localhost.evil.example',
        'Host: 127.0.0.1.evil.example',
        'Host: evil.example\r\nHost: localhost',
        `Host: evil.example\r\nX-Host: localhost`,
      ]) {
        refused.push(await get(headers));
      }
      const plain = await get(host);
      return {
        held: refused.every((status) => status >= 400 && status < 500) && plain === 200,
        seen: `${shown(refused)}; plain ${plain}`,
      };
    },
  },
];
