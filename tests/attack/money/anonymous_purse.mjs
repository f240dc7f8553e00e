// Callers without a token share one purse. Can they leave it?
import { situation } from '../../relay/situation.mjs';
import { anonymous_session, spend } from '../purse.mjs';
import { ask_from, connect_models, post_from } from '../sockets.mjs';
import { chat, counted, dollars, shown, until } from '../stage.mjs';

const budget_microusd = 20_000;
const open = {
  REDOUBT_LISTENERS_0_ANONYMOUS: 'on',
  REDOUBT_MODELS_ANONYMOUS_DAY_MICROUSD: String(budget_microusd),
  REDOUBT_TOKENS_SESSIONS_PER_MINUTE: '100',
};
const dear = { model: 'haiku', max_tokens: 1000 };
const runs = '/api/workflows/runs';

/** Waits for the end of a run that was begun from that address. */
const ended = (stage, from, begun) =>
  until("the run's end", async () => {
    const path = `${runs}/${JSON.parse(begun.text).id}`;
    const { status, text } = await ask_from(stage.relay, from, { path });
    return status === 200 && JSON.parse(text).status !== 'running';
  });

/** Calls through a WebSocket of this caller: the types of frames that came. */
async function over_socket(stage, headers, calls) {
  const socket = await connect_models(stage.relay, headers);
  const ends = [];
  for (let i = 0; i < calls; ++i) ends.push(await socket.call(`c${i}`, chat(dear)));
  socket.close();
  return ends;
}

export const attacks = [
  {
    name: 'a session instead of no token',
    tried: 'spends the anonymous budget, then again with sessions of POST /api/session',
    expected: 'no call reaches the provider once the common budget is spent',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, open);
      await spend(stage, provider, {}, dear);
      const before = provider.calls.length;
      const answers = [];
      for (let i = 0; i < 4; ++i) {
        const session = await anonymous_session(stage);
        for (let j = 0; j < 4; ++j) answers.push((await stage.chat(session, dear)).status);
      }
      const frames = await over_socket(stage, await anonymous_session(stage), 4);
      const more = provider.calls.length - before;
      return {
        held: before > 0 && more === 0 && provider.billed_microusd <= budget_microusd,
        seen: `${before} calls without, ${more} more with sessions (${shown(counted(answers))}, socket: ${shown(counted(frames))}), ${dollars(provider.billed_microusd)} of ${dollars(budget_microusd)}`,
      };
    },
  },
  {
    name: 'requests and calls at a time with sessions',
    tried: '2 requests a minute and 2 calls at a time for anonymous callers, asked with 5 sessions',
    expected: 'no more than 2 reach the provider',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, {
        ...open,
        REDOUBT_MODELS_ANONYMOUS_DAY_MICROUSD: '100000000',
        REDOUBT_MODELS_ANONYMOUS_REQUESTS_PER_MINUTE: '2',
        REDOUBT_MODELS_ANONYMOUS_CONCURRENT_MAX: '2',
      });
      const answers = [];
      for (let i = 0; i < 5; ++i) {
        const session = await anonymous_session(stage);
        answers.push((await stage.chat(session)).status);
        answers.push((await stage.chat({})).status);
      }
      return {
        held: provider.calls.length <= 2,
        seen: `${provider.calls.length} reached it (${shown(counted(answers))})`,
      };
    },
  },
  {
    name: 'a token that claims to be anonymous',
    tried: 'tokens of games with the tenant anonymous or a subject of an anonymous caller',
    expected: '401, and 400 from POST /api/session',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, open);
      const subject = 'anonymous:127.0.0.1';
      const statuses = [];
      for (const [kid, claims] of [
        ['plain', { tenant: 'anonymous' }],
        ['plain', { sub: subject }],
        ['alpha', { sub: subject }],
        ['alpha', { tenant: 'anonymous', sub: subject }],
        ['beta', { tenant: 'anonymous' }],
      ]) {
        statuses.push((await stage.chat(stage.as(kid, 'x', claims))).status);
      }
      const sessions = [];
      for (const body of [{ sub: 'x', tenant: 'anonymous' }, { sub: subject }])
        sessions.push((await stage.session(body)).status);
      const all = [...statuses, ...sessions];
      return {
        held: statuses.every((s) => s === 401) && sessions.every((s) => s === 400),
        seen: `${all.join(' ')}, ${provider.calls.length} calls reached the provider`,
      };
    },
  },
  {
    name: 'from other addresses and by other doors',
    tried:
      'the budget is spent, then chats, messages, responses, questions and runs from 127.0.0.2-5',
    expected: 'nothing reaches the provider',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(provider, open);
      await spend(stage, provider, {}, dear);
      const before = provider.calls.length;
      const message = { model: 'haiku', max_tokens: 1000, messages: chat().messages };
      for (let i = 2; i < 6; ++i) {
        const from = `127.0.0.${i}`;
        for (const [path, body] of [
          ['/v1/chat/completions', chat(dear)],
          ['/v1/messages', message],
          ['/v1/responses', { model: 'haiku', max_output_tokens: 1000, input: 'Where to?' }],
          ['/api/team-strategy', situation],
          [runs, { workflow: 'team_strategy', input: situation }],
        ]) {
          const answer = await post_from(stage.relay, from, path, body);
          if (path === runs && answer.status === 201) await ended(stage, from, answer);
        }
      }
      const more = provider.calls.length - before;
      // A cheaper model may still fit what is left: what counts is the money.
      return {
        held: provider.billed_microusd <= budget_microusd,
        seen: `${more} more calls, ${dollars(provider.billed_microusd)} of ${dollars(budget_microusd)}`,
      };
    },
  },
];
