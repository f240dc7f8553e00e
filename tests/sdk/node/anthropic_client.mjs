// The argument names the package: "@anthropic-ai/sdk", or an older one by its alias.
import {
  move_parameters,
  Moves,
  plan_schema,
  question,
  serve,
  thinking_budget,
  tokens_max,
} from './matrix_client.mjs';

const { default: Anthropic } = await import(process.argv[2]);

function answer_of(job, more) {
  const client = new Anthropic({ baseURL: job.url, apiKey: job.key, maxRetries: 0 });
  const request = { model: job.model, max_tokens: tokens_max, ...more };
  if (!job.stream) return client.messages.create(request);
  return client.messages.stream(request).finalMessage();
}

const text_of = ({ content }) =>
  content
    .filter(({ type }) => type === 'text')
    .map(({ text }) => text)
    .join('');

async function text(job) {
  return {
    text: text_of(await answer_of(job, { messages: [{ role: 'user', content: question }] })),
  };
}

async function tools(job) {
  const moves = new Moves();
  const messages = [{ role: 'user', content: question }];
  const more = {
    tools: [{ name: 'move', input_schema: move_parameters }],
    thinking: { type: 'enabled', budget_tokens: thinking_budget },
  };
  const { content } = await answer_of(job, { messages, ...more });
  messages.push({ role: 'assistant', content });
  const results = content
    .filter(({ type }) => type === 'tool_use')
    .map(({ id, input }) => ({
      type: 'tool_result',
      tool_use_id: id,
      content: moves.move(input),
    }));
  messages.push({ role: 'user', content: results });
  return { text: text_of(await answer_of(job, { messages, ...more })), calls: moves.made };
}

async function object(job) {
  const messages = [{ role: 'user', content: question }];
  const output_config = { format: { type: 'json_schema', schema: plan_schema } };
  return { object: JSON.parse(text_of(await answer_of(job, { messages, output_config }))) };
}

await serve({ messages: { text, error: text, tools, object } });
