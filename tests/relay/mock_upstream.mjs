// Starts tools/mock-upstream, and a relay whose models it is; for the tests beside this file.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { kill_at_exit, start } from './program.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program =
  process.env.REDOUBT_MOCK_BINARY ??
  `${root}build/native-release/tools/mock-upstream/redoubt-mock-upstream`;
const patience_ms = 20_000;

/** {port, url, script(rules), calls(), forget(), stop()}. */
export async function start_mock(args = []) {
  const child = kill_at_exit(
    spawn(program, ['--port', '0', ...args], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  const port = Number(/listening on (\d+)/.exec(line)[1]);
  const scheme = args.includes('--certificate') ? 'https' : 'http';
  const url = `${scheme}://127.0.0.1:${port}`;
  const control = (path, options) => fetch(`${url}/_mock/${path}`, options);
  return {
    port,
    url,
    async script(rules) {
      const body = JSON.stringify({ rules });
      const answer = await control('script', { method: 'POST', body });
      if (!answer.ok) throw new Error(await answer.text());
    },
    calls: async () => (await control('calls')).json(),
    forget: () => control('calls', { method: 'DELETE' }),
    async stop() {
      child.kill();
      await once(child, 'close');
    },
  };
}

/** Asks until `found` gives something true: its value. */
export async function until(what, found) {
  const give_up = Date.now() + patience_ms;
  while (Date.now() < give_up) {
    const value = await found();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain for ${what}`);
}

/** A relay whose four providers are the mock; `aliases` is {name: [targets]}. */
export function start_relay(mock, aliases, env = {}) {
  const variables = {
    REDOUBT_PROVIDERS_0_NAME: 'openai',
    REDOUBT_PROVIDERS_0_BASE_URL: `${mock.url}/v1`,
    REDOUBT_PROVIDERS_1_NAME: 'anthropic',
    REDOUBT_PROVIDERS_1_BASE_URL: mock.url,
    REDOUBT_PROVIDERS_2_NAME: 'google',
    REDOUBT_PROVIDERS_2_DIALECT: 'gemini',
    REDOUBT_PROVIDERS_2_BASE_URL: `${mock.url}/v1beta`,
    REDOUBT_PROVIDERS_3_NAME: 'responses',
    REDOUBT_PROVIDERS_3_DIALECT: 'openai-responses',
    REDOUBT_PROVIDERS_3_BASE_URL: `${mock.url}/v1`,
    REDOUBT_LIMITS_REQUESTS_PER_MINUTE: 'none',
    // A test that has many calls open at a time says what bounds them.
    REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: 'none',
    REDOUBT_MODELS_ANONYMOUS_CONCURRENT_MAX: 'none',
    // Most targets of tests have names that no model has.
    REDOUBT_MODELS_UNKNOWN_OUTPUT_TOKENS_MAX: '4096',
    // A test that asks the same again wants to see another call.
    REDOUBT_MODELS_CACHE_ENABLED: 'false',
    ...env,
  };
  Object.entries(aliases).forEach(([name, targets], i) => {
    variables[`REDOUBT_ALIASES_${i}_NAME`] = name;
    variables[`REDOUBT_ALIASES_${i}_TARGETS`] = targets.join(',');
  });
  return start([], variables);
}

/** The parsed server-sent events of a text: [{event, data}]. */
export function events_of(text) {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const event = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      return { event, data: data === '[DONE]' ? data : JSON.parse(data) };
    });
}
