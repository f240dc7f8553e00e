// A budget of $0.10: what makes the provider bill more than the relay has reserved?
import { calls_of, engaged, spend } from '../purse.mjs';
import { connect_models } from '../sockets.mjs';
import { chat, counted, dollars, shown, until } from '../stage.mjs';

const budget_microusd = 100_000;
const env = { REDOUBT_MODELS_PLAYER_DAY_MICROUSD: String(budget_microusd) };
const message = (more) => ({
  model: 'haiku',
  max_tokens: 100,
  messages: chat().messages,
  ...more,
});
const response = (more) => ({ model: 'responses', max_output_tokens: 100, input: 'On?', ...more });
const parts = (...content) => ({ messages: [{ role: 'user', content }] });
const parts_of = (text) => ({ messages: [{ role: 'user', content: text }] });
const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
const picture = 'https://example.org/picture.png';

/** Spends each request by a player of its own: what went over the budget, or did not add up. */
async function spend_each(stage, requests, settings = {}, budget = budget_microusd) {
  const provider = await stage.greedy();
  await stage.start(provider, {
    REDOUBT_MODELS_PLAYER_DAY_MICROUSD: String(budget),
    ...settings,
  });
  const over = [];
  const billed = [];
  const statuses = [];
  for (const [what, path, body] of requests) {
    const player = stage.as('alpha', `player ${what}`);
    statuses.push(...(await spend(stage, provider, player, body, path)));
    billed.push(provider.billed_microusd);
    if (provider.billed_microusd > budget)
      over.push(`${what}: ${dollars(provider.billed_microusd)}`);
    else if (provider.billed_microusd > (await engaged(stage, player)))
      over.push(`${what}: the ledger has less than the provider`);
    provider.forget();
  }
  return {
    held: over.length === 0,
    seen: `${over.join(', ') || `at most ${dollars(Math.max(...billed))} each`} (${shown(counted(statuses))})`,
  };
}

const chats = (more) => ['/v1/chat/completions', chat(more)];
const responses = (more) => ['/v1/responses', response(more)];
const messages = (more) => ['/v1/messages', message(more)];
const content = (part) => ({ input: [{ role: 'user', content: [part] }] });
const block = (part) => ({ messages: [{ role: 'user', content: [part] }] });

const references = [
  ['previous_response_id', ...responses({ previous_response_id: 'resp_1' })],
  ['conversation', ...responses({ conversation: 'conv_1' })],
  ['conversation object', ...responses({ conversation: { id: 'conv_1' } })],
  ['prompt', ...responses({ prompt: { id: 'pmpt_1', variables: {} } })],
  ['item reference', ...responses({ input: [{ type: 'item_reference', id: 'msg_1' }] })],
  ['item reference without type', ...responses({ input: [{ id: 'msg_1' }] })],
  ['file by id', ...responses(content({ type: 'input_file', file_id: 'file-1' }))],
  [
    'file by URL',
    ...responses(content({ type: 'input_file', file_url: 'https://example.org/a.pdf' })),
  ],
  [
    'image by id',
    ...responses(content({ type: 'input_image', file_id: 'file-1', detail: 'high' })),
  ],
  ['image by URL', ...responses(content({ type: 'input_image', image_url: picture }))],
  ['vector stores', ...responses({ tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] })],
  ['chat: file by id', ...chats(parts({ type: 'file', file: { file_id: 'file-1' } }))],
  ['chat: image by URL', ...chats(parts({ type: 'image_url', image_url: { url: picture } }))],
  [
    'chat: an answer kept as audio',
    ...chats({
      messages: [
        { role: 'assistant', audio: { id: 'audio_1' } },
        { role: 'user', content: 'On?' },
      ],
    }),
  ],
  [
    'messages: document by URL',
    ...messages(
      block({ type: 'document', source: { type: 'url', url: 'https://example.org/a.pdf' } }),
    ),
  ],
  [
    'messages: document by id',
    ...messages(block({ type: 'document', source: { type: 'file', file_id: 'file_1' } })),
  ],
  [
    'messages: image by URL',
    ...messages(block({ type: 'image', source: { type: 'url', url: picture } })),
  ],
  ['messages: container', ...messages({ container: 'container_1' })],
  [
    'a tool result that refers',
    ...messages({
      messages: [
        { role: 'user', content: 'On?' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'look', input: {} }] },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 't1',
              content: [{ type: 'document', source: { type: 'file', file_id: 'file_1' } }],
            },
          ],
        },
      ],
    }),
  ],
  [
    'image by URL to Gemini',
    ...chats({ model: 'lite', ...parts({ type: 'image_url', image_url: { url: picture } }) }),
  ],
  [
    'document by URL across formats',
    ...chats({ model: 'haiku', ...parts({ type: 'image_url', image_url: { url: picture } }) }),
  ],
];
const thoughts = [
  ['high effort to Claude', ...chats({ model: 'haiku', reasoning_effort: 'high' })],
  ['high effort to Gemini', ...chats({ model: 'lite', reasoning_effort: 'high' })],
  [
    'a budget over the limit',
    ...messages({ thinking: { type: 'enabled', budget_tokens: 60_000 } }),
  ],
  [
    'a budget to Gemini',
    ...messages({ model: 'lite', thinking: { type: 'enabled', budget_tokens: 60_000 } }),
  ],
  [
    'a budget to OpenAI',
    ...messages({ model: 'mini', thinking: { type: 'enabled', budget_tokens: 60_000 } }),
  ],
  [
    'adaptive thinking',
    ...messages({ thinking: { type: 'adaptive' }, output_config: { effort: 'max' } }),
  ],
  ['effort of Responses', ...responses({ reasoning: { effort: 'high' } })],
  [
    'effort of Responses to Claude',
    ...responses({ model: 'haiku', reasoning: { effort: 'high' } }),
  ],
  ["OpenRouter's budget", ...chats({ model: 'haiku', reasoning: { max_tokens: 60_000 } })],
];
const many = [
  ['n', ...chats({ n: 128 })],
  ['best_of', ...chats({ best_of: 20 })],
  ['no limit', '/v1/chat/completions', { model: 'mini', messages: chat().messages }],
  ['limit null', ...chats({ max_tokens: null })],
  ['limit 0', ...chats({ max_tokens: 0 })],
  ['both limits', ...chats({ max_tokens: 1, max_completion_tokens: 100_000 })],
  ['both limits, the other way', ...chats({ max_tokens: 100_000, max_completion_tokens: 1 })],
  ['a limit of another format', ...chats({ max_tokens: 1, max_output_tokens: 100_000 })],
  ['n to Gemini', ...chats({ model: 'lite', n: 8 })],
  [
    'candidates',
    ...chats({ model: 'lite', candidateCount: 8, generationConfig: { candidateCount: 8 } }),
  ],
  ['no limit to Gemini', '/v1/chat/completions', { model: 'lite', messages: chat().messages }],
  ['no limit of Responses', '/v1/responses', { model: 'responses', input: 'On?' }],
  ['prediction', ...chats({ prediction: { type: 'content', content: 'x'.repeat(20_000) } })],
  ['a limit of 2^53', ...chats({ max_tokens: 2 ** 53 })],
];

// With what else they reserve, so that calls go out at all.
const search_budget_microusd = 2_000_000;
const claude_search = (more) => ({ type: 'web_search_20250305', name: 'web_search', ...more });
const searches = [
  ['a web search', ...responses({ tools: [{ type: 'web_search' }] })],
  ['a dated web search', ...responses({ tools: [{ type: 'web_search_preview_2025_03_11' }] })],
  [
    'searches with a limit of all',
    ...responses({ tools: [{ type: 'web_search' }, { type: 'file_search' }], max_tool_calls: 3 }),
  ],
  [
    'a web search among the items',
    ...responses({
      input: [
        { role: 'user', content: 'On?' },
        { type: 'additional_tools', role: 'developer', tools: [{ type: 'web_search' }] },
      ],
    }),
  ],
  [
    'a web search in an item that nobody knows',
    ...responses({
      input: [
        { role: 'user', content: 'On?' },
        { type: 'kit', kit: [{ tools: [{ type: 'web_search' }, { type: 'file_search' }] }] },
      ],
    }),
  ],
  ['one search', ...messages({ tools: [claude_search({ max_uses: 1 })] })],
  ['ninety searches', ...messages({ tools: [claude_search({ max_uses: 90 })] })],
  ['searches without a limit', ...messages({ tools: [claude_search({})] })],
  [
    'two tools for searches',
    ...messages({
      tools: [claude_search({ max_uses: 40 }), claude_search({ name: 'other', max_uses: 40 })],
    }),
  ],
];

const long_text = 'a '.repeat(30_000);
const cached = (ttl) => ({
  messages: [
    {
      role: 'user',
      content: [{ type: 'text', text: long_text, cache_control: { type: 'ephemeral', ...ttl } }],
    },
  ],
});
const dearer = [
  ['written into the cache for an hour', ...messages(cached({ ttl: '1h' }))],
  ['written into the cache', ...messages(cached({}))],
  [
    'a system prompt for an hour',
    ...messages({
      system: [{ type: 'text', text: long_text, cache_control: { type: 'ephemeral', ttl: '1h' } }],
    }),
  ],
  ["an OpenAI client's mark", ...chats({ model: 'haiku', ...cached({ ttl: '1h' }) })],
  [
    'a mark at the top',
    ...messages({ cache_control: { type: 'ephemeral', ttl: '1h' }, ...parts_of(long_text) }),
  ],
  [
    "a tool's mark",
    ...messages({
      tools: [
        {
          name: 'f',
          description: long_text,
          input_schema: { type: 'object' },
          cache_control: { type: 'ephemeral', ttl: '1h' },
        },
      ],
    }),
  ],
  ['letters that are many tokens', ...messages(parts_of('\ufdfa'.repeat(3_000)))],
  [
    'names that are long',
    ...chats({
      model: 'haiku',
      messages: [{ role: 'user', name: 'n'.repeat(60_000), content: 'On?' }],
    }),
  ],
  [
    'a schema that is long',
    ...chats({
      model: 'haiku',
      response_format: {
        type: 'json_schema',
        json_schema: { name: 's', schema: { type: 'object', description: long_text } },
      },
    }),
  ],
];

export const attacks = [
  {
    name: 'what lies at the provider',
    tried: `${references.length} ways to refer to conversations, prompts, files, documents and images`,
    expected: `the provider bills each player at most ${dollars(budget_microusd)}, the ledger no less`,
    run: (stage) => spend_each(stage, references),
  },
  {
    name: 'what an operator lets through',
    tried: 'the same with models.pass_through opening all of each format',
    expected: `the provider bills each player at most ${dollars(budget_microusd)}, the ledger no less`,
    run: (stage) =>
      spend_each(stage, [...references, ...many], {
        REDOUBT_MODELS_PASS_THROUGH: 'openai:*,openai-responses:*,anthropic:*',
      }),
  },
  {
    name: 'tools that are paid by the use',
    tried: `${searches.length} requests for the provider's own searches, which an operator lets through`,
    expected: `the provider bills each player at most ${dollars(search_budget_microusd)}, the ledger no less, and some are answered`,
    async run(stage) {
      const spent = await spend_each(
        stage,
        searches,
        { REDOUBT_MODELS_PASS_THROUGH: 'openai-responses:*,anthropic:*' },
        search_budget_microusd,
      );
      return { ...spent, held: spent.held && /\b200\b/.test(spent.seen) };
    },
  },
  {
    name: 'what is dearer than it looks',
    tried: `${dearer.length} requests whose input is priced or counted at more than its text`,
    expected: `the provider bills each player at most ${dollars(budget_microusd)}, the ledger no less`,
    run: (stage) => spend_each(stage, dearer),
  },
  {
    name: 'a long prompt',
    tried: '280,000 tokens where the price is doubled above 272,000, with $1',
    expected: 'the provider bills at most $1',
    async run(stage) {
      const provider = await stage.greedy();
      const budget = 1_000_000;
      await stage.start(
        provider,
        { REDOUBT_MODELS_PLAYER_DAY_MICROUSD: String(budget) },
        { long: ['openai/gpt-5.4'] },
      );
      const content = 'a '.repeat(140_000);
      const player = stage.as('alpha', 'player');
      const statuses = await spend(stage, provider, player, {
        model: 'long',
        messages: [{ role: 'user', content }],
      });
      return {
        held: provider.billed_microusd <= budget,
        seen: `${dollars(provider.billed_microusd)} (${shown(counted(statuses))})`,
      };
    },
  },
  {
    name: 'hidden thinking',
    tried: `${thoughts.length} ways to ask for thoughts above the answer's limit`,
    expected: `the provider bills each player at most ${dollars(budget_microusd)}, the ledger no less`,
    run: (stage) => spend_each(stage, thoughts),
  },
  {
    name: 'many answers and no limit',
    tried: `${many.length} requests for several answers, for two limits, or for none`,
    expected: `the provider bills each player at most ${dollars(budget_microusd)}, the ledger no less`,
    run: (stage) => spend_each(stage, many),
  },
  ...['whole calls', 'streams before their first byte'].map((what) => ({
    name: `leaving ${what}`,
    tried: 'a client asks for 8,000 tokens, and leaves as soon as the provider has the call',
    expected: `the provider, which goes on, bills at most ${dollars(budget_microusd)}`,
    async run(stage) {
      const provider = await stage.greedy();
      provider.mode = 'hold';
      await stage.start(provider, env);
      const headers = { 'Content-Type': 'application/json', ...stage.as('alpha', 'leaver') };
      const body = JSON.stringify(
        chat({ model: 'haiku', max_tokens: 8_000, stream: what !== 'whole calls' }),
      );
      let refused = 0;
      for (let i = 0; i < 12 && refused < 2; ++i) {
        const before = provider.calls.length;
        const leaving = new AbortController();
        const call = fetch(`${stage.relay.url}/v1/chat/completions`, {
          method: 'POST',
          headers,
          body,
          signal: leaving.signal,
        }).then(
          (answer) => answer.status,
          () => 'left',
        );
        const first = await Promise.race([
          call,
          until('the call', () => provider.calls.length > before).then(() => 'arrived'),
        ]);
        if (first !== 'arrived') ++refused;
        leaving.abort();
        await call;
      }
      await until(
        'the ledger',
        async () => (await calls_of(stage, headers)) === provider.calls.length,
      );
      const charged = await engaged(stage, headers);
      return {
        held: provider.billed_microusd <= budget_microusd && charged >= provider.billed_microusd,
        seen: `${provider.calls.length} calls left, ${dollars(provider.billed_microusd)} billed, ${dollars(charged)} in the ledger`,
      };
    },
  })),
  {
    name: 'leaving by other doors',
    tried:
      'streams of /v1/ws are cancelled, sockets dropped, runs cancelled and deleted once the provider has their calls of 8,000 tokens',
    expected: `the provider, which goes on, bills each player at most ${dollars(budget_microusd)}`,
    async run(stage) {
      const provider = await stage.greedy();
      provider.mode = 'hold';
      await stage.start(provider, { ...env, REDOUBT_MODELS_STREAM_HOLD_S: '1' });
      const prompt_of = (what) => `On, by ${what}?`;
      const called = (what) =>
        provider.calls.filter(({ body }) => JSON.stringify(body).includes(prompt_of(what)));
      const runs = '/api/workflows/runs';
      const begin_stream = async (player, what) => {
        const socket = await connect_models(stage.relay, player);
        const messages = [{ role: 'user', content: prompt_of(what) }];
        const request = chat({ model: 'haiku', max_tokens: 8_000, messages });
        socket.send({ type: 'call', id: 'a', format: 'openai.chat', request });
        return socket;
      };
      const begin_run = async (player, what) => {
        const workflow = {
          name: 'long',
          llms: { one: { model_name: 'haiku', max_tokens: 8_000 } },
          workflow: [{ id: 'x', model: 'one', prompt: prompt_of(what) }],
          result: 'done',
        };
        return `${runs}/${(await stage.post(runs, { workflow }, player)).json().id}`;
      };
      // How each begins a call, and how it leaves it.
      const ways = {
        'cancel of a stream': [
          begin_stream,
          async (player, socket) => {
            socket.send({ type: 'cancel', id: 'a' });
            await pause(50);
            socket.close();
          },
        ],
        'a dropped socket': [
          begin_stream,
          async (player, socket) => {
            socket.close();
            await pause(1_200);
          },
        ],
        'cancel of a run': [
          begin_run,
          (player, path) => stage.post(`${path}/cancel`, { reason: 'x' }, player),
        ],
        'a deleted run': [
          begin_run,
          (player, path) => stage.get(path, player, { method: 'DELETE' }),
        ],
      };
      const billed = await Promise.all(
        Object.entries(ways).map(async ([what, [begin, leave]]) => {
          const player = stage.as('alpha', what);
          for (let i = 0; i < 5; ++i) {
            const before = called(what).length;
            const call = await begin(player, what);
            // A call that is refused never comes.
            for (let wait = 0; wait < 40 && called(what).length === before; ++wait) await pause(10);
            await leave(player, call);
            await pause(100);
          }
          return [what, called(what).reduce((sum, one) => sum + one.billed_microusd, 0)];
        }),
      );
      const over = billed.filter(([, microusd]) => microusd > budget_microusd);
      return {
        held: over.length === 0 && billed.every(([, microusd]) => microusd > 0),
        seen: billed.map(([what, microusd]) => `${what}: ${dollars(microusd)}`).join(', '),
      };
    },
  },
];
