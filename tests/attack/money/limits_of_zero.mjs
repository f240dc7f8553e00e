// Absent is no limit, 0 is nothing, and every other number is itself: in claims, sessions, settings.
import { chat, counted, shown, until } from '../stage.mjs';
import { spend } from '../purse.mjs';
import { bearer, hs256_of_text } from '../../relay/signed_token.mjs';

const names = [
  'requests_per_minute',
  'tokens_per_minute',
  'concurrent_calls',
  'cost_microusd_per_day',
  'cost_microusd_per_month',
];
const relays_own = {
  REDOUBT_MODELS_PLAYER_REQUESTS_PER_MINUTE: '3',
  REDOUBT_MODELS_PLAYER_TOKENS_PER_MINUTE: '1000000',
  REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: '4',
  REDOUBT_MODELS_PLAYER_DAY_MICROUSD: '1000000',
  REDOUBT_MODELS_PLAYER_MONTH_MICROUSD: '1000000',
};
// At the edges of what a number can be. JSON as text, because JavaScript rounds some of them.
const edges = [
  '-1',
  '-0',
  '0.0',
  '1e0',
  '0.5',
  '9007199254740992',
  '9223372036854775807',
  '9223372036854775808',
  '18446744073709551616',
  '1e308',
  '""',
  '"5"',
  'null',
  'true',
  '[]',
  '{}',
];

export const attacks = [
  {
    name: 'zero in a token',
    tried: "each of the five limits 0 in a token's claims, then in a session",
    expected: 'no call reaches the provider',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, {});
      const passed = [];
      for (const name of names) {
        const limits = { [name]: 0 };
        await stage.chat(stage.as('alpha', `claims-${name}`, { limits }));
        if (provider.calls.length > 0) passed.push(`${name} in claims`);
        provider.forget();
        const session = await stage.session({ sub: `session-${name}`, limits });
        if (session.status === 200)
          await stage.chat({ Authorization: `Bearer ${session.json().token}` });
        if (provider.calls.length > 0) passed.push(`${name} in a session`);
        provider.forget();
      }
      return { held: passed.length === 0, seen: passed.join(', ') || 'all ten refused' };
    },
  },
  {
    name: "zero lifts the relay's own limit",
    tried: 'a token with 0, and with 2^53, against 3 requests a minute of the relay',
    expected: 'at most 3 calls for any token',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, relays_own);
      const seen = [];
      for (const value of [0, 2 ** 50, 10 ** 15]) {
        const limits = Object.fromEntries(names.map((name) => [name, value]));
        await spend(stage, provider, stage.as('alpha', `player-${value}`, { limits }), {});
        seen.push(`${value}: ${provider.calls.length}`);
        if (provider.calls.length > 3) return { held: false, seen: seen.join(', ') };
        provider.forget();
      }
      return { held: true, seen: `calls by limit: ${seen.join(', ')}` };
    },
  },
  {
    name: 'the edges of a number',
    tried: `${edges.length} values as each limit, in claims and sessions, and limits itself null, [] and a text`,
    expected: "400, 401 or the relay's own 3 requests a minute",
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, relays_own);
      const over = [];
      const statuses = [];
      const sent = async (what, headers) => {
        for (let i = 0; i < 4; ++i) statuses.push((await stage.chat(headers)).status);
        if (provider.calls.length > 3) over.push(what);
        provider.forget();
      };
      let player = 0;
      const tried = names.flatMap((name) => edges.map((edge) => `{"${name}":${edge}}`));
      for (const limits of [...tried, 'null', '[]', '"all"', '{"calls":1}', '{"":0}']) {
        const sub = `edge-${++player}`;
        const claims = `{"sub":"${sub}","aud":"redoubt","tenant":"alpha","exp":4000000000,"limits":${limits}}`;
        const secret = stage.keys.secret_of('alpha');
        const token = hs256_of_text(claims, secret, { alg: 'HS256', kid: 'alpha' });
        await sent(`claims ${limits}`, bearer(token));
        const session = await stage.post('/api/session', `{"sub":"s${sub}","limits":${limits}}`, {
          Authorization: `Bearer ${stage.service_secret}`,
        });
        if (session.status !== 200) statuses.push(session.status);
        else {
          await sent(`session ${limits}`, { Authorization: `Bearer ${session.json().token}` });
        }
      }
      const odd = statuses.filter((status) => ![200, 400, 401, 402, 429].includes(status));
      return {
        held: over.length === 0 && odd.length === 0,
        seen: `${over.length} lift a limit ${over.slice(0, 3).join(' ')}; ${shown(counted(statuses))}`,
      };
    },
  },
  {
    name: "zero and another's answer",
    tried:
      'each of the five limits 0, and a kept answer asked for, whole and as a stream; then one that is under way',
    expected: 'nobody is told the answer',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, { REDOUBT_MODELS_CACHE_ENABLED: 'true' });
      const use = { 'X-Redoubt-Cache': 'use' };
      const rich = { ...stage.as('alpha', 'rich'), ...use };
      const statuses = [];
      const told = [];
      const ask = async (name, what, more) => {
        const headers = { ...stage.as('alpha', `poor-${name}`, { limits: { [name]: 0 } }), ...use };
        const { status } = await stage.chat(headers, more);
        statuses.push(status);
        if (status === 200) told.push(`${name}, ${what}`);
      };
      await stage.chat(rich);
      for (const name of names) {
        await ask(name, 'kept', {});
        await ask(name, 'kept, as a stream', { stream: true });
      }
      const other = await stage.chat({ ...stage.as('alpha', 'other'), ...use });
      const kept = other.status === 200 && provider.calls.length === 1;
      provider.mode = 'hold';
      provider.forget();
      const leaving = new AbortController();
      const held = fetch(`${stage.relay.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...rich },
        body: JSON.stringify(chat({ max_tokens: 77 })),
        signal: leaving.signal,
      }).catch(() => {});
      await until('the call', () => provider.calls.length > 0);
      for (const name of names) await ask(name, 'under way', { max_tokens: 77 });
      leaving.abort();
      await held;
      return {
        held: told.length === 0 && kept,
        seen: `${told.join('; ') || 'all refused'}, ${kept ? 'kept for others' : 'NOT KEPT'} (${shown(counted(statuses))})`,
      };
    },
  },
  {
    name: 'zero in the settings',
    tried: 'each of the five limits of anonymous callers and of players set to 0',
    expected: 'no call reaches the provider',
    async run(stage) {
      const provider = await stage.greedy();
      const settings = [
        'REQUESTS_PER_MINUTE',
        'TOKENS_PER_MINUTE',
        'CONCURRENT_MAX',
        'DAY_MICROUSD',
        'MONTH_MICROUSD',
      ];
      const passed = [];
      for (const setting of settings) {
        const env = {
          REDOUBT_LISTENERS_0_ANONYMOUS: 'on',
          [`REDOUBT_MODELS_ANONYMOUS_${setting}`]: '0',
          [`REDOUBT_MODELS_PLAYER_${setting}`]: '0',
        };
        await stage.start(provider, env);
        await stage.chat({});
        await stage.chat(stage.as('alpha', 'player'));
        if (provider.calls.length > 0) passed.push(`${setting}: ${provider.calls.length}`);
        provider.forget();
      }
      return { held: passed.length === 0, seen: passed.join(', ') || 'all five are nothing' };
    },
  },
];
