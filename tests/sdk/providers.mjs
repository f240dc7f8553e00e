// The providers of the matrix: what each answers when its model thinks and calls a tool twice, whole
// and streamed, how it refuses, and what it wants back with the tool's results. Written from the
// providers' documentation, apart from the relay's codecs.

export const thought = 'The bridge is weak.';
export const tiles = [7, 8];
const signature = 'c2lnbmF0dXJlLW9mLXRoZS1tb2RlbA==';
const redacted = 'cmVkYWN0ZWQtdGhvdWdodA==';
const call_ids = ['call00001', 'call00002'];

const named = (events) =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
const unnamed = (chunks) => chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('');
const halves = (text) => [text.slice(0, text.length / 2), text.slice(text.length / 2)];

// What a request brings back is one of these, or a sentence that says what its provider refuses.
export const kept = 'kept';
export const lost = 'lost';

// --- Anthropic messages ---------------------------------------------------------------------------

const claude_blocks = [
  { type: 'thinking', thinking: thought, signature },
  { type: 'redacted_thinking', data: redacted },
  ...tiles.map((to, i) => ({ type: 'tool_use', id: call_ids[i], name: 'move', input: { to } })),
];
const claude_usage = {
  input_tokens: 11,
  output_tokens: 9,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
};
const claude_message = (content, stop_reason) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude',
  content,
  stop_reason,
  stop_sequence: null,
  usage: claude_usage,
});

function claude_events() {
  const events = [{ type: 'message_start', message: claude_message([], null) }];
  claude_blocks.forEach((block, index) => {
    const delta = (value) => events.push({ type: 'content_block_delta', index, delta: value });
    const begun = {
      thinking: { ...block, thinking: '', signature: '' },
      tool_use: { ...block, input: {} },
    };
    const content_block = begun[block.type] ?? block;
    events.push({ type: 'content_block_start', index, content_block });
    if (block.type === 'thinking') {
      for (const thinking of halves(thought)) delta({ type: 'thinking_delta', thinking });
      delta({ type: 'signature_delta', signature });
    }
    if (block.type === 'tool_use') {
      for (const partial_json of halves(JSON.stringify(block.input))) {
        delta({ type: 'input_json_delta', partial_json });
      }
    }
    events.push({ type: 'content_block_stop', index });
  });
  const delta = { stop_reason: 'tool_use', stop_sequence: null };
  events.push({ type: 'message_delta', delta, usage: { output_tokens: 9 } });
  events.push({ type: 'message_stop' });
  return named(events);
}

function claude_wants({ messages, thinking }) {
  const at = messages.findLastIndex(({ role }) => role === 'assistant');
  const blocks = messages[at].content;
  const results = messages[at + 1].content.filter(({ type }) => type === 'tool_result');
  if (results.length !== 2) return `${results.length} tool_result blocks behind two calls`;
  if (results.some(({ tool_use_id }, i) => tool_use_id !== call_ids[i])) return 'ids of results';
  const thoughts = blocks.filter(({ type }) => type.endsWith('thinking'));
  if (thoughts.length === 0) {
    // https://platform.claude.com/docs/en/build-with-claude/extended-thinking
    if (thinking?.type === 'enabled') return 'thinking is on, and the turn begins with no thought';
    return lost;
  }
  const given = JSON.stringify(claude_blocks.slice(0, 2));
  return JSON.stringify(thoughts) === given
    ? kept
    : `thoughts have changed: ${JSON.stringify(thoughts)}`;
}

const claude_error = (status, type) => ({
  status,
  body: {
    type: 'error',
    error: { type, message: 'The request is at fault.' },
    request_id: 'req_1',
  },
});

// --- OpenAI Responses -----------------------------------------------------------------------------

const reasoning_item = {
  type: 'reasoning',
  id: 'rs_1',
  summary: [{ type: 'summary_text', text: thought }],
  encrypted_content: signature,
};
const gpt_items = [
  reasoning_item,
  ...tiles.map((to, i) => ({
    type: 'function_call',
    id: `fc_${i}`,
    call_id: call_ids[i],
    name: 'move',
    arguments: JSON.stringify({ to }),
    status: 'completed',
  })),
];
const gpt_response = (status, output) => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1_767_225_600,
  status,
  model: 'gpt',
  error: null,
  incomplete_details: null,
  output,
  parallel_tool_calls: true,
  tool_choice: 'auto',
  tools: [],
  usage: {
    input_tokens: 11,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 9,
    output_tokens_details: { reasoning_tokens: 4 },
    total_tokens: 20,
  },
});

function gpt_events() {
  const events = [];
  const emit = (type, more) =>
    events.push({ type: `response.${type}`, sequence_number: events.length, ...more });
  emit('created', { response: gpt_response('in_progress', []) });
  gpt_items.forEach((item, output_index) => {
    const of = { item_id: item.id, output_index };
    if (item.type === 'reasoning') {
      const { encrypted_content, ...begun } = item;
      emit('output_item.added', { output_index, item: { ...begun, summary: [] } });
      const part = { ...of, summary_index: 0 };
      const empty = { type: 'summary_text', text: '' };
      emit('reasoning_summary_part.added', { ...part, part: empty });
      for (const delta of halves(thought)) emit('reasoning_summary_text.delta', { ...part, delta });
      emit('reasoning_summary_text.done', { ...part, text: thought });
      emit('reasoning_summary_part.done', { ...part, part: item.summary[0] });
    } else {
      const begun = { ...item, arguments: '', status: 'in_progress' };
      emit('output_item.added', { output_index, item: begun });
      for (const delta of halves(item.arguments)) {
        emit('function_call_arguments.delta', { ...of, delta });
      }
      emit('function_call_arguments.done', { ...of, arguments: item.arguments });
    }
    emit('output_item.done', { output_index, item });
  });
  emit('completed', { response: gpt_response('completed', gpt_items) });
  return named(events);
}

function gpt_wants({ input }) {
  const calls = input.filter(({ type }) => type === 'function_call');
  const results = input.filter(({ type }) => type === 'function_call_output');
  if (calls.length !== 2 || results.length !== 2)
    return `${calls.length} calls, ${results.length} results`;
  if (results.some(({ call_id }, i) => call_id !== call_ids[i])) return 'ids of results';
  const thoughts = input.filter(({ type }) => type === 'reasoning');
  if (thoughts.length === 0) {
    const named = calls.some(({ id }) => id);
    return named ? "a call by its item's id without its required reasoning item" : lost;
  }
  const [{ encrypted_content, id, summary }] = thoughts;
  if (encrypted_content !== signature) return 'a reasoning item without its encrypted_content';
  if (input.indexOf(thoughts[0]) > input.indexOf(calls[0])) return 'reasoning behind its calls';
  if (thoughts.length > 1 || (id && id !== 'rs_1')) return 'reasoning has changed';
  return JSON.stringify(summary) === JSON.stringify(reasoning_item.summary)
    ? kept
    : 'the summary has changed';
}

// --- Gemini generateContent -----------------------------------------------------------------------

const gemini_parts = [
  { text: thought, thought: true },
  ...tiles.map((to, i) => ({
    functionCall: { id: call_ids[i], name: 'move', args: { to } },
    // The first of the calls made at a time is signed.
    ...(i === 0 && { thoughtSignature: signature }),
  })),
];
const gemini_answer = (parts, last) => ({
  candidates: [
    { content: { role: 'model', parts }, index: 0, ...(last && { finishReason: 'STOP' }) },
  ],
  modelVersion: 'gemini',
  responseId: 'r1',
  usageMetadata: {
    promptTokenCount: 11,
    candidatesTokenCount: 5,
    thoughtsTokenCount: 4,
    totalTokenCount: 20,
  },
});
const gemini_events = () =>
  unnamed(gemini_parts.map((part, i) => gemini_answer([part], i + 1 === gemini_parts.length)));

function gemini_wants({ contents }) {
  const at = contents.findLastIndex(({ role }) => role === 'model');
  const calls = contents[at].parts.filter(({ functionCall }) => functionCall);
  const results = contents[at + 1].parts.filter(({ functionResponse }) => functionResponse);
  if (calls.length !== 2 || results.length !== 2)
    return `${calls.length} calls, ${results.length} results`;
  if (results.some(({ functionResponse: { name } }) => name !== 'move')) return 'names of results';
  const [{ thoughtSignature }] = calls;
  // https://ai.google.dev/gemini-api/docs/thought-signatures
  if (thoughtSignature === 'skip_thought_signature_validator') return lost;
  return thoughtSignature === signature ? kept : 'the first call without its thoughtSignature';
}

// --- OpenAI chat, with the ways of thinking of those who speak it ---------------------------------

const chat_calls = tiles.map((to, i) => ({
  id: call_ids[i],
  type: 'function',
  function: { name: 'move', arguments: JSON.stringify({ to }) },
}));
const chat_usage = {
  prompt_tokens: 11,
  completion_tokens: 9,
  total_tokens: 20,
  completion_tokens_details: { reasoning_tokens: 4 },
};
const chat_head = { id: 'chatcmpl-1', created: 1_767_225_600, model: 'm' };
const chat_whole = (thinking) => ({
  ...chat_head,
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: null, tool_calls: chat_calls, ...thinking },
      finish_reason: 'tool_calls',
    },
  ],
  usage: chat_usage,
});
function chat_events(thinking) {
  const chunk = (delta, finish_reason = null) => ({
    ...chat_head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason }],
  });
  const calls = chat_calls.flatMap((call, index) => {
    const [first, second] = halves(call.function.arguments);
    const begun = { ...call, index, function: { ...call.function, arguments: first } };
    return [begun, { index, function: { arguments: second } }];
  });
  const chunks = [
    chunk({ role: 'assistant', content: '' }),
    ...thinking.map((delta) => chunk(delta)),
    ...calls.map((call) => chunk({ tool_calls: [call] })),
    chunk({}, 'tool_calls'),
    { ...chat_head, object: 'chat.completion.chunk', choices: [], usage: chat_usage },
  ];
  return `${unnamed(chunks)}data: [DONE]\n\n`;
}

const chat_wants = (thoughts_of) => (body) => {
  const { messages } = body;
  const turn = messages.findLast(({ role }) => role === 'assistant');
  const results = messages.filter(({ role }) => role === 'tool');
  if (turn.tool_calls?.length !== 2 || results.length !== 2) return 'two calls and two results';
  if (results.some(({ tool_call_id }, i) => tool_call_id !== turn.tool_calls[i].id)) {
    return 'ids of results';
  }
  return thoughts_of(turn);
};

const openrouter_details = [
  {
    type: 'reasoning.text',
    text: thought,
    signature,
    format: 'anthropic-claude-v1',
    id: 'reasoning-text-1',
    index: 0,
  },
];
function openrouter_thoughts({ reasoning_details: details }) {
  if (!details?.length) return lost;
  const whole = details.map(({ text }) => text ?? '').join('');
  const signatures = details.filter((each) => each.signature).map((each) => each.signature);
  const forms = details.filter((each) => each.format).map((each) => each.format);
  // A text without its signature is a thought as any model's.
  if (whole === thought && signatures.length === 0) return lost;
  const named = forms.join() === 'anthropic-claude-v1';
  return named && whole === thought && signatures.join() === signature
    ? kept
    : `reasoning_details have changed: ${JSON.stringify(details)}`;
}

// https://api-docs.deepseek.com/guides/thinking_mode#tool-calls
function deepseek_thoughts({ reasoning_content }) {
  if (reasoning_content === undefined) return 'no reasoning_content beside tools';
  return reasoning_content === thought ? kept : reasoning_content === '' ? lost : 'changed';
}

const mistral_thinking = [{ type: 'thinking', thinking: [{ type: 'text', text: thought }] }];
function mistral_thoughts({ content }) {
  const thoughts = Array.isArray(content) ? content.filter(({ type }) => type === 'thinking') : [];
  if (thoughts.length === 0) return lost;
  const said = thoughts.flatMap(({ thinking }) => thinking.map(({ text }) => text)).join('');
  return said === thought ? kept : 'thoughts have changed';
}

// --- The rows -------------------------------------------------------------------------------------

const openai_error = (status, type) => ({
  status,
  body: { error: { message: 'The request is at fault.', type, param: null, code: null } },
});
const chat_refuses = {
  400: openai_error(400, 'invalid_request_error'),
  429: openai_error(429, 'rate_limit_error'),
};

/**
 * `says`: the whole answer, or the text of a stream. `wants`: of the second request's body.
 * `embeds`: its model for embeddings, where it has one. `several`: it gives several answers.
 */
export const targets = {
  'gpt (chat)': {
    dialect: 'openai',
    model: 'gpt-5.4',
    embeds: 'text-embedding-3-small',
    several: true,
    base: '/openai/v1',
    says: { whole: chat_whole({}), stream: chat_events([]) },
    wants: chat_wants(() => kept),
    refuses: chat_refuses,
  },
  gpt: {
    dialect: 'openai-responses',
    model: 'gpt-5.6',
    embeds: 'text-embedding-3-small',
    base: '/responses/v1',
    says: { whole: gpt_response('completed', gpt_items), stream: gpt_events() },
    wants: gpt_wants,
    refuses: chat_refuses,
  },
  claude: {
    dialect: 'anthropic',
    model: 'claude-sonnet-4-5',
    base: '/anthropic',
    says: { whole: claude_message(claude_blocks, 'tool_use'), stream: claude_events() },
    wants: claude_wants,
    refuses: {
      400: claude_error(400, 'invalid_request_error'),
      429: claude_error(429, 'rate_limit_error'),
    },
  },
  gemini: {
    dialect: 'gemini',
    model: 'gemini-3.1-pro-preview',
    embeds: 'gemini-embedding-001',
    several: true,
    base: '/gemini/v1beta',
    says: { whole: gemini_answer(gemini_parts, true), stream: gemini_events() },
    wants: gemini_wants,
    refuses: Object.fromEntries(
      [
        [400, 'INVALID_ARGUMENT'],
        [429, 'RESOURCE_EXHAUSTED'],
      ].map(([code, status]) => [
        code,
        { status: code, body: { error: { code, message: 'The request is at fault.', status } } },
      ]),
    ),
  },
  openrouter: {
    dialect: 'openrouter',
    model: 'anthropic/claude-sonnet-4.5',
    embeds: 'openai/text-embedding-3-small',
    base: '/openrouter/v1',
    says: {
      whole: chat_whole({ reasoning: thought, reasoning_details: openrouter_details }),
      stream: chat_events([
        ...halves(thought).map((text) => ({
          reasoning: text,
          reasoning_details: [{ ...openrouter_details[0], text, signature: undefined }],
        })),
        { reasoning_details: [{ ...openrouter_details[0], text: undefined }] },
      ]),
    },
    wants: chat_wants(openrouter_thoughts),
    refuses: chat_refuses,
  },
  deepseek: {
    dialect: 'deepseek',
    model: 'deepseek-v4-pro',
    base: '/deepseek',
    says: {
      whole: chat_whole({ reasoning_content: thought }),
      stream: chat_events(halves(thought).map((text) => ({ reasoning_content: text }))),
    },
    wants: chat_wants(deepseek_thoughts),
    refuses: chat_refuses,
  },
  mistral: {
    dialect: 'mistral',
    model: 'magistral-medium-latest',
    embeds: 'mistral-embed',
    several: true,
    base: '/mistral/v1',
    says: {
      whole: chat_whole({ content: mistral_thinking }),
      stream: chat_events(
        halves(thought).map((text) => ({
          content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }],
        })),
      ),
    },
    wants: chat_wants(mistral_thoughts),
    refuses: chat_refuses,
  },
};
