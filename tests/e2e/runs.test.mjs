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
});
