// What a client adds to its request rides on the operator's key: what of it reaches the provider?
import { chat, shown, counted } from '../stage.mjs';

const tool = (type, more = {}) => ({ tools: [{ type, ...more }] });
const function_tool = { type: 'function', function: { name: 'f', parameters: { type: 'object' } } };
const outside = 'https://example.org/mcp';

// What is tried by format: [what must not be in the provider's body, the members].
const to_chat = [
  ['service_tier', { service_tier: 'priority' }],
  ['"store":true', { store: true }],
  ['background', { background: true }],
  ['best_of', { best_of: 9 }],
  ['"models"', { models: ['openai/o3-pro'] }],
  ['"route"', { route: 'fallback' }],
  ['transforms', { transforms: ['middle-out'] }],
  ['plugins', { plugins: [{ id: 'web' }] }],
  ['"provider"', { provider: { order: ['dear'] } }],
  ['web_search', { web_search_options: {} }],
  ['web_search', tool('web_search')],
  ['mcp', tool('mcp', { server_label: 'x', server_url: outside })],
  ['prediction', { prediction: { type: 'content', content: 'x' } }],
  [
    'file-1',
    { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }] },
  ],
  [
    'audio_1',
    {
      messages: [
        { role: 'assistant', audio: { id: 'audio_1' } },
        { role: 'user', content: 'On?' },
      ],
    },
  ],
  ['modalities', { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } }],
  ['extra_body', { extra_body: { service_tier: 'priority' } }],
  ['extra_headers', { extra_headers: { 'X-Key': '1' } }],
  ['previous_response_id', { previous_response_id: 'resp_1' }],
  ['conversation', { conversation: 'conv_1' }],
  ['"unheard_of"', { unheard_of: { of: 'anything' } }],
  ['"Service_Tier"', { Service_Tier: 'priority' }],
  ['mcp', { tools: [function_tool, { type: 'mcp', server_url: outside }] }],
  ['outside', { tools: [{ ...function_tool, server_url: 'outside' }] }],
  ['num_ctx', { options: { num_ctx: 1_000_000 } }],
];
const to_responses = [
  ['service_tier', { service_tier: 'flex' }],
  ['background', { background: true }],
  ['"store":true', { store: true }],
  ['resp_1', { previous_response_id: 'resp_1' }],
  ['conv_1', { conversation: 'conv_1' }],
  ['pmpt_1', { prompt: { id: 'pmpt_1' } }],
  ['web_search', tool('web_search')],
  ['web_search', tool('web_search_preview')],
  ['file_search', tool('file_search', { vector_store_ids: ['vs_1'] })],
  ['code_interpreter', tool('code_interpreter', { container: { type: 'auto' } })],
  ['image_generation', tool('image_generation')],
  ['computer', tool('computer_use_preview')],
  ['mcp', tool('mcp', { server_label: 'x', server_url: outside, require_approval: 'never' })],
  ['mcp', tool('MCP', { server_url: outside })],
  ['item_reference', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
  ['file-1', { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file-1' }] }] }],
  [
    'mcp_call',
    {
      input: [
        { type: 'mcp_call', id: 'mcp_1', name: 'x', arguments: '{}' },
        { role: 'user', content: 'On?' },
      ],
    },
  ],
  ['"unheard_of"', { unheard_of: 1 }],
];
const to_messages = [
  ['mcp', { mcp_servers: [{ type: 'url', url: outside, name: 'x' }] }],
  ['container', { container: 'container_1' }],
  ['web_search', tool('web_search_20250305', { name: 'web_search' })],
  ['web_fetch', tool('web_fetch_20250910', { name: 'web_fetch' })],
  ['code_execution', tool('code_execution_20250825', { name: 'code_execution' })],
  ['mcp_toolset', tool('mcp_toolset', { mcp_server_name: 'x' })],
  ['skills', { container: { skills: [{ type: 'anthropic', skill_id: 'pptx' }] } }],
  ['inference_geo', { inference_geo: 'us' }],
  ['speed', { speed: 'fast' }],
  ['"unheard_of"', { unheard_of: 1 }],
  [
    'file_1',
    {
      messages: [
        {
          role: 'user',
          content: [{ type: 'document', source: { type: 'file', file_id: 'file_1' } }],
        },
      ],
    },
  ],
  [
    'container_upload',
    { messages: [{ role: 'user', content: [{ type: 'container_upload', file_id: 'file_1' }] }] },
  ],
  ['betas', { betas: ['fast-mode-2026-02-01'] }],
];
// Across formats: to Gemini and Claude from OpenAI's form.
const to_others = [
  [
    'lite',
    'cachedContent',
    { cachedContent: 'cachedContents/1', extra_body: { google: { cached_content: 'x' } } },
  ],
  ['lite', 'googleSearch', { tools: [{ googleSearch: {} }, { google_search: {} }] }],
  ['lite', 'codeExecution', { tools: [{ codeExecution: {} }] }],
  ['haiku', 'mcp_servers', { mcp_servers: [{ type: 'url', url: outside }] }],
  ['haiku', 'service_tier', { service_tier: 'priority' }],
];

function cases() {
  const of = (path, base, list) =>
    list.map(([banned, more]) => ({ path, banned, body: { ...base, ...more }, more }));
  const responses = { model: 'responses', max_output_tokens: 100, input: 'On?' };
  const messages = { ...chat(), model: 'haiku' };
  return [
    ...of('/v1/chat/completions', chat(), to_chat),
    ...of('/v1/responses', responses, to_responses),
    ...of('/v1/messages', messages, to_messages),
    ...to_others.flatMap(([model, banned, more]) =>
      of('/v1/chat/completions', chat({ model }), [[banned, more]]),
    ),
  ];
}

const text_of = (call) => JSON.stringify(call.body);

export const attacks = [
  {
    name: 'members, tools and parts',
    tried: `${cases().length} members, tool types and parts that are stateful, priced apart or another's`,
    expected: 'each is refused with 400, or does not reach the provider',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, {});
      const player = stage.as('alpha', 'player');
      const through = [];
      const statuses = [];
      for (const { path, banned, body, more } of cases()) {
        for (const stream of [false, true]) {
          const answer = await stage.post(path, { ...body, stream }, player);
          statuses.push(answer.status);
          if (provider.calls.some((call) => text_of(call).includes(banned)))
            through.push(JSON.stringify(more).slice(0, 40));
          provider.forget();
        }
      }
      const unique = [...new Set(through)];
      return {
        held: unique.length === 0,
        seen: `${unique.length} pass ${unique.slice(0, 12).join(' ')} (${shown(counted(statuses))})`,
      };
    },
  },
  {
    name: 'nothing is kept at the provider',
    tried: 'plain chats and responses, and ones with store: true, store: null and metadata',
    expected: 'store: false in each body of Responses, which keeps by default; store: true in none',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, {});
      const player = stage.as('alpha', 'player');
      for (const more of [{}, { store: null }, { store: true }, { metadata: { a: 'b' } }]) {
        await stage.chat(player, more);
        const body = { model: 'responses', max_output_tokens: 100, input: 'On?', ...more };
        await stage.post('/v1/responses', body, player);
      }
      const stored = provider.calls.filter(({ path, body }) =>
        path.endsWith('/responses') ? body.store !== false : body.store === true,
      );
      return {
        held: provider.calls.length >= 4 && stored.length === 0,
        seen: `${stored.length} of ${provider.calls.length} bodies may be kept`,
      };
    },
  },
  {
    name: 'headers',
    tried:
      'OpenAI-Organization, OpenAI-Project, anthropic-beta, X-Goog-User-Project, Cookie and more',
    expected: 'none of them reaches the provider',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, {});
      const names = [
        'openai-organization',
        'openai-project',
        'openai-beta',
        'anthropic-beta',
        'x-goog-user-project',
        'x-goog-api-key',
        'x-api-client',
        'cookie',
        'http-referer',
        'x-title',
        'idempotency-key',
        'x-stainless-lang',
      ];
      const planted = Object.fromEntries(names.map((name) => [name, 'planted-value']));
      for (const model of ['mini', 'haiku', 'lite'])
        await stage.chat({ ...stage.as('alpha', 'player'), ...planted }, { model });
      const through = provider.calls.flatMap(({ headers }) =>
        Object.entries(headers)
          .filter(([, value]) => String(value).includes('planted'))
          .map(([name]) => name),
      );
      return {
        held: provider.calls.length === 3 && through.length === 0,
        seen: `${through.join(' ') || 'none'} of ${names.length}, ${provider.calls.length} calls`,
      };
    },
  },
  {
    name: "settings of a workflow's model",
    tried:
      'a workflow with service_tier, store, mcp, web_search and headers beside model_name, and a provider of its own',
    expected: 'refused with 400, or none of them reaches the provider',
    async run(stage) {
      const provider = await stage.greedy();
      const other = await stage.greedy();
      await stage.start(provider);
      const author = stage.as('alpha', 'author');
      const banned = {
        service_tier: 'priority',
        store: true,
        background: true,
        base_url: `${other.url}/v1`,
        api_key: 'sk-mine',
        extra_body: { service_tier: 'priority' },
        extra_headers: { 'X-Mine': '1' },
        tools: [{ type: 'web_search' }],
        mcp_servers: [{ type: 'url', url: outside }],
        n: 100,
      };
      const through = [];
      const statuses = [];
      for (const [name, value] of Object.entries(banned)) {
        const llms = { one: { _type: 'openai', model_name: 'mini', [name]: value } };
        const workflow = {
          name: 'w',
          llms,
          workflow: [{ id: 'x', model: 'one', prompt: 'On?', fallback: { emit: 'x' } }],
          result: 1,
        };
        const begun = await stage.post('/api/workflows/runs', { workflow }, author);
        statuses.push(begun.status);
        if (begun.status === 201)
          await stage.run_when(begun.json().id, author, (run) => run.status !== 'running');
        const text = JSON.stringify(provider.calls.map(({ body, headers }) => [body, headers]));
        const reached = text.includes(`"${name}"`);
        if (reached || other.calls.length > 0) through.push(name);
        provider.forget();
      }
      return {
        held: through.length === 0,
        seen: `${through.join(' ') || 'none'} (${shown(counted(statuses))})`,
      };
    },
  },
];
