// What a provider answers: a player whose own requests make it fail takes it from nobody else, and large
// answers hold up nobody.
import { post_from } from '../sockets.mjs';
import { chat, counted, shown, until } from '../stage.mjs';

const bait = 'what my provider fails of';
const faults = {
  'answers of 500': { status: 500, text: '{"error":{"message":"oops"}}' },
  'malformed answers': { status: 200, text: '{"choices":' },
};
const statuses = (answers) => counted(answers.map(({ status }) => status));

const said = (bytes) => '\\u0001'.repeat(bytes / 6);
// As long as a client's queue takes at once.
const event_bytes = 900_000;
const whole_bytes = 3_600_000;
const choice = (what) => JSON.stringify({ id: '1', model: 'm', choices: [{ index: 0, ...what }] });
const whole = choice({ message: { role: 'assistant', content: '@' }, finish_reason: 'stop' });
const event = (what) => `data: ${choice(what)}\n\n`;
const large_answers = {
  whole: whole.replace('@', said(whole_bytes)),
  'as one event of a stream':
    event({ delta: { content: '@' } }).replace('@', said(event_bytes)) +
    event({ delta: {}, finish_reason: 'stop' }),
};

const of_answers = Object.entries(large_answers).map(([name, text]) => ({
  name: `large answers, ${name}`,
  tried: 'eight calls that a provider answers with a megabyte of control characters, or four',
  expected: 'health as promised; the answers come',
  async run(stage) {
    const provider = await stage.greedy();
    provider.fault = () => ({ status: 200, text });
    await stage.start(provider);
    const stream = text.startsWith('data:');
    const calls = Array.from({ length: 8 }, (_, i) =>
      stage.chat(stage.as('alpha', `player ${i}`), { stream }),
    );
    const answers = await Promise.all(calls);
    const sizes = answers.map(({ text: all }) => (all.length / 1e6).toFixed(1));
    return {
      held: answers.every(({ status, text: all }) => status === 200 && all.length > event_bytes),
      seen: `${shown(statuses(answers))}, megabytes: ${shown(counted(sizes))}`,
    };
  },
}));

/**
 * Who attack: how each makes a call, and how many attempts their own breakers leave them at the most.
 * Eight strangers are one voice, and each makes fewer calls than close a breaker.
 */
const groups = {
  "one player's": {
    call: (stage, i, bad) => stage.chat(stage.as('alpha', 'eve'), bad),
    reached_max: 39,
  },
  "two players'": {
    call: (stage, i, bad) => stage.chat(stage.as('alpha', `eve ${i % 2}`), bad),
    reached_max: 79,
  },
  "strangers'": {
    call: (stage, i, bad) =>
      post_from(stage.relay, `127.0.0.${40 + i}`, '/v1/chat/completions', bad),
    reached_max: 80,
  },
};
const each = Object.keys(groups).flatMap((group) =>
  Object.entries(faults).map(([name, fault]) => ({ group, name, fault })),
);

const at_the_end = {
  name: 'the end amid large answers',
  tried: 'twenty calls that a provider answers with 30 MB of control characters, and SIGTERM',
  expected: 'the relay ends in time',
  rss_bytes_max: 512 << 20,
  async run(stage) {
    const provider = await stage.greedy();
    const text = whole.replace('@', said(30_000_000));
    provider.fault = () => ({ status: 200, text });
    await stage.start(provider, {
      REDOUBT_MODELS_ANSWER_BYTES_MAX: String(32 << 20),
      REDOUBT_MODELS_ANSWERS_BYTES_MAX: String(256 << 20),
    });
    for (let i = 0; i < 20; ++i) void stage.chat(stage.as('alpha', `player ${i}`)).catch(() => {});
    await until('all were asked', () => provider.calls.length === 20);
    await until('an answer is read, and worked on', () => stage.memory() > 64 << 20);
    return { held: true, seen: '20 answers under way' };
  },
};

const of_failures = each.map(({ group, name, fault }) => ({
  name: `${group} ${name}`,
  tried: `${group} 40 calls, eight at a time, that the provider has ${name} for; a neighbour's after each eight`,
  expected: 'the other is answered each time; a target that fails several players is left alone',
  async run(stage) {
    const provider = await stage.greedy();
    const is_bait = (body) => JSON.stringify(body).includes(bait);
    provider.fault = (body) => (is_bait(body) ? fault : null);
    await stage.start(provider, { REDOUBT_LISTENERS_0_ANONYMOUS: 'on' });
    const bad = chat({ messages: [{ role: 'user', content: bait }] });
    const failed = [];
    const served = [];
    for (let i = 0; i < 5; ++i) {
      const calls = Array.from({ length: 8 }, (_, n) => groups[group].call(stage, n, bad));
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
      held:
        served.every(({ status }) => status === 200) &&
        reached <= groups[group].reached_max &&
        down < 40,
      seen: `the player: ${shown(statuses(failed))}, ${reached} attempts; the other: ${shown(statuses(served))}; down: ${down} attempts of 24 calls`,
    };
  },
}));

export const attacks = [...of_failures, ...of_answers, at_the_end];
