import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateText, isStepCount, jsonSchema, Output, streamText, tool } from 'ai';
import {
  move_parameters,
  Moves,
  plan_schema,
  question,
  serve,
  texts,
  thinking_budget,
  tokens_max,
} from './matrix_client.mjs';

const models = {
  chat: (job, options) => createOpenAI(options).chat(job.model),
  compatible: (job, options) =>
    createOpenAICompatible({ ...options, name: 'redoubt', supportsStructuredOutputs: true })(
      job.model,
    ),
  responses: (job, options) => createOpenAI(options).responses(job.model),
  messages: (job, options) => createAnthropic(options)(job.model),
  google: (job, options) => createGoogleGenerativeAI(options)(job.model),
};
const embedders = {
  chat: (job, options) => createOpenAI(options).textEmbeddingModel(job.model),
  google: (job, options) => createGoogleGenerativeAI(options).textEmbeddingModel(job.model),
};
const options_of = (job) => ({
  baseURL: `${job.url}/${job.format === 'google' ? 'v1beta' : 'v1'}`,
  apiKey: job.key,
});

// The relay's names of models are its operator's: that they think has to be said.
const thinking = {
  chat: { openai: { reasoningEffort: 'low', forceReasoning: true } },
  compatible: { redoubt: { reasoningEffort: 'low' } },
  responses: {
    openai: {
      reasoningEffort: 'low',
      reasoningSummary: 'auto',
      forceReasoning: true,
      store: false,
      include: ['reasoning.encrypted_content'],
    },
  },
  messages: { anthropic: { thinking: { type: 'enabled', budgetTokens: thinking_budget } } },
  google: { google: { thinkingConfig: { thinkingLevel: 'low', includeThoughts: true } } },
};

async function answer_of(job, more) {
  const model = models[job.format](job, options_of(job));
  const asked = {
    model,
    prompt: question,
    maxRetries: 0,
    ...(job.format === 'messages' && { maxOutputTokens: tokens_max }),
    ...more,
  };
  if (!job.stream) return generateText(asked);
  let failure;
  const onError = ({ error }) => {
    failure ??= error;
  };
  const answer = streamText({ ...asked, onError });
  try {
    for await (const piece of answer.textStream) void piece;
    return { text: await answer.text, output: await answer.output };
  } catch (error) {
    throw failure ?? error;
  }
}

async function text(job) {
  return { text: (await answer_of(job)).text };
}

async function tools(job) {
  const moves = new Moves();
  const move = tool({ inputSchema: jsonSchema(move_parameters), execute: moves.move });
  const answer = await answer_of(job, {
    tools: { move },
    stopWhen: isStepCount(3),
    providerOptions: thinking[job.format],
  });
  return { text: answer.text, calls: moves.made };
}

async function object(job) {
  const output = Output.object({ schema: jsonSchema(plan_schema) });
  return { object: (await answer_of(job, { output })).output };
}

async function embeddings(job) {
  const model = embedders[job.format](job, options_of(job));
  return { vectors: (await embedMany({ model, values: texts, maxRetries: 0 })).embeddings };
}

const tasks = { text, error: text, tools, object, embeddings };
await serve({
  chat: tasks,
  compatible: tasks,
  responses: tasks,
  messages: tasks,
  google: tasks,
});
