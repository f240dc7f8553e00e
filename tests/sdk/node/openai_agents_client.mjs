import {
  Agent,
  OpenAIChatCompletionsModel,
  OpenAIResponsesModel,
  run,
  setTracingDisabled,
  tool,
} from '@openai/agents';
import OpenAI from 'openai';
import { z } from 'zod';
import { Moves, question, serve } from './matrix_client.mjs';

setTracingDisabled(true);
const models = { chat: OpenAIChatCompletionsModel, responses: OpenAIResponsesModel };

function agent_of({ format, url, key, model }, thinks, more) {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
  const responses = format === 'responses';
  return new Agent({
    name: 'player',
    model: new models[format](client, model),
    modelSettings: {
      ...(responses && {
        store: false,
        providerData: { include: ['reasoning.encrypted_content'] },
      }),
      ...(thinks && { reasoning: { effort: 'low', ...(responses && { summary: 'auto' }) } }),
    },
    ...more,
  });
}

async function answer_of(job, agent) {
  if (!job.stream) return (await run(agent, question)).finalOutput;
  const result = await run(agent, question, { stream: true });
  for await (const event of result) void event;
  await result.completed;
  if (result.error) throw result.error;
  return result.finalOutput;
}

async function text(job) {
  return { text: await answer_of(job, agent_of(job, false)) };
}

async function tools(job) {
  const moves = new Moves();
  const move = tool({
    name: 'move',
    description: 'Moves to a tile.',
    parameters: z.object({ to: z.number().int() }),
    execute: moves.move,
  });
  return { text: await answer_of(job, agent_of(job, true, { tools: [move] })), calls: moves.made };
}

async function object(job) {
  const outputType = z.object({ plan: z.string() });
  return { object: await answer_of(job, agent_of(job, false, { outputType })) };
}

const tasks = { text, error: text, tools, object };
await serve({ chat: tasks, responses: tasks });
