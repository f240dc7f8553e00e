// What the SDKs' programs beside this file share: jobs as lines of JSON in, results as lines out
// (tests/sdk/python/matrix_client.py has their shapes).
import { createInterface } from 'node:readline';

export const question = 'Where to?';
export const texts = [question, 'Hold the bridge.']; // for embeddings
export const thinking_budget = 2048;
export const tokens_max = 8000;
export const plan_schema = {
  type: 'object',
  properties: { plan: { type: 'string' } },
  required: ['plan'],
  additionalProperties: false,
};
export const move_parameters = {
  type: 'object',
  properties: { to: { type: 'integer' } },
  required: ['to'],
  additionalProperties: false,
};

/** The tool of the loops, and how often it was called. */
export class Moves {
  made = [];
  move = ({ to }) => {
    this.made.push(to);
    return `moved to ${to}`;
  };
}

function classes_of(error) {
  const names = [];
  for (let at = Object.getPrototypeOf(error); at; at = Object.getPrototypeOf(at)) {
    names.push(at.constructor.name);
  }
  return names;
}

function error_of(error) {
  const headers = error.headers ?? error.responseHeaders ?? {};
  return {
    classes: classes_of(error),
    status: error.status ?? error.statusCode ?? null,
    retry_after: headers.get?.('retry-after') ?? headers['retry-after'] ?? null,
    message: String(error.message).slice(0, 300),
  };
}

/** `tasks` is {format: {task: function of a job}}. */
export async function serve(tasks) {
  // SDKs may print; results alone go to the standard output.
  console.log = console.info = console.warn = console.error;
  for await (const line of createInterface({ input: process.stdin })) {
    const job = JSON.parse(line);
    let result;
    try {
      result = await tasks[job.format][job.task](job);
    } catch (error) {
      result = { error: error_of(error) };
      if (job.task !== 'error') result.trace = String(error.stack).slice(0, 1500);
    }
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
}
