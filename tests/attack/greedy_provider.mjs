// A provider that takes everything it is allowed: a byte of text is a token, what a request refers to
// is as long as the model's context, the answer is as long as the request permits, what may be written
// into a cache is, and a client's leaving stops nothing. What it bills is the most that a budget has to
// answer for.
import http from 'node:http';

/**
 * By model: dollars a million tokens (input, output), the longest prompt and the longest answer. They
 * are the providers' public prices of November 2026 (engine/llm/models.json has their sources).
 */
export const greedy_models = {
  'claude-haiku-4-5': { input: 1, output: 5, context: 200_000, longest: 64_000 },
  'gpt-4.1-mini': { input: 0.4, output: 1.6, context: 1_047_576, longest: 32_768 },
  'gpt-5-mini': { input: 0.25, output: 2, context: 272_000, longest: 128_000 },
  'gpt-5.4': {
    input: 2.5,
    output: 15,
    context: 1_050_000,
    longest: 128_000,
    above: { input_tokens: 272_000, input: 5, output: 22.5 },
  },
  'gemini-2.5-flash-lite': { input: 0.1, output: 0.4, context: 1_048_576, longest: 65_536 },
};
// What an inline picture is at most.
const picture_tokens = 1_600;
// Anthropic's factors of the input's price for what is written into its cache.
const cache_factors = { '5m': 1.25, '1h': 2 };

// Members and parts that stand for something that is not in the request.
const referring_members = new Set([
  'previous_response_id',
  'conversation',
  'prompt',
  'file_id',
  'file_ids',
  'file_url',
  'container',
  'cachedContent',
  'fileData',
  'file_data_id',
  'audio_id',
  'vector_store_ids',
  'mcp_servers',
]);
function refers_outside(value, name = '') {
  if (Array.isArray(value)) return value.some((entry) => refers_outside(entry, name));
  if (value === null || typeof value !== 'object') {
    return typeof value === 'string' && /^(url|image_url|uri)$/.test(name)
      ? /^https?:/.test(value)
      : false;
  }
  if (value.type === 'item_reference') return true;
  if (name === 'audio' && typeof value.id === 'string') return true;
  return Object.entries(value).some(
    ([key, inner]) =>
      (referring_members.has(key) && inner !== null && inner !== '') || refers_outside(inner, key),
  );
}

/** Bytes of all texts within a value. */
function text_bytes(value) {
  if (typeof value === 'string')
    return value.startsWith('data:') ? picture_tokens : Buffer.byteLength(value);
  if (value === null || typeof value !== 'object') return 0;
  return Object.values(value).reduce((sum, inner) => sum + text_bytes(inner), 0);
}

/** The dearest factor of the marks for a cache within a value; 1 where there is none. */
function cache_factor(value) {
  if (value === null || typeof value !== 'object') return 1;
  const own = value.cache_control ? (cache_factors[value.cache_control.ttl ?? '5m'] ?? 2) : 1;
  return Math.max(own, ...Object.values(value).map(cache_factor));
}

// Its own tools are used as often as the request lets them, and so often where it does not say;
// microdollars a use.
const unbounded_uses = 16;
const search_fees = { web_search: 10_000, file_search: 2_500 };
const search_type = /^(web_search|file_search)(_preview)?(_\d{8}|_\d{4}_\d{2}_\d{2})?$/;

/** Uses of each tool that a request allows, wherever the tool stands in it. */
function searches_allowed(body, format) {
  const uses = { web_search: 0, file_search: 0 };
  const look = (value) => {
    if (value === null || typeof value !== 'object') return;
    const name = search_type.exec(typeof value.type === 'string' ? value.type : '')?.[1];
    if (name) uses[name] += (format === 'messages' && value.max_uses) || unbounded_uses;
    Object.values(value).forEach(look);
  };
  look(body);
  let left = (format === 'responses' && body.max_tool_calls) || Number.POSITIVE_INFINITY;
  for (const name of Object.keys(uses)) {
    uses[name] = Math.min(uses[name], left);
    left -= uses[name];
  }
  return uses;
}

const largest = (...numbers) => Math.max(0, ...numbers.filter((n) => Number.isFinite(n)));

/** The most output tokens that a request of any of the four formats allows. */
function output_allowed(body, longest) {
  const gemini = body.generationConfig;
  if (gemini) {
    const limit = gemini.maxOutputTokens ?? longest;
    const thinking = gemini.thinkingConfig?.thinkingBudget ?? 0;
    return largest(limit, thinking > limit ? limit + thinking : 0) * (gemini.candidateCount ?? 1);
  }
  const limit = body.max_completion_tokens ?? body.max_output_tokens ?? body.max_tokens ?? longest;
  return limit * largest(body.n ?? 1, body.best_of ?? 1);
}

const text = 'So it goes.';
const writers = {
  chat: (used) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: {
      prompt_tokens: used.input,
      completion_tokens: used.output,
      total_tokens: used.input + used.output,
    },
  }),
  responses: (used) => ({
    id: 'resp_1',
    object: 'response',
    status: 'completed',
    output: [
      ...Object.entries(used.searches).flatMap(([name, uses]) =>
        Array.from({ length: uses }, (_, i) => ({
          type: `${name}_call`,
          id: `${name}_${i}`,
          status: 'completed',
        })),
      ),
      {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text, annotations: [] }],
      },
    ],
    usage: {
      input_tokens: used.input,
      output_tokens: used.output,
      total_tokens: used.input + used.output,
    },
  }),
  messages: (used) => ({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    usage: {
      input_tokens: used.factor > 1 ? 0 : used.input,
      cache_creation_input_tokens: used.factor > 1 ? used.input : 0,
      cache_creation: {
        ephemeral_5m_input_tokens: used.factor === cache_factors['5m'] ? used.input : 0,
        ephemeral_1h_input_tokens: used.factor === cache_factors['1h'] ? used.input : 0,
      },
      output_tokens: used.output,
      server_tool_use: { web_search_requests: used.searches.web_search },
    },
  }),
  gemini: (used) => ({
    candidates: [{ content: { role: 'model', parts: [{ text }] }, finishReason: 'STOP', index: 0 }],
    usageMetadata: {
      promptTokenCount: used.input,
      candidatesTokenCount: used.output,
      totalTokenCount: used.input + used.output,
    },
  }),
};
function format_of(path) {
  if (path.endsWith('/chat/completions')) return 'chat';
  if (path.endsWith('/responses')) return 'responses';
  return path.endsWith('/messages') ? 'messages' : 'gemini';
}

/**
 * {url, calls, billed_microusd, mode, forget(), stop()}. `calls` are {path, headers, body, model,
 * billed_microusd}. `mode` is `answer`, `hold`: nothing is ever answered, and all of it is billed,
 * or `begin`: a chat's stream begins and does not go on. `report(used)` may change what it says that
 * it used; `fault(body)` may give {status, text} to be answered with instead.
 */
export async function start_greedy_provider({ models = greedy_models } = {}) {
  const provider = {
    calls: [],
    billed_microusd: 0,
    mode: 'answer',
    report: (used) => used,
    fault: () => null,
  };
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const body = bytes.length > 0 ? JSON.parse(bytes) : {};
      const path = request.url.split('?')[0];
      const model = body.model ?? /models\/([^:]+)/.exec(path)?.[1] ?? '';
      const price = models[model] ?? { input: 100, output: 500, context: 1e6, longest: 1e5 };
      const output = output_allowed(body, price.longest);
      const input = refers_outside(body) ? price.context : text_bytes(body);
      const factor = path.endsWith('/messages') ? cache_factor(body) : 1;
      const rate = input > (price.above?.input_tokens ?? input) ? price.above : price;
      const searches = searches_allowed(body, format_of(path));
      const fees = Object.entries(searches).reduce(
        (sum, [name, uses]) => sum + uses * search_fees[name],
        0,
      );
      const billed = input * rate.input * factor + output * rate.output + fees;
      provider.billed_microusd += billed;
      const call = { path, headers: request.headers, body, model, billed_microusd: billed };
      provider.calls.push(call);
      if (provider.mode === 'hold') return;
      const fault = provider.fault(body);
      if (fault) {
        response.writeHead(fault.status, { 'Content-Type': 'application/json' });
        response.end(fault.text);
        return;
      }
      if (provider.mode === 'begin') {
        const delta = { index: 0, delta: { role: 'assistant', content: text } };
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        response.write(
          `data: ${JSON.stringify({ id: 'chatcmpl-1', model, choices: [delta] })}\n\n`,
        );
        return;
      }
      const answer = writers[format_of(path)](provider.report({ input, output, factor, searches }));
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ model, created: 1, created_at: 1, ...answer }));
    });
    request.on('error', () => {});
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  provider.url = `http://127.0.0.1:${server.address().port}`;
  provider.forget = () => {
    provider.calls.length = 0;
    provider.billed_microusd = 0;
  };
  provider.stop = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return provider;
}
