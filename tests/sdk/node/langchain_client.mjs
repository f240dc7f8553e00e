import { ChatAnthropic } from '@langchain/anthropic';
import { ChatOpenAI } from '@langchain/openai';
import { createAgent, tool } from 'langchain';
import {
  move_parameters,
  Moves,
  plan_schema,
  question,
  serve,
  thinking_budget,
  tokens_max,
} from './matrix_client.mjs';

function model_of({ format, url, key, model }, thinks = false) {
  if (format === 'messages') {
    return new ChatAnthropic({
      model,
      apiKey: key,
      anthropicApiUrl: url,
      maxRetries: 0,
      maxTokens: tokens_max,
      ...(thinks && { thinking: { type: 'enabled', budget_tokens: thinking_budget } }),
    });
  }
  const responses = format === 'responses';
  return new ChatOpenAI({
    model,
    apiKey: key,
    configuration: { baseURL: `${url}/v1` },
    maxRetries: 0,
    useResponsesApi: responses,
    ...(responses && { zdrEnabled: true }),
    ...(thinks && { reasoning: { effort: 'low', ...(responses && { summary: 'auto' }) } }),
  });
}

async function text(job) {
  const model = model_of(job);
  if (!job.stream) return { text: (await model.invoke(question)).text };
  let said = '';
  for await (const chunk of await model.stream(question)) said += chunk.text;
  return { text: said };
}

async function tools(job) {
  const moves = new Moves();
  const move = tool(moves.move, {
    name: 'move',
    description: 'Moves to a tile.',
    schema: move_parameters,
  });
  const agent = createAgent({ model: model_of(job, true), tools: [move] });
  const asked = { messages: [{ role: 'user', content: question }] };
  if (!job.stream) {
    const { messages } = await agent.invoke(asked);
    return { text: messages.at(-1).text, calls: moves.made };
  }
  let said = '';
  for await (const [chunk] of await agent.stream(asked, { streamMode: 'messages' })) {
    if (chunk.getType() === 'ai') said += chunk.text;
  }
  return { text: said, calls: moves.made };
}

async function object(job) {
  const model = model_of(job).withStructuredOutput(plan_schema, {
    name: 'plan',
    method: 'jsonSchema',
  });
  return { object: await model.invoke(question) };
}

const tasks = { text, error: text, tools, object };
await serve({ chat: tasks, responses: tasks, messages: tasks });
