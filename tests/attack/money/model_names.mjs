// A model whose price nobody knows is not called where there is a budget, whatever its name begins with.
import { counted, shown } from '../stage.mjs';

// None of them has a card, and each begins with the name of one that has, or had.
const unknown = [
  'openai/gpt-4o-audio-preview',
  'openai/gpt-4o-realtime-preview',
  'openai/gpt-4.1-mini-evil',
  'openai/gpt-5-mini:online',
  'openai/gpt-5-mini ',
  'openai/GPT-5-MINI',
  'openai/gpt-5-mini-2099-13-45',
  'openai/gpt-5-mini-20250807x',
  'openai/gpt-5-mini/../o3-pro',
  'openai/gpt-5-mini%2e',
  'openai/o3-deep-research',
  'openai/ft:gpt-4.1-mini:me::1',
  'anthropic/claude-opus-4',
  'anthropic/claude-haiku-4-5-dear',
  'anthropic/claude-haiku-4-5-20251001-v2',
  'google/gemini-2.5-flash-image',
  'google/gemini-2.5-flash-lite-image',
  'google/gemini-2.5-flash-lite:countTokens',
  'google/../../v1/models',
  'openai/',
  '/gpt-5-mini',
  'gpt-5-mini',
  'engine',
];

export const attacks = [
  {
    name: 'names that begin like a known one',
    tried: `${unknown.length} names asked directly, and as targets of aliases, under a budget`,
    expected: 'no call reaches the provider',
    async run(stage) {
      const provider = await stage.greedy();
      const usable = unknown.filter((name) => /^[a-z]+\/[^/\s]+$/.test(name));
      const names = Object.fromEntries(usable.map((name, i) => [`alias${i}`, [name]]));
      await stage.start(
        provider,
        {
          REDOUBT_MODELS_PLAYER_DAY_MICROUSD: '100000000',
          REDOUBT_MODELS_DIRECT_TARGETS: 'true',
        },
        names,
      );
      const player = stage.as('alpha', 'player');
      const statuses = [];
      for (const model of [...unknown, ...Object.keys(names)])
        statuses.push((await stage.chat(player, { model })).status);
      const called = [...new Set(provider.calls.map((call) => call.model))];
      return {
        held: called.length === 0 && statuses.every((status) => status >= 400),
        seen: `${called.length} called: ${called.slice(0, 4).join(' ')} (${shown(counted(statuses))})`,
      };
    },
  },
  {
    name: 'what is listed as known',
    tried: 'GET /v1/models with aliases of models without a card',
    expected: 'the list says which of them has no price',
    async run(stage) {
      const provider = await stage.greedy();
      await stage.start(
        provider,
        { REDOUBT_MODELS_PLAYER_DAY_MICROUSD: '1000000' },
        { good: ['openai/gpt-5-mini'], odd: ['openai/gpt-4o-audio-preview'] },
      );
      const { data } = (await stage.get('/v1/models', stage.as('alpha', 'player'))).json();
      const [good, odd] = ['good', 'odd'].map((id) => data.find((entry) => entry.id === id));
      const without = (entry) => JSON.stringify({ ...entry, id: '', created: 0 });
      return {
        held: good !== undefined && (odd === undefined || without(good) !== without(odd)),
        seen: odd ? JSON.stringify(odd).slice(0, 200) : 'the unknown one is not listed',
      };
    },
  },
];
