// The argument names the package: "openai", or an older one by its alias in older/package.json.
import { move_parameters, Moves, plan_schema, question, serve, texts } from './matrix_client.mjs';

const { default: OpenAI } = await import(process.argv[2]);

const client_of = ({ url, key }) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });

async function chat_answer(job, more) {
  const client = client_of(job);
  const request = { model: job.model, ...more };
  if (!job.stream) return client.chat.completions.create(request);
  const helpers = client.chat.completions.stream
    ? client.chat.completions
    : client.beta.chat.completions;
  return helpers.stream(request).finalChatCompletion();
}

async function chat_text(job) {
  const messages = [{ role: 'user', content: question }];
  return { text: (await chat_answer(job, { messages })).choices[0].message.content };
}

async function chat_tools(job) {
  const moves = new Moves();
  const messages = [{ role: 'user', content: question }];
  const tool = { name: 'move', parameters: move_parameters };
  const more = { tools: [{ type: 'function', function: tool }], reasoning_effort: 'low' };
  const { message } = (await chat_answer(job, { messages, ...more })).choices[0];
  messages.push(message);
  for (const call of message.tool_calls) {
    const content = moves.move(JSON.parse(call.function.arguments));
    messages.push({ role: 'tool', tool_call_id: call.id, content });
  }
  const last = await chat_answer(job, { messages, ...more });
  return { text: last.choices[0].message.content, calls: moves.made };
}

async function chat_object(job) {
  const messages = [{ role: 'user', content: question }];
  const json_schema = { name: 'plan', schema: plan_schema, strict: true };
  const response_format = { type: 'json_schema', json_schema };
  const answer = await chat_answer(job, { messages, response_format });
  return { object: JSON.parse(answer.choices[0].message.content) };
}

async function chat_several(job) {
  const messages = [{ role: 'user', content: question }];
  const { choices } = await chat_answer(job, { messages, n: 2 });
  return { texts: choices.map(({ message }) => message.content) };
}

async function embeddings(job) {
  const { data } = await client_of(job).embeddings.create({ model: job.model, input: texts });
  return { vectors: data.map(({ embedding }) => [...embedding]) };
}

async function responses_answer(job, more) {
  const client = client_of(job);
  const request = { model: job.model, ...more };
  if (!job.stream) return client.responses.create(request);
  return client.responses.stream(request).finalResponse();
}

// What output_text is; older helpers leave it out of a stream's answer.
const text_of = ({ output }) =>
  output
    .filter(({ type }) => type === 'message')
    .flatMap(({ content }) => content.map(({ text }) => text))
    .join('');

async function responses_text(job) {
  return { text: text_of(await responses_answer(job, { input: question })) };
}

async function responses_tools(job) {
  const moves = new Moves();
  const input = [{ role: 'user', content: question }];
  const more = {
    tools: [{ type: 'function', name: 'move', parameters: move_parameters, strict: true }],
    reasoning: { effort: 'low', summary: 'auto' },
    include: ['reasoning.encrypted_content'],
    store: false,
  };
  const answer = await responses_answer(job, { input, ...more });
  input.push(...answer.output);
  for (const item of answer.output.filter(({ type }) => type === 'function_call')) {
    const output = moves.move(JSON.parse(item.arguments));
    input.push({ type: 'function_call_output', call_id: item.call_id, output });
  }
  const last = await responses_answer(job, { input, ...more });
  return { text: text_of(last), calls: moves.made };
}

async function responses_object(job) {
  const format = { type: 'json_schema', name: 'plan', schema: plan_schema, strict: true };
  const answer = await responses_answer(job, { input: question, text: { format } });
  return { object: JSON.parse(text_of(answer)) };
}

await serve({
  chat: {
    text: chat_text,
    error: chat_text,
    tools: chat_tools,
    object: chat_object,
    several: chat_several,
    embeddings,
  },
  responses: {
    text: responses_text,
    error: responses_text,
    tools: responses_tools,
    object: responses_object,
  },
});
