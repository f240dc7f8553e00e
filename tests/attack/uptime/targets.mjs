// A player whose own requests make a provider fail: their failures take it from nobody else.
import { chat, counted, shown } from '../stage.mjs';

const bait = 'what my provider fails of';
const faults = {
  'answers of 500': { status: 500, text: '{"error":{"message":"oops"}}' },
  'malformed answers': { status: 200, text: '{"choices":' },
};
const statuses = (answers) => counted(answers.map(({ status }) => status));

export const attacks = Object.entries(faults).map(([name, fault]) => ({
  name: `one player's ${name}`,
  tried: `a player's 40 calls, eight at a time, that the provider has ${name} for; then another player's`,
  expected: 'the other is answered each time; a target that fails several players is left alone',
  async run(stage) {
    const provider = await stage.greedy();
    const is_bait = (body) => JSON.stringify(body).includes(bait);
    provider.fault = (body) => (is_bait(body) ? fault : null);
    await stage.start(provider);
    const bad = chat({ messages: [{ role: 'user', content: bait }] });
    const failed = [];
    const served = [];
    for (let i = 0; i < 5; ++i) {
      const calls = Array.from({ length: 8 }, () => stage.chat(stage.as('alpha', 'eve'), bad));
      failed.push(...(await Promise.all(calls)));
      served.push(await stage.chat(stage.as('beta', 'neighbour')));
    }
    const reached = provider.calls.filter(({ body }) => is_bait(body)).length;
    // Where it fails everybody, it is left alone as before.
    provider.fault = () => fault;
    const before = provider.calls.length;
    for (let i = 0; i < 24; ++i) await stage.chat(stage.as('beta', `player ${i}`));
    const down = provider.calls.length - before;
    return {
      held: served.every(({ status }) => status === 200) && reached < 40 && down < 40,
      seen: `the player: ${shown(statuses(failed))}, ${reached} attempts; the other: ${shown(statuses(served))}; down: ${down} attempts of 24 calls`,
    };
  },
}));
