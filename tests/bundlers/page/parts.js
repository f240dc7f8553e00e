/** What every tool's project does with the packages; the tests compare it with what Node does. */
export const match = { map: { generate: {} }, seed: 7, players: ['strategist', 'rush'] };
export const ticks = 50;

/** The state after `ticks` ticks, in this thread. */
async function hash({ createEngine }) {
  const engine = await createEngine(match);
  engine.play(ticks);
  const found = engine.hash();
  engine.dispose();
  return found;
}

/** The same in a worker. */
async function workersHash({ startEngine }) {
  const client = await startEngine(match);
  await client.step(ticks);
  const found = await client.hash();
  client.dispose();
  return found;
}

/** A workflow of one step that asks a model. */
async function workflowsAnswer(start) {
  const workflows = await start({ model: async ({ id }) => ({ text: `answer ${id}` }) });
  const file = {
    name: 'one',
    llms: { m: {} },
    workflow: [{ id: 'ask', model: 'm', prompt: 'x' }],
    result: '{{ steps.ask.text }}',
  };
  await workflows.start(file, null, { id: 'r' });
  const answer = await workflows.result('r');
  workflows.dispose();
  return answer;
}

/** A model's answer, read by the codec in WebAssembly. */
async function modelsAnswer({ directModel }) {
  const body = { choices: [{ message: { content: 'Hello' }, finish_reason: 'stop' }] };
  const headers = { 'content-type': 'application/json' };
  const model = await directModel({
    provider: 'openai',
    model: 'm',
    key: 'k',
    fetch: async () => new Response(JSON.stringify(body), { headers }),
  });
  let text = '';
  for await (const piece of model.chat({ messages: [{ role: 'user', content: 'Hi' }] })) {
    if (piece.type === 'done') text = piece.text;
  }
  return text;
}

/** Who advises where there is no relay. */
async function adviser({ createClient }, engine) {
  const client = createClient({ engine, relay: null });
  const { source } = await client.strategy('red', {
    territory_control: {},
    resources: {},
    agents: {},
    resource_distribution: {},
  });
  client.dispose();
  return source;
}

/** Each part's value, or what it says in its place; workers where there are any. */
export async function outcomes({ engine, worker, workflows, models, client }) {
  const parts = {
    engine: () => hash(engine),
    workflows: () => workflowsAnswer(workflows.createWorkflows),
    model: () => modelsAnswer(models),
    client: () => adviser(client, engine),
  };
  if (typeof Worker !== 'undefined') {
    parts.worker = () => workersHash(worker);
    parts.workflowsInWorker = () => workflowsAnswer(workflows.startWorkflows);
  }
  const told = {};
  for (const [name, run] of Object.entries(parts)) {
    told[name] = await run().catch(({ code, message }) => `${code}: ${message}`);
  }
  return told;
}
