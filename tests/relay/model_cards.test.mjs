// Cards of models through the relay's program: names that no card has, an operator's own cards,
// providers that cost nothing, who bounds what an unknown model may answer, and what is told of
// models that are shut off.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { start_mock, start_relay } from './mock_upstream.mjs';
import { ask, post_json, run } from './program.mjs';

const chat = (model, more) => ({
  model,
  messages: [{ role: 'user', content: 'Where to?' }],
  ...more,
});
const budget = { REDOUBT_MODELS_PLAYER_DAY_MICROUSD: '5000000' };
const own_bound = { REDOUBT_MODELS_UNKNOWN_OUTPUT_TOKENS_MAX: '0' };

describe('cards of models', { concurrency: false }, () => {
  let mock;
  let folder;
  const file = (name, value) => {
    const path = join(folder, name);
    writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
    return path;
  };
  /** A relay for one test. */
  async function with_relay(aliases, env, use) {
    await mock.script([{ do: [{ answer: { input_tokens: 1000, output_tokens: 100 } }] }]);
    await mock.forget();
    const relay = await start_relay(mock, aliases, env);
    try {
      await use(relay);
    } finally {
      await relay.stop();
    }
  }
  const sent = async () => (await mock.calls()).map(({ body }) => JSON.parse(body));

  before(async () => {
    mock = await start_mock();
    folder = mkdtempSync(join(tmpdir(), 'redoubt-cards-'));
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await mock.stop();
  });

  // Each begins like a model with a card, and costs up to 25 times as much.
  const near_names = {
    sound: ['openai/gpt-4o-audio-preview'],
    older: ['anthropic/claude-opus-4-20250514'],
    deep: ['responses/o3-deep-research'],
    image: ['google/gemini-2.5-flash-image'],
  };

  it('a name that only begins like a known one is refused where there is a budget', async () => {
    await with_relay(near_names, budget, async (relay) => {
      for (const [name, [target]] of Object.entries(near_names)) {
        const refused = await post_json(relay, '/v1/chat/completions', chat(name));
        assert.equal(refused.status, 503, refused.text);
        const { message } = refused.json().error;
        assert.ok(message.includes(`the price of ${target} is not known`), message);
        assert.ok(message.includes('a budget limits'), message);
      }
      assert.deepEqual(await sent(), []);
    });
    await with_relay(near_names, {}, async (relay) => {
      const answer = await post_json(relay, '/v1/chat/completions', chat('sound'));
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers['x-redoubt-cost-microusd'], '0');
    });
  });

  it("an operator's card gives it a price, and a provider may cost nothing", async () => {
    const cards = file('cards.json', {
      models: [
        {
          dialect: 'openai',
          model: 'gpt-4o-audio-preview',
          context_tokens: 128000,
          output_tokens_max: 16384,
          rates: [{ input: 2_000_000, output: 10_000_000 }],
        },
        {
          dialects: ['openai', 'openai-responses'],
          model: 'gpt-5.4-mini',
          like: 'openai/gpt-5.4-mini',
          rates: [{ input: 1_000_000, output: 1_000_000 }],
        },
      ],
    });
    const aliases = {
      sound: ['openai/gpt-4o-audio-preview'],
      mini: ['openai/gpt-5.4-mini'],
      gift: ['anthropic/unheard-of'],
    };
    const env = { ...budget, REDOUBT_MODELS_CARDS_FILE: cards, REDOUBT_PROVIDERS_1_FREE: 'true' };
    await with_relay(aliases, env, async (relay) => {
      const cost = async (name) => {
        const answer = await post_json(relay, '/v1/chat/completions', chat(name));
        assert.equal(answer.status, 200, answer.text);
        return answer.headers['x-redoubt-cost-microusd'];
      };
      assert.equal(await cost('sound'), '3000');
      assert.equal(await cost('mini'), '1100');
      assert.equal(await cost('gift'), '0');
      const listed = (await ask(relay, { path: '/v1/models' })).json().data;
      assert.ok(listed.every(({ price_known }) => price_known));
    });
  });

  it("OpenRouter's own word for what a call cost is the charge", async () => {
    const cards = file('router.json', {
      models: [
        {
          dialect: 'openrouter',
          model: 'z-ai/glm-4.6',
          context_tokens: 200000,
          output_tokens_max: 128000,
          rates: [{ input: 600_000, output: 2_200_000 }],
        },
      ],
    });
    const env = {
      ...budget,
      REDOUBT_MODELS_CARDS_FILE: cards,
      REDOUBT_PROVIDERS_0_NAME: 'router',
      REDOUBT_PROVIDERS_0_DIALECT: 'openrouter',
    };
    await with_relay({ glm: ['router/z-ai/glm-4.6'] }, env, async (relay) => {
      const answer = {
        id: 'g',
        object: 'chat.completion',
        model: 'z-ai/glm-4.6',
        choices: [
          { index: 0, message: { role: 'assistant', content: 'East.' }, finish_reason: 'stop' },
        ],
        usage: { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100, cost: 0.0017 },
      };
      const head = { head: 200, headers: { 'content-type': 'application/json' } };
      await mock.script([{ do: [head, { send: JSON.stringify(answer) }] }]);
      const told = await post_json(relay, '/v1/chat/completions', chat('glm'));
      assert.equal(told.status, 200, told.text);
      assert.equal(told.headers['x-redoubt-cost-microusd'], '1700'); // by its card: 820
    });
  });

  it('a long prompt is reserved and charged at its tier', async () => {
    const aliases = { long: ['openai/gpt-5.4'] };
    await with_relay(aliases, { REDOUBT_MODELS_PLAYER_DAY_MICROUSD: '900000' }, async (relay) => {
      // 100 tokens at most out; 280,000 bytes may be 280,000 tokens at $5 a million: $1.40.
      const body = chat('long', { max_tokens: 100 });
      body.messages[0].content = 'x'.repeat(280_000);
      const refused = await post_json(relay, '/v1/chat/completions', body);
      assert.equal(refused.status, 402, refused.text);
      // At $2.50: $0.70.
      body.messages[0].content = 'x'.repeat(260_000);
      const answer = await post_json(relay, '/v1/chat/completions', body);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers['x-redoubt-cost-microusd'], '4000');
    });
  });

  it('nothing is asked of an unknown model in the stead of a client who named no limit', async () => {
    const aliases = { plain: ['openai/unheard-of'], claude: ['anthropic/unheard-of'] };
    await with_relay(aliases, own_bound, async (relay) => {
      const answer = await post_json(relay, '/v1/chat/completions', chat('plain'));
      assert.equal(answer.status, 200, answer.text);
      const [body] = await sent();
      assert.equal(body.max_tokens ?? body.max_completion_tokens, undefined);
      const refused = await post_json(relay, '/v1/chat/completions', chat('claude'));
      assert.equal(refused.status, 503, refused.text);
      assert.match(refused.json().error.message, /has to name a limit of tokens/);
      const named = await post_json(
        relay,
        '/v1/chat/completions',
        chat('claude', { max_tokens: 70000 }),
      );
      assert.equal(named.status, 200, named.text);
      assert.equal((await sent()).at(-1).max_tokens, 70000);
    });
  });

  it('a limit of tokens a minute needs a bound, and what is asked for counts whole', async () => {
    const env = { ...own_bound, REDOUBT_MODELS_PLAYER_TOKENS_PER_MINUTE: '20000' };
    await with_relay({ plain: ['openai/unheard-of'] }, env, async (relay) => {
      const unbounded = await post_json(relay, '/v1/chat/completions', chat('plain'));
      assert.equal(unbounded.status, 503, unbounded.text);
      // It was reserved as 8,192.
      const large = chat('plain', { max_tokens: 30000 });
      const refused = await post_json(relay, '/v1/chat/completions', large);
      assert.equal(refused.status, 429, refused.text);
      const small = chat('plain', { max_tokens: 3000 });
      assert.equal((await post_json(relay, '/v1/chat/completions', small)).status, 200);
    });
  });

  it("an unknown model is asked for the operator's limit at most", async () => {
    const env = { REDOUBT_MODELS_UNKNOWN_OUTPUT_TOKENS_MAX: '1000' };
    await with_relay({ plain: ['openai/unheard-of'] }, env, async (relay) => {
      for (const [asked, expected] of [
        [undefined, 1000],
        [5000, 1000],
        [10, 10],
      ]) {
        const answer = await post_json(
          relay,
          '/v1/chat/completions',
          chat('plain', { max_tokens: asked }),
        );
        assert.equal(answer.status, 200, answer.text);
        const body = (await sent()).at(-1);
        assert.equal(body.max_tokens ?? body.max_completion_tokens, expected);
      }
    });
  });

  it('what is unknown or shut off is told by the list, the check and the start', async () => {
    const cards = file('ends.json', {
      models: [
        ['soon', new Date(Date.now() + 30 * 86_400_000)],
        ['late', new Date(Date.now() + 300 * 86_400_000)],
        ['gone', new Date(Date.now() - 3 * 86_400_000)],
      ].map(([model, end]) => ({
        dialect: 'openai',
        model,
        like: 'openai/gpt-5.4-mini',
        shut_off: end.toISOString().slice(0, 10),
        successor: 'another',
      })),
    });
    const env = { ...own_bound, REDOUBT_MODELS_CARDS_FILE: cards };
    const aliases = {
      known: ['openai/gpt-5.4-mini', 'openai/soon'],
      ending: ['openai/soon', 'openai/late'],
      past: ['openai/gone'],
      strange: ['openai/gpt-5.4-mini', 'anthropic/unheard-of'],
    };
    await with_relay(aliases, env, async (relay) => {
      const listed = (await ask(relay, { path: '/v1/models' })).json().data;
      const of = (name) => listed.find(({ id }) => id === name);
      assert.equal(of('known').price_known, true);
      assert.equal(of('known').shut_off, undefined);
      assert.match(of('ending').shut_off, /^\d{4}-\d\d-\d\d$/);
      assert.equal(of('strange').price_known, false);
      const told = (event) => relay.lines.filter((line) => line.event === event);
      assert.equal(told('model_shut_off_near').length, 1);
      assert.match(told('model_shut_off_near')[0].detail, /openai\/soon \(known, ending\)/);
      assert.match(
        told('model_shut_off')[0].detail,
        /\(3 days ago\); .*names another\. It is still/,
      );
      assert.match(told('model_unknown')[0].detail, /anthropic\/unheard-of \(strange\)/);
      assert.match(relay.stderr(), /warning {2}openai\/gone/);
      // Its provider's word is the operator's to weigh.
      const answer = await post_json(relay, '/v1/chat/completions', chat('past'));
      assert.equal(answer.status, 200, answer.text);
    });
    const checked = await run(['--check-config'], {
      ...env,
      REDOUBT_PROVIDERS_0_NAME: 'openai',
      REDOUBT_ALIASES_0_NAME: 'strategist',
      REDOUBT_ALIASES_0_TARGETS: 'openai/gone,openai/unheard-of,openai/gpt-5.4-mini',
    });
    assert.equal(checked.code, 0);
    assert.match(checked.stderr, /warning: openai\/gone \(strategist\): .* switched off since/);
    assert.match(checked.stderr, /warning: openai\/unheard-of \(strategist\): .*not known/);
    // Of a known one there is only to tell that it has no key.
    const known = checked.stderr.split('\n').filter((line) => line.includes('gpt-5.4-mini'));
    assert.deepEqual(
      known.map((line) => /has no key for openai/.test(line)),
      [true],
    );
  });

  it('a file of cards that is wrong stops the start, with its place', async () => {
    const check = (path) => run(['--check-config'], { REDOUBT_MODELS_CARDS_FILE: path });
    const missing = await check(join(folder, 'missing.json'));
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /models\.cards_file: .*missing\.json: cannot be read/);
    const broken = await check(file('broken.json', '{"models": [\n  {"dialect": }]}'));
    assert.equal(broken.code, 2);
    assert.match(broken.stderr, /broken\.json:2:\d+: /);
    const wrong = await check(file('wrong.json', { models: [{ dialect: 'openai', model: 'm' }] }));
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /wrong\.json: models\[0\]\.context_tokens: expected/);
  });
});
