// One player's calls that never end: what is left for the others?
import { chat, shown, counted, until } from '../stage.mjs';

const json = { 'Content-Type': 'application/json' };
/** Calls that are held by the provider until the stage ends: their statuses where they got one. */
function hold(stage, headers, calls, more = {}) {
  const leaving = new AbortController();
  stage.later(() => leaving.abort());
  const statuses = [];
  for (let i = 0; i < calls; ++i) {
    fetch(`${stage.relay.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { ...json, ...headers },
      body: JSON.stringify(chat(more)),
      signal: leaving.signal,
    }).then(
      (answer) => statuses.push(answer.status),
      () => {},
    );
  }
  return statuses;
}

export const attacks = [
  {
    name: 'calls at a time without any setting',
    tried: 'a player, and a caller without a token, hold 40 calls each, with no limit configured',
    expected: '8 of each are under way, the rest is 429',
    async run(stage) {
      const provider = await stage.greedy();
      provider.mode = 'hold';
      await stage.start(provider, {
        REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: undefined,
        REDOUBT_MODELS_ANONYMOUS_CONCURRENT_MAX: undefined,
      });
      const seen = [];
      for (const [who, headers] of [
        ['player', stage.as('alpha', 'hog')],
        ['anonymous', {}],
      ]) {
        const statuses = hold(stage, headers, 40);
        await until('all calls', () => provider.calls.length + statuses.length === 40);
        seen.push([who, provider.calls.length, counted(statuses)]);
        provider.forget();
      }
      return { held: seen.every(([, calls]) => calls <= 8), seen: shown(seen) };
    },
  },
  {
    name: 'all places of a provider',
    tried: 'a player whose token allows 1000 calls holds 40 of a provider that takes 16 at a time',
    expected: "another tenant's player is answered",
    async run(stage) {
      const mock = await stage.mock();
      await mock.script([{ when: { model: 'gpt-5-mini', calls: [1, 41] }, do: [{ hold: true }] }]);
      await stage.start(
        mock,
        { REDOUBT_PROVIDERS_0_CONCURRENT_MAX: '16' },
        { mini: ['openai/gpt-5-mini'], other: ['openai/gpt-4.1-mini'] },
      );
      const limits = { concurrent_calls: 1000 };
      const statuses = hold(stage, stage.as('alpha', 'hog', { limits }), 40);
      await until('the calls', async () => {
        const calls = await mock.calls();
        return calls.length + statuses.length === 40;
      });
      const asked = stage.as('beta', 'neighbour');
      const leaving = new AbortController();
      stage.later(() => leaving.abort());
      const before = (await mock.calls()).length;
      const answer = stage.chat(asked, {}).then((a) => a.status);
      const admitted = await Promise.race([
        answer,
        until('its call', async () => (await mock.calls()).length > before).then(() => 'admitted'),
      ]);
      return {
        held: admitted === 'admitted' || admitted === 200,
        seen: `${before} held (${shown(counted(statuses))}), the neighbour: ${admitted}`,
      };
    },
  },
];
