// Workflows in the page: a run is answered without a relay, one that asks goes on after a reload,
// and the relay's page can be closed in the middle of it all.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openBrowser, until } from './browser.mjs';
import { gamePage } from './game_page.mjs';
import { startRelay } from './relay.mjs';
import { start_mock } from '../relay/mock_upstream.mjs';

describe('runs in the page', { concurrency: false }, () => {
  let relay;
  let browser;
  let page;
  let game;

  before(async () => {
    relay = await startRelay();
    browser = await openBrowser();
    page = await browser.page();
    game = gamePage(page);
    await game.open(relay.url);
  });
  after(async () => {
    await browser?.close();
    await relay?.kill();
  });

  const heads = () => page.locator('.run-head').allInnerTexts();
  const run = async (label, text) => {
    await page.getByLabel('Workflow').selectOption({ label });
    if (text !== undefined) await page.locator('.run-start input').fill(text);
    await page.getByRole('button', { name: 'Run', exact: true }).click();
  };

  it('answers a strategy from the built-in strategist where no model is to be had', async () => {
    await game.openTab('Runs');
    await until('the workflows to load', () =>
      page.getByRole('button', { name: 'Run', exact: true }).isEnabled(),
    );
    await run('Strategy for a team');
    await until('its end', async () => /Done/.test((await heads())[0] ?? ''));
    const steps = await page.locator('.step').allInnerTexts();
    assert.ok(
      steps.some((step) => /plan/.test(step) && /by fallback/.test(step)),
      steps.join(' | '),
    );
    await page.getByText('Result').click();
    assert.match(await page.locator('.run-body pre').innerText(), /"source": "builtin"/);
  });

  it('comes to an end without a model, each step by its fallback', async () => {
    await run('Write and review', 'a haiku about walls');
    await until('its end', async () => {
      const [first, second] = await heads();
      return second !== undefined && /review loop/i.test(first) && /Done/.test(first);
    });
    const steps = await page.locator('.step').allInnerTexts();
    assert.ok(steps.filter((step) => /by fallback/.test(step)).length >= 2, steps.join(' | '));
  });

  it('keeps its runs over a reload', async () => {
    const before = (await heads()).map((head) => head.split('\n')[0]);
    await page.reload();
    await game.openTab('Runs');
    await until('the runs', async () => (await heads()).length === 2);
    assert.deepEqual(
      (await heads()).map((head) => head.split('\n')[0]),
      before,
    );
    await page.locator('.run-head').nth(1).click();
    await until('its steps', async () => (await page.locator('.step').count()) > 2);
  });

  it('leaves them to the tab that carries them out', async () => {
    const second = await page.context().newPage();
    const other = gamePage(second);
    await other.open(relay.url);
    await other.openTab('Runs');
    await until('it to say so', () => second.getByText('Another tab of this page').isVisible());
    await page.goto('about:blank');
    await until('its runs', async () => (await second.locator('.run-head').count()) === 2);
    await second.close();
    await page.goto(relay.url);
    await game.openTab('Runs');
    await until('the runs', async () => (await heads()).length === 2);
    await page.locator('.run-head').nth(1).click();
  });

  it('forgets a run that is removed', async () => {
    await page.getByRole('button', { name: 'Remove' }).click();
    await until('one run', async () => (await heads()).length === 1);
    await page.reload();
    await game.openTab('Runs');
    await until('the runs', async () => (await heads()).length === 1);
  });
});

describe('runs with a model behind the relay', { concurrency: false }, () => {
  const plan = {
    strategy: 'economic',
    focus: 'resources',
    priorities: ['collect_energy'],
    description: 'Gather first, fight later.',
  };
  const fits = { model: 'one', calls: [1, 1] };
  let mock;
  let relay;
  let browser;
  let page;
  let game;

  before(async () => {
    mock = await start_mock();
    relay = await startRelay({
      env: {
        REDOUBT_PROVIDERS_0_NAME: 'openai',
        REDOUBT_PROVIDERS_0_BASE_URL: `${mock.url}/v1`,
        REDOUBT_ALIASES_0_NAME: 'strategist',
        REDOUBT_ALIASES_0_TARGETS: 'openai/one',
      },
    });
    browser = await openBrowser();
    page = await browser.page();
    game = gamePage(page);
    await game.open(relay.url);
    // These players want no strategies from the relay: whoever asks the model is a run.
    await game.openTab('Match');
    for (const team of ['Red', 'Blue']) {
      await page.locator('.match').getByLabel(team).selectOption('rush');
    }
    await page.getByRole('button', { name: 'Start match' }).click();
    await until('the new match', async () => /rush/.test(await game.card('Red').innerText()));
    await until('it to be kept', async () => (await game.keptTick()) !== null);
    await game.openTab('Runs');
  });
  after(async () => {
    await browser?.close();
    await relay?.kill();
    await mock?.stop();
  });
  const head = () => page.locator('.run-head').first().innerText();

  it('goes on after a reload in the middle of a model call', async () => {
    // The first call never ends; only a page that asks again gets an answer.
    await mock.script([
      { when: fits, do: [{ head: 200 }, { hold: true }] },
      { when: { model: 'one' }, do: [{ answer: { text: JSON.stringify(plan) } }] },
    ]);
    await mock.forget();
    const run = page.getByRole('button', { name: 'Run', exact: true });
    await until('the workflows to load', () => run.isEnabled());
    await run.click();
    await until('the model to be asked', async () => (await mock.calls()).length === 1);
    assert.match(await head(), /Running/);
    await page.reload();
    await game.openTab('Runs');
    await until('its end', async () => /Done/.test(await head()));
    await page.locator('.run-head').first().click();
    await page.getByText('Result').click();
    const result = JSON.parse(await page.locator('.run-body pre').innerText());
    assert.deepEqual(result, { answer: plan, source: 'model' });
    assert.equal((await mock.calls()).length, 2);
  });

  it('moves to the relay in the middle, is finished there, and shows the result here', async () => {
    await mock.script([
      { when: fits, do: [{ head: 200 }, { hold: true }] },
      {
        when: { model: 'one' },
        do: [{ wait_ms: 300 }, { answer: { text: JSON.stringify(plan) } }],
      },
    ]);
    await mock.forget();
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await until('the model to be asked', async () => (await mock.calls()).length === 1);
    await page.getByRole('button', { name: 'Move to the relay' }).click();
    await until('it to be there', async () => /At the relay/.test(await head()));
    // The page's own call ended with the move; the relay asks for itself.
    await until('its end', async () => /Done/.test(await head()));
    const calls = await mock.calls();
    assert.equal(calls.length, 2);
    assert.equal(calls[0].end, 'client_gone');
    await page.getByText('Result').click();
    const result = JSON.parse(await page.locator('.run-body pre').innerText());
    assert.deepEqual(result, { answer: plan, source: 'model' });
    assert.match(await page.locator('.run-body').innerText(), /events/);
  });
});

describe("a model of the player's own", { concurrency: false }, () => {
  const key = 'sk-a-key-of-the-player';
  const plan = {
    strategy: 'aggressive',
    focus: 'combat',
    priorities: ['attack_enemies'],
    description: 'Straight for their base.',
  };
  const asked = [];
  let relay;
  let browser;
  let page;
  let game;

  before(async () => {
    relay = await startRelay({ env: { REDOUBT_PAGE_CONNECT: 'https://api.openai.com' } });
    browser = await openBrowser();
    page = await browser.page();
    await page.route('https://api.openai.com/**', (route) => {
      asked.push(route.request());
      const chunks = [
        {
          choices: [{ index: 0, delta: { content: JSON.stringify(plan) }, finish_reason: 'stop' }],
        },
        { choices: [], usage: { prompt_tokens: 900, completion_tokens: 60, total_tokens: 960 } },
      ];
      const body = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('');
      return route.fulfill({
        headers: { 'content-type': 'text/event-stream', 'access-control-allow-origin': '*' },
        body: `${body}data: [DONE]\n\n`,
      });
    });
    game = gamePage(page);
    await game.open(relay.url);
  });
  after(async () => {
    await browser?.close();
    await relay?.kill();
  });

  it('answers a run where the relay has no model', async () => {
    await game.openTab('Relay');
    const form = page.getByRole('region', { name: 'Your own model' });
    await form.getByLabel('Model', { exact: true }).fill('gpt-5-mini');
    await form.getByLabel('Key').fill(key);
    await form.getByRole('button', { name: 'Use it' }).click();
    await until('the model to be in use', () => form.getByText('openai/gpt-5-mini').isVisible());
    await game.openTab('Runs');
    const run = page.getByRole('button', { name: 'Run', exact: true });
    await until('the workflows to load', () => run.isEnabled());
    await run.click();
    await until('its end', async () =>
      /Done/.test((await page.locator('.run-head').allInnerTexts())[0] ?? ''),
    );
    await page.getByText('Result').click();
    const result = JSON.parse(await page.locator('.run-body pre').innerText());
    assert.deepEqual(result, { answer: plan, source: 'model' });
    assert.equal(await asked[0].headerValue('authorization'), `Bearer ${key}`);
  });

  it('leads a team when the relay is gone, and says so', async () => {
    await relay.kill();
    await page.keyboard.press(']');
    await until('a strategy from it', async () =>
      /openai\/gpt-5-mini/.test(await game.source('Red')),
    );
    await game.openTab('Relay');
    const form = page.getByRole('region', { name: 'Your own model' });
    assert.match(await form.innerText(), /calls, [\d,]+ tokens/);
    assert.match(await form.innerText(), /\$0\.00\d\d/);
  });

  it('keeps the key nowhere', async () => {
    const stored = await page.evaluate(async () => {
      const texts = [document.documentElement.outerHTML, location.href, document.cookie];
      for (const storage of [localStorage, sessionStorage]) texts.push(JSON.stringify(storage));
      for (const { name } of await indexedDB.databases()) {
        const database = await new Promise((resolve, reject) => {
          const opening = indexedDB.open(name);
          opening.onsuccess = () => resolve(opening.result);
          opening.onerror = () => reject(opening.error);
        });
        for (const store of database.objectStoreNames) {
          const all = database.transaction(store).objectStore(store).getAll();
          await new Promise((resolve) => (all.onsuccess = resolve));
          const bytes = (_, value) =>
            value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
          texts.push(JSON.stringify(all.result, bytes));
        }
        database.close();
      }
      return texts.join('\n');
    });
    assert.ok(stored.length > 10_000);
    assert.ok(!stored.includes(key));
    await page.getByRole('button', { name: 'Forget the key' }).click();
    await until('the form', () => page.getByRole('button', { name: 'Use it' }).isVisible());
  });
});
