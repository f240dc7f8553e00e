// What is charged when the provider says less than it bills, and what survives a death.
import { engaged, ledger_of, spend } from '../purse.mjs';
import { connect_models } from '../sockets.mjs';
import { chat, dollars, shown, until } from '../stage.mjs';

const budget_microusd = 100_000;
const run_path = '/api/workflows/runs';
const later_calls = {
  name: 'later_calls',
  llms: { one: { model_name: 'haiku', max_tokens: 1000 } },
  workflow: [
    { wait: { for: '1s' } },
    ...Array.from({ length: 6 }, (_, i) => ({
      id: `m${i}`,
      model: 'one',
      prompt: `Number ${i}?`,
      fallback: { emit: 'refused' },
    })),
  ],
  result: 'done',
};

// How a provider says after a 200 that it failed, before or after its first word.
const event = (data, name) => ({
  send: `${name ? `event: ${name}\n` : ''}data: ${JSON.stringify(data)}\n\n`,
});
const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
const outages = {
  responses: [
    event({ type: 'response.output_text.delta', output_index: 0, delta: 'So' }),
    event({
      type: 'response.failed',
      response: {
        id: 'resp_1',
        status: 'failed',
        error: { code: 'server_error', message: 'The server had an error.' },
        usage: null,
      },
    }),
  ],
  haiku: [event(overloaded, 'error')],
  mini: [event({ error: { message: 'The server is overloaded.', type: 'server_error' } })],
};

export const attacks = [
  {
    name: 'an outage',
    tried:
      'models that may think say after a 200 that they failed, in three formats: 8 calls of 8,000 tokens each',
    expected: 'less than a tenth of what one such answer costs is counted for each call',
    async run(stage) {
      const mock = await stage.mock();
      await stage.start(mock, { REDOUBT_MODELS_PLAYER_DAY_MICROUSD: String(10 * budget_microusd) });
      const head = { head: 200, headers: { 'content-type': 'text/event-stream' } };
      const answer_microusd = { responses: 16_000, haiku: 40_000, mini: 16_000 };
      const costs = {};
      for (const [model, events] of Object.entries(outages)) {
        await mock.script([{ do: [head, ...events] }]);
        const player = stage.as('alpha', model);
        const more = { model, max_tokens: 8_000, stream: true };
        if (model === 'haiku') more.reasoning_effort = 'low';
        for (let i = 0; i < 8; ++i) await stage.chat(player, more);
        costs[model] = await engaged(stage, player);
      }
      return {
        held: Object.entries(costs).every(
          ([model, cost]) => cost > 0 && cost < (8 * answer_microusd[model]) / 10,
        ),
        seen: Object.entries(costs)
          .map(([model, cost]) => `${model}: ${dollars(cost)}`)
          .join(', '),
      };
    },
  },
  {
    name: 'tokens that only the total tells',
    tried:
      "usage whose total is larger than input and output together: an OpenAI-like endpoint, Mistral's",
    expected: 'the ledger has the total',
    async run(stage) {
      const mock = await stage.mock();
      const usage = { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 21_100 };
      const answer = {
        id: 'x',
        object: 'chat.completion',
        choices: [
          { index: 0, message: { role: 'assistant', content: 'So.' }, finish_reason: 'stop' },
        ],
        usage,
      };
      await mock.script([{ do: [{ head: 200 }, { send: JSON.stringify(answer) }] }]);
      await stage.start(mock, {
        REDOUBT_PROVIDERS_0_DIALECT: 'openai',
        REDOUBT_PROVIDERS_4_NAME: 'mistral',
        REDOUBT_PROVIDERS_4_BASE_URL: `${mock.url}/v1`,
        REDOUBT_MODELS_DIRECT_TARGETS: 'true',
      });
      const costs = [];
      // 20,000 hidden tokens at $2 (output of gpt-5-mini) and $0.6 a million.
      for (const [model, least] of [
        ['openai/gpt-5-mini', 40_000],
        ['openai/gpt-4.1-mini', 32_000],
      ]) {
        const said = await stage.chat(stage.as('alpha', model), { model, max_tokens: 30_000 });
        costs.push([model, Number(said.headers['x-redoubt-cost-microusd']), least]);
      }
      return {
        held: costs.every(([, cost, least]) => cost >= least),
        seen: costs.map(([model, cost]) => `${model}: ${dollars(cost)}`).join(', '),
      };
    },
  },
  {
    name: "a token's limits after a restart",
    tried: 'a run whose token allows $0.01 waits; the relay is killed and started; the run goes on',
    expected: 'the provider bills at most $0.01',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, {});
      const mine = () => stage.as('alpha', 'runner', { limits: { cost_microusd_per_day: 10_000 } });
      const begun = await stage.post(run_path, { workflow: later_calls }, mine());
      const { id } = begun.json();
      await stage.restart('SIGKILL');
      // Its owner asks with a token of no limits, and so does not bring the old ones back.
      const other = stage.as('alpha', 'runner');
      await stage.run_when(id, other, (run) => run.status !== 'running');
      return {
        held: provider.billed_microusd <= 10_000,
        seen: `${provider.calls.length} calls, ${dollars(provider.billed_microusd)}`,
      };
    },
  },
  {
    name: 'killed in the middle of calls',
    tried: 'four times: 24 calls at once under a budget, SIGKILL while they are under way',
    expected: 'neither the provider nor the ledger has more than the budget',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, {
        REDOUBT_MODELS_PLAYER_DAY_MICROUSD: String(budget_microusd),
      });
      const player = () => stage.as('alpha', 'victim');
      for (let death = 0; death < 4; ++death) {
        provider.mode = death % 2 === 0 ? 'answer' : 'hold';
        const before = provider.calls.length;
        const calls = Array.from({ length: 24 }, () =>
          stage.chat(player(), { model: 'haiku', max_tokens: 1_000 }).catch(() => {}),
        );
        await Promise.race([
          Promise.all(calls),
          until('some calls', () => provider.calls.length >= before + 2),
        ]);
        await stage.restart('SIGKILL');
        await Promise.all(calls);
      }
      provider.mode = 'answer';
      const statuses = await spend(stage, provider, player(), {
        model: 'haiku',
        max_tokens: 1_000,
      });
      const charged = await ledger_of(stage, player());
      const billed = provider.billed_microusd;
      return {
        held: billed <= budget_microusd && charged <= budget_microusd,
        seen: `${dollars(billed)} billed, ${dollars(charged)} in the ledger, of ${dollars(budget_microusd)}; last ${shown(statuses.at(-1))}`,
      };
    },
  },
  {
    name: 'killed with calls under way',
    tried: '6 calls have reached the provider; then SIGKILL, a start, and another',
    expected: 'the ledger has each call at what it held, once, and says so after another start too',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, { REDOUBT_MODELS_PLAYER_DAY_MICROUSD: String(budget_microusd) });
      const player = () => stage.as('alpha', 'victim');
      const ask = () => stage.chat(player(), { model: 'haiku', max_tokens: 1_000 }).catch(() => {});
      await ask();
      provider.mode = 'hold';
      const calls = Array.from({ length: 6 }, ask);
      await until('the calls', () => provider.calls.length === 7);
      // What the relay says of the ledger is read behind everything that was to be written before.
      const before = await ledger_of(stage, player());
      const held = await engaged(stage, player());
      await stage.restart('SIGKILL');
      await Promise.all(calls);
      const after = await ledger_of(stage, player());
      await stage.restart('SIGTERM');
      const again = await ledger_of(stage, player());
      const billed = provider.billed_microusd;
      return {
        held: before < held && Math.abs(after - held) <= 7 && again === after && billed <= after,
        seen: `${dollars(billed)} billed, ${dollars(held)} of the budget; in the ledger ${dollars(before)} before, ${dollars(after)} after, ${dollars(again)} after another start`,
      };
    },
  },
  {
    name: 'a flood at once',
    tried: '200 calls at the same time by one player over HTTP and 40 over 5 sockets, $0.10',
    expected: 'the provider bills at most $0.10',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, {
        REDOUBT_MODELS_PLAYER_DAY_MICROUSD: String(budget_microusd),
        REDOUBT_MODELS_PLAYER_CONCURRENT_MAX: '1000',
        REDOUBT_SERVER_SHARDS: '2',
      });
      const player = stage.as('alpha', 'flood');
      const sockets = await Promise.all(
        Array.from({ length: 5 }, () => connect_models(stage.relay, player)),
      );
      const dear = chat({ model: 'haiku', max_tokens: 1_000 });
      await Promise.all([
        ...Array.from({ length: 200 }, () => stage.chat(player, dear)),
        ...sockets.flatMap((socket) =>
          Array.from({ length: 8 }, (_, i) => socket.call(`c${i}`, dear)),
        ),
      ]);
      sockets.forEach((socket) => socket.close());
      await spend(stage, provider, player, dear);
      const charged = await engaged(stage, player);
      const billed = provider.billed_microusd;
      return {
        held: billed <= charged && charged <= budget_microusd && billed > budget_microusd / 2,
        seen: `${dollars(billed)} billed, ${dollars(charged)} in the ledger`,
      };
    },
  },
];
