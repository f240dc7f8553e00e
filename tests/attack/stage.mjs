// What an attack stands on: a relay of its own, its providers, tokens of two games, and a witness
// that watches the relay's health and memory meanwhile. `finish()` ends the relay in the middle of
// whatever the attack has left open, and gives the figures.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start_mock, start_relay, until } from '../relay/mock_upstream.mjs';
import { ask, post_json } from '../relay/program.mjs';
import { bearer, hs256, soon } from '../relay/signed_token.mjs';
import { start_greedy_provider } from './greedy_provider.mjs';
import { memory_of, start_witness } from './witness.mjs';

export const drain_timeout_s = 1;
/** Longer than any promise, so that a relay that does not end is told from a slow machine. */
const end_ms_max = 15_000;
const everything = 'game models workflow:run workflow:author';

/** Names of models that the relay serves in every attack. */
export const aliases = {
  strategist: ['openai/gpt-5-mini'],
  mini: ['openai/gpt-5-mini'],
  haiku: ['anthropic/claude-haiku-4-5'],
  lite: ['google/gemini-2.5-flash-lite'],
  responses: ['responses/gpt-5-mini'],
};

/** Keys: of games, `alpha` for one tenant, `beta` for two, `plain` for none; and of operators. */
function make_keys() {
  const make = (kid, more) => ({
    kid,
    secret: randomBytes(32),
    more: { scope: everything, ...more },
  });
  const keys = [
    make('plain', {}),
    make('alpha', { tenant: 'alpha' }),
    make('beta', { tenant: ['beta', 'gamma'] }),
    make('operators', { scope: 'operator:read operator:write' }),
  ];
  const jwk = ({ kid, secret, more }) => ({
    kty: 'oct',
    alg: 'HS256',
    kid,
    k: secret.toString('base64url'),
    ...more,
  });
  return {
    secret_of: (kid) => keys.find((key) => key.kid === kid).secret,
    file: JSON.stringify({ keys: keys.map(jwk) }),
  };
}

/** A stage; `idle_url` is the idle program that the witness compares with. */
export function make_stage(idle_url) {
  const folder = mkdtempSync(join(tmpdir(), 'redoubt-attack-'));
  const at = (name) => join(folder, name);
  const keys = make_keys();
  const service_secret = randomBytes(32).toString('base64');
  writeFileSync(at('tokens.jwks'), keys.file, { mode: 0o600 });
  writeFileSync(at('service'), service_secret, { mode: 0o600 });
  const stage = { folder, at, keys, service_secret, relay: null };
  const cleanups = [];
  const figures = { rss_bytes: 0, health_ms: 0, admin_ms: 0, end_ms: 0, samples: 0 };
  let witness = null;
  let idle_memory = null;
  let environment = null;
  let finished = false;

  /** Done after the relay was told to end, so that it ends in the middle of it. */
  stage.later = (cleanup) => cleanups.push(cleanup);

  stage.greedy = async (options) => {
    const provider = await start_greedy_provider(options);
    stage.later(() => provider.stop());
    return provider;
  };
  stage.mock = async (args) => {
    const mock = await start_mock(args);
    stage.later(() => mock.stop());
    return mock;
  };

  /** Bytes over the idle relay. */
  stage.memory = () => memory_of(stage.relay.child.pid).now - idle_memory.now;

  async function watch() {
    idle_memory = memory_of(stage.relay.child.pid);
    witness = start_witness({
      health: `${stage.relay.url}/healthz`,
      admin: `${stage.relay.admin}/healthz`,
      idle: idle_url,
      pid: stage.relay.child.pid,
    });
    await witness.ready;
  }
  async function watched() {
    if (!witness) return;
    const seen = await witness.stop();
    witness = null;
    const peak = memory_of(stage.relay.child.pid).peak;
    const most = peak > idle_memory.peak ? peak : seen.rss_bytes;
    figures.rss_bytes = Math.max(figures.rss_bytes, most - idle_memory.now);
    for (const name of ['health_ms', 'admin_ms'])
      figures[name] = Math.max(figures[name], seen[name]);
    figures.samples += seen.samples;
  }

  /**
   * Starts the relay before `provider` ({url}), by default with every key and no address limit; one
   * that runs already is ended.
   */
  stage.start = async (provider = { url: 'http://127.0.0.1:1' }, env = {}, names = aliases) => {
    if (stage.relay) {
      await watched();
      await stage.relay.stop();
    }
    environment = {
      REDOUBT_TOKENS_KEYS_FILE: at('tokens.jwks'),
      REDOUBT_TOKENS_SERVICE_SECRET_FILE: at('service'),
      REDOUBT_STORE_PATH: at('relay.db'),
      REDOUBT_SERVER_DRAIN_TIMEOUT_S: String(drain_timeout_s),
      REDOUBT_LIMITS_REFUSALS_BURST: '1000000',
      ...env,
    };
    stage.again = async () => {
      if (finished) throw new Error('the attack is over');
      stage.relay = await start_relay(provider, names, environment);
      const { child } = stage.relay;
      if (finished) child.kill('SIGKILL');
      // The first answers of each kind make what is made once.
      await ask(stage.relay, { path: '/healthz' });
      await ask(stage.relay, { path: '/v1/models', headers: stage.as('plain', 'warm') });
      await watch();
      return stage.relay;
    };
    return stage.again();
  };
  /** Ends the relay by `signal`, and starts it again on the same store. */
  stage.restart = async (signal = 'SIGTERM') => {
    await watched();
    await stage.relay.stop(signal);
    return stage.again();
  };

  /** A token signed by the key `kid`, as other games' servers make them. */
  stage.token = (kid, claims) => {
    const tenant = kid === 'alpha' || kid === 'beta' ? { tenant: kid } : {};
    const all = { aud: 'redoubt', exp: soon(), scope: everything, ...tenant, ...claims };
    return hs256(all, keys.secret_of(kid), { alg: 'HS256', kid });
  };
  stage.as = (kid, sub, claims = {}) => bearer(stage.token(kid, { sub, ...claims }));
  /** A session as a game's server gets it for its player: the whole answer. */
  stage.session = (body) => post_json(stage.relay, '/api/session', body, bearer(service_secret));
  stage.post = (path, body, headers) => post_json(stage.relay, path, body, headers);
  stage.get = (path, headers = {}, more = {}) => ask(stage.relay, { path, headers, ...more });
  stage.chat = (headers, more = {}) => stage.post('/v1/chat/completions', chat(more), headers);

  /** What the run `id` is when `found` holds for it. */
  stage.run_when = (id, headers, found) =>
    until(`the run ${id}`, async () => {
      const run = (await stage.get(`/api/workflows/runs/${id}`, headers)).json();
      return found(run) && run;
    });

  async function end_relay() {
    if (!stage.relay) return { code: 0 };
    await watched();
    const dead = await Promise.race([stage.relay.ended, new Promise((r) => setImmediate(r, null))]);
    if (dead) return { ...dead, early: true };
    const from = performance.now();
    const timer = setTimeout(() => stage.relay.child.kill('SIGKILL'), end_ms_max);
    const ended = await stage.relay.stop('SIGTERM');
    clearTimeout(timer);
    figures.end_ms = performance.now() - from;
    return ended;
  }
  /** Ends everything: {ended: {code, signal, early}, figures}. */
  stage.finish = async () => {
    const ended = await end_relay();
    finished = true;
    for (const cleanup of cleanups.reverse()) await cleanup();
    rmSync(folder, { recursive: true, force: true });
    return { ended, figures };
  };
  return stage;
}

/** A request for a chat; `more` goes over it. */
export const chat = (more = {}) => ({
  model: 'mini',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Where to?' }],
  ...more,
});

/** How often each value comes: {200: 3, 429: 1}. */
export function counted(values) {
  const counts = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
export const shown = (value) => JSON.stringify(value).replaceAll('"', '');
export const dollars = (microusd) => `$${(microusd / 1e6).toFixed(4)}`;
export { until };
