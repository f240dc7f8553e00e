// The chain of three steps that workflow_bench carries out, by libraries that people use in the page
// and in Node for the same purpose: each step calls something asynchronous and sees what the one
// before it gave. Processor time, best of three passes.
//
// What each keeps is told beside it, because it is not the same: XState's and LangGraph's states are
// saved after every step as they do it themselves; the agents' library keeps nothing, and its steps
// are tools that a model (here one that answers at once) calls one after the other.
import { Annotation, END, MemorySaver, START, StateGraph } from '@langchain/langgraph';
import { Agent, Runner, Usage, setTracingDisabled, tool } from '@openai/agents-core';
import { assign, createActor, fromPromise, setup, waitFor } from 'xstate';

const PASSES = 3;
const STEPS = 3;

/** What every step does: gives 42 for whatever it was given, a moment later. */
const call = async (value) => (value === undefined ? 0 : 42);

async function microsecondsAStep(runs, once) {
  for (let n = 0; n < runs / 10; n++) await once(n);
  let best = Infinity;
  for (let pass = 0; pass < PASSES; pass++) {
    const from = process.cpuUsage();
    for (let n = 0; n < runs; n++) {
      const value = await once(n);
      if (value !== 42) throw new Error(`the chain gave ${value}`);
    }
    const used = process.cpuUsage(from);
    best = Math.min(best, (used.user + used.system) / (runs * STEPS));
  }
  return best;
}

const chained = setup({
  actors: { call: fromPromise(({ input }) => call(input.value)) },
}).createMachine({
  context: ({ input }) => ({ value: input.value }),
  initial: 'a',
  states: Object.fromEntries(
    [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'end'],
    ]
      .map(([name, next]) => [
        name,
        {
          invoke: {
            src: 'call',
            input: ({ context }) => ({ value: context.value }),
            onDone: { target: next, actions: assign({ value: ({ event }) => event.output }) },
          },
        },
      ])
      .concat([['end', { type: 'final' }]]),
  ),
});

async function xstate(kept) {
  const actor = createActor(chained, { input: { value: 1 } });
  const journal = [];
  if (kept) actor.subscribe(() => journal.push(JSON.stringify(actor.getPersistedSnapshot())));
  actor.start();
  const end = await waitFor(actor, (state) => state.status === 'done');
  if (kept && journal.length < STEPS) throw new Error('not every step was kept');
  return end.context.value;
}

const State = Annotation.Root({ value: Annotation() });
const step = async (state) => ({ value: await call(state.value) });
const graph = new StateGraph(State)
  .addNode('a', step)
  .addNode('b', step)
  .addNode('c', step)
  .addEdge(START, 'a')
  .addEdge('a', 'b')
  .addEdge('b', 'c')
  .addEdge('c', END);
const plainGraph = graph.compile();

const langgraph = async () => (await plainGraph.invoke({ value: 1 })).value;

/** With a saver in memory, a new one each run, so that it does not grow. */
async function langgraphKept(n) {
  const saved = graph.compile({ checkpointer: new MemorySaver() });
  return (await saved.invoke({ value: 1 }, { configurable: { thread_id: `run-${n}` } })).value;
}

/** A model that calls the tools one after the other, then says what the last one gave. */
class ChainModel {
  #turn = 0;
  async getResponse() {
    const turn = this.#turn++;
    const output =
      turn < STEPS
        ? {
            type: 'function_call',
            callId: `call-${turn}`,
            name: 'abc'[turn],
            status: 'completed',
            arguments: '{"value":1}',
          }
        : {
            type: 'message',
            role: 'assistant',
            status: 'completed',
            content: [{ type: 'output_text', text: '42' }],
          };
    return { output: [output], usage: new Usage() };
  }
  async *getStreamedResponse() {
    throw new Error('not streamed here');
  }
}

setTracingDisabled(true);
const tools = [...'abc'].map((name) =>
  tool({
    name,
    description: 'A step of the chain.',
    parameters: {
      type: 'object',
      properties: { value: { type: 'number' } },
      required: ['value'],
      additionalProperties: false,
    },
    execute: ({ value }) => call(value),
  }),
);

async function agents() {
  const agent = new Agent({
    name: 'chain',
    instructions: 'Call a, b, c.',
    tools,
    model: new ChainModel(),
  });
  const result = await new Runner({ tracingDisabled: true }).run(agent, 'begin');
  return Number(result.finalOutput);
}

const table = [
  ['XState, nothing kept', 5000, () => xstate(false)],
  ['XState, snapshot as JSON after each step', 5000, () => xstate(true)],
  ['LangGraph.js, nothing kept', 1000, langgraph],
  ['LangGraph.js, MemorySaver', 1000, langgraphKept],
  ['@openai/agents-core, nothing kept', 1000, agents],
];
for (const [name, runs, once] of table) {
  const cost = await microsecondsAStep(runs, once);
  console.log(`${name.padEnd(44)} ${cost.toFixed(2).padStart(10)} us`);
}
