import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ClientError,
  type ClientOptions,
  createClient,
  type Directive,
  type Recommendation,
  type Status,
} from '../../../web/client/src/index.js';
import { LATE_ANSWER_MAX_MS } from '../../../web/client/src/call.js';
import { CALLS_UNDER_WAY_MAX } from '../../../web/client/src/calls.js';
import {
  type Behaviour,
  FakeClock,
  FakeNetwork,
  FakeRelay,
  GOOD_SPECIFICATION,
  GOOD_STRATEGY,
  json,
  settle,
} from './fake_world.js';

const ENGINE_STRATEGY = {
  ...GOOD_STRATEGY,
  strategy: 'balanced',
  description: 'The engine says so.',
  reasons: [{ feature: 'gap', text: 'Behind by 3.', value: 3, unit: '%', weight: 0.5, cells: [4] }],
  confidence: 0.7,
};
const WORLD = { territory_control: {}, resources: {}, agents: {}, resource_distribution: {} };

function begin(options: Partial<ClientOptions> = {}) {
  const clock = new FakeClock();
  const relay = new FakeRelay(clock);
  const network = new FakeNetwork();
  const asked: { kind: string; request: unknown }[] = [];
  const note = (kind: string, answer: unknown) => (request: unknown) => {
    asked.push({ kind, request });
    return answer;
  };
  const client = createClient({
    engine: {
      strategy: note('strategy', ENGINE_STRATEGY),
      agentSpecification: note('specification', GOOD_SPECIFICATION),
      strategyAdaptation: note('adaptation', ENGINE_STRATEGY),
    },
    relay: 'http://relay.test/',
    fetch: relay.fetch as typeof fetch,
    now: clock.now,
    schedule: clock.schedule,
    random: () => 0.5,
    network,
    ...options,
  });
  const statuses: Status[] = [];
  client.onStatus((status) => statuses.push(status));
  return { client, clock, relay, network, asked, statuses };
}

/** Settles a call while the clock turns. */
async function within<T>(clock: FakeClock, ms: number, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  await clock.advance(ms);
  return work;
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'answered',
    (error: unknown) => (error instanceof ClientError ? error.code : String(error)),
  );

describe('a call', () => {
  it('is answered by the relay while it is there, without what the shape does not name', async () => {
    const { client, clock, relay } = begin();
    await clock.advance(100);
    relay.answers.set('/api/team-strategy', () =>
      json({ ...GOOD_STRATEGY, model: 'small-1', cost_microusd: 120, secret: 'x' }),
    );
    const answer = await within(clock, 100, client.strategy('blue', WORLD));
    expect(answer).toEqual({
      value: { ...GOOD_STRATEGY, reasons: [], confidence: null },
      source: 'relay',
      model: 'small-1',
      latencyMs: 20,
      costMicroUsd: 120,
    });
    expect(relay.asked[0]).toMatchObject({
      path: '/api/team-strategy',
      body: { ...WORLD, team_id: 'blue' },
    });
    expect(client.status).toMatchObject({
      state: 'online',
      model: 'small-1',
      latencyP50Ms: 20,
      costMicroUsd: 120,
    });
  });

  it('asks the three paths, and the engine by the same requests', async () => {
    const { client, clock, relay, asked } = begin();
    await clock.advance(100);
    const design = {
      strategy: GOOD_STRATEGY as never,
      resources: { energy: 1, materials: 2, data: 3 },
    };
    const seen = { ...WORLD, current_strategy: GOOD_STRATEGY as never, opponent_history: [] };
    const all = () =>
      Promise.all([
        client.strategy(0, WORLD),
        client.agentSpecification(1, design),
        client.adaptation('yellow', seen),
      ]);
    const fromRelay = await within(clock, 100, all());
    expect(fromRelay.map((answer) => answer.source)).toEqual(['relay', 'relay', 'relay']);
    relay.behaviour = 'refused';
    await clock.advance(2000);
    const fromEngine = await within(clock, 100, all());
    expect(fromEngine.map((answer) => answer.source)).toEqual(['engine', 'engine', 'engine']);
    expect(relay.asked.map(({ path, body }) => ({ path, body }))).toEqual([
      { path: '/api/team-strategy', body: asked[0]?.request },
      { path: '/api/agent-specification', body: asked[1]?.request },
      { path: '/api/strategy-adaptation', body: asked[2]?.request },
    ]);
    expect(asked.map(({ kind }) => kind)).toEqual(['strategy', 'specification', 'adaptation']);
    expect(asked[2]?.request).toEqual({ ...seen, team_id: 'yellow' });
  });

  it('asks the engine for the situation when it gets no request', async () => {
    const seen: number[] = [];
    const { client, clock, relay } = begin({
      engine: {
        strategy: () => ENGINE_STRATEGY,
        agentSpecification: () => GOOD_SPECIFICATION,
        situation: async (team) => {
          seen.push(team);
          return WORLD;
        },
      },
    });
    await clock.advance(100);
    await within(clock, 100, client.strategy('green'));
    expect(seen).toEqual([2]);
    expect(relay.asked[0]?.body).toEqual({ ...WORLD, team_id: 'green' });
  });

  it('without a request and without a world is a bad request', async () => {
    const { client } = begin();
    expect(await codeOf(client.strategy('red'))).toBe('bad_request');
    expect(await codeOf(client.strategy('violet' as never, WORLD))).toBe('bad_request');
  });

  it('goes to the engine at once when the relay breaks under it', async () => {
    const { client, clock, relay, statuses } = begin();
    await clock.advance(100);
    relay.behaviour = 'refused';
    const answer = await within(clock, 0, client.strategy('red', WORLD));
    expect(answer).toMatchObject({ source: 'engine', reduced: { code: 'relay_unreachable' } });
    expect(answer.value).toEqual(ENGINE_STRATEGY);
    expect(statuses.at(-1)).toMatchObject({ state: 'lost', retryAtMs: 475 });
  });

  it('is not even sent while the relay is lost', async () => {
    const { client, clock, relay } = begin();
    relay.behaviour = 'refused';
    await clock.advance(2000);
    const answer = await within(clock, 0, client.strategy('red', WORLD));
    expect(answer).toMatchObject({ source: 'engine', latencyMs: 0 });
    expect(answer.reduced?.message).toContain('http://relay.test cannot be reached');
    expect(relay.asked).toEqual([]);
  });

  it('that waits when the relay falls silent does not wait for its deadline', async () => {
    const { client, clock, relay } = begin();
    await clock.advance(1000);
    relay.behaviour = 'silent';
    const begun = clock.nowMs;
    const answer = client.strategy('red', WORLD);
    await clock.advance(2000);
    expect(await answer).toMatchObject({ reduced: { code: 'relay_unreachable' } });
    expect((await answer).latencyMs).toBeLessThan(2000);
    expect(client.status.state).toBe('lost');
    expect(client.status.since - begun).toBeLessThan(2000);
  });

  it('takes a bad gateway for a lost relay', async () => {
    const { client, clock, relay } = begin();
    await clock.advance(100);
    for (const path of ['/api/team-strategy', '/healthz']) {
      relay.answers.set(path, () => new Response('<h1>502</h1>', { status: 502 }));
    }
    const answer = await within(clock, 100, client.strategy('red', WORLD));
    expect(answer.reduced?.code).toBe('relay_unreachable');
    expect(client.status.state).toBe('lost');
  });

  it('sends the token, and asks a function for each', async () => {
    let asked = 0;
    const { client, clock, relay } = begin({ token: async () => `t${++asked}` });
    await clock.advance(100);
    await within(clock, 100, client.strategy('red', WORLD));
    await within(clock, 100, client.strategy('red', WORLD));
    expect(relay.asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer t1',
      'Bearer t2',
    ]);
  });

  it('without a token goes to the engine and says unauthorized', async () => {
    const { client, clock, relay } = begin({
      token: () => Promise.reject(new Error('signed out')),
    });
    await clock.advance(100);
    const answer = await within(clock, 100, client.strategy('red', WORLD));
    expect(answer.reduced?.code).toBe('unauthorized');
    expect(relay.asked).toHaveLength(0);
    expect(client.status.state).toBe('online');
  });
});

describe('the deadline', () => {
  it('lets the engine answer, says slow, and delivers the late answer as a directive', async () => {
    const { client, clock, relay, statuses } = begin();
    const directives: Directive[] = [];
    client.onDirective((directive) => directives.push(directive));
    await clock.advance(100);
    relay.behaviour = 'slow';
    const begun = clock.nowMs;
    const answer = await within(clock, 2500, client.strategy('red', WORLD));
    expect(answer).toMatchObject({
      source: 'engine',
      latencyMs: 2500,
      reduced: {
        code: 'relay_timeout',
        message: 'The relay took over 2.5 s. The built-in strategist answered.',
      },
    });
    expect(client.status).toMatchObject({ state: 'slow', since: begun + 2500 });
    expect(client.status.lastError?.code).toBe('relay_timeout');
    expect(directives).toEqual([]);
    await clock.advance(1500);
    expect(directives).toEqual([
      { team: 'red', strategy: expect.objectContaining(GOOD_STRATEGY), model: null, late: true },
    ]);
    expect(client.status.state).toBe('slow');
    relay.behaviour = 'up';
    expect((await within(clock, 100, client.strategy('red', WORLD))).source).toBe('relay');
    expect(client.status.state).toBe('online');
    expect(statuses.map(({ state }) => state)).not.toContain('lost');
  });

  it('delivers a late agent as a recommendation', async () => {
    const { client, clock, relay } = begin({ deadlineMs: 100 });
    const seen: Recommendation[] = [];
    client.onRecommendation((recommendation) => seen.push(recommendation));
    await clock.advance(50);
    relay.behaviour = 'slow';
    const design = {
      strategy: GOOD_STRATEGY as never,
      resources: { energy: 1, materials: 2, data: 3 },
    };
    const answer = await within(clock, 100, client.agentSpecification('blue', design));
    expect(answer.reduced?.message).toContain('0.1 s');
    await clock.advance(4000);
    expect(seen).toEqual([
      { team: 'blue', specification: GOOD_SPECIFICATION, model: null, late: true },
    ]);
  });

  it('gives a late answer up in the end, and a bad one is no directive', async () => {
    const { client, clock, relay } = begin();
    const directives: Directive[] = [];
    client.onDirective((directive) => directives.push(directive));
    await clock.advance(100);
    relay.behaviour = 'slow';
    relay.slowMs = LATE_ANSWER_MAX_MS + 1;
    await within(clock, 2500, client.strategy('red', WORLD));
    await clock.advance(LATE_ANSWER_MAX_MS);
    relay.slowMs = 3000;
    relay.answers.set('/api/team-strategy', () => json({ ...GOOD_STRATEGY, focus: 'glory' }));
    await within(clock, 2500, client.strategy('red', WORLD));
    await clock.advance(LATE_ANSWER_MAX_MS);
    expect(directives).toEqual([]);
    expect(client.status.lastError).toMatchObject({ code: 'bad_answer', path: 'focus' });
  });

  it('never lets more than so many calls wait for the relay', async () => {
    const { client, clock, relay } = begin();
    await clock.advance(100);
    relay.behaviour = 'slow';
    const answers = Array.from({ length: CALLS_UNDER_WAY_MAX + 3 }, () =>
      client.strategy('red', WORLD),
    );
    await clock.advance(2500);
    const all = await Promise.all(answers);
    expect(relay.asked).toHaveLength(CALLS_UNDER_WAY_MAX);
    expect(all.filter(({ latencyMs }) => latencyMs === 0)).toHaveLength(3);
    await clock.advance(5000);
    relay.behaviour = 'up';
    expect((await within(clock, 100, client.strategy('red', WORLD))).source).toBe('relay');
  });
});

describe('what the relay refuses', () => {
  it('rejects a bad request, names the member, and is no outage', async () => {
    const { client, clock, relay } = begin();
    await clock.advance(100);
    relay.answers.set('/api/team-strategy', () =>
      json(
        {
          detail: [
            { type: 'missing', loc: ['body', 'agents', 'red'], msg: 'Field required', input: {} },
          ],
        },
        422,
      ),
    );
    const call = client.strategy('red', WORLD);
    expect(await codeOf(within(clock, 100, call))).toBe('bad_request');
    await expect(call).rejects.toMatchObject({
      path: 'agents.red',
      got: '{}',
      status: 422,
      message: 'The relay answered 422: Field required. Correct the request.',
    });
    expect(client.status.state).toBe('online');
  });

  it.each([
    ['a number of seconds', { 'retry-after': '7' }, 7000],
    [
      'a date',
      { 'retry-after': 'Fri, 20 Nov 2026 10:00:09 GMT', date: 'Fri, 20 Nov 2026 10:00:00 GMT' },
      9000,
    ],
    ['a date that cannot be placed', { 'retry-after': 'Fri, 20 Nov 2026 10:00:09 GMT' }, 5000],
    ['nothing readable', {}, 5000],
  ])('honours Retry-After given as %s', async (_what, headers, waitMs) => {
    const { client, clock, relay } = begin();
    await clock.advance(100);
    relay.answers.set('/api/team-strategy', () =>
      json({ detail: 'Too many requests' }, 429, headers as Record<string, string>),
    );
    const first = await within(clock, 20, client.strategy('red', WORLD));
    expect(first).toMatchObject({ source: 'engine', reduced: { code: 'rate_limited' } });
    expect(client.status).toMatchObject({
      state: 'online',
      limit: { code: 'rate_limited', untilMs: clock.nowMs + waitMs },
    });
    relay.answers.clear();
    await clock.advance(waitMs - 1);
    await within(clock, 0, client.strategy('red', WORLD));
    expect(relay.asked).toHaveLength(1);
    await clock.advance(1);
    const later = await within(clock, 20, client.strategy('red', WORLD));
    expect(later.source).toBe('relay');
    expect(client.status.limit).toBeNull();
  });

  it('believes no Retry-After of more than a day', async () => {
    const { client, clock, relay } = begin();
    await clock.advance(100);
    relay.answers.set('/api/team-strategy', () => json({}, 429, { 'retry-after': '604800' }));
    await within(clock, 20, client.strategy('red', WORLD));
    expect(client.status.limit?.untilMs).toBe(clock.nowMs + 86_400_000);
  });

  it.each([
    [402, { error: { code: 'budget_exhausted', message: 'Budget used' } }, 'budget_exhausted'],
    [429, { code: 'budget_exhausted', title: 'Budget used' }, 'budget_exhausted'],
    [401, { detail: 'Token expired' }, 'unauthorized'],
    [403, { detail: 'No right' }, 'unauthorized'],
    [500, { detail: 'Model said nothing' }, 'model_failed'],
    [503, { detail: 'Draining' }, 'relay_unreachable'],
  ])('answers %i from the engine', async (status, body, code) => {
    const { client, clock, relay } = begin();
    await clock.advance(100);
    relay.answers.set('/api/team-strategy', () => json(body, status));
    const answer = await within(clock, 100, client.strategy('red', WORLD));
    expect(answer).toMatchObject({ source: 'engine', reduced: { code } });
    expect(client.status.state).toBe('online');
  });

  it.each([
    ['no JSON', () => new Response('<html>'), undefined],
    ['no object', () => json(['aggressive']), ''],
    ['an unknown strategy', () => json({ ...GOOD_STRATEGY, strategy: 'sneaky' }), 'strategy'],
    ['no priorities', () => json({ ...GOOD_STRATEGY, priorities: [] }), 'priorities'],
    [
      'an unknown priority',
      () => json({ ...GOOD_STRATEGY, priorities: ['defend_base', 'win'] }),
      'priorities.1',
    ],
    ['a novel', () => json({ ...GOOD_STRATEGY, description: 'x'.repeat(201) }), 'description'],
    ['an overlong body', () => json({ ...GOOD_STRATEGY, x: 'x'.repeat(300_000) }), undefined],
    ['a doubtful confidence', () => json({ ...GOOD_STRATEGY, confidence: 2 }), 'confidence'],
    [
      'a reason that is none',
      () => json({ ...GOOD_STRATEGY, reasons: [{ feature: 'x' }] }),
      'reasons.0.text',
    ],
  ])('does not hand on %s', async (_what, make, path) => {
    const { client, clock, relay } = begin();
    await clock.advance(100);
    relay.answers.set('/api/team-strategy', make);
    const answer = await within(clock, 100, client.strategy('red', WORLD));
    expect(answer).toMatchObject({ source: 'engine', reduced: { code: 'bad_answer' } });
    expect(client.status.lastError?.path).toBe(path);
    expect(client.status.state).toBe('online');
  });

  it.each([
    [
      'a sum over 3',
      {
        ...GOOD_SPECIFICATION,
        attributes: { speed: 1, health: 1, attack: 1, defense: 0.1, carryCapacity: 0.1 },
      },
      'attributes',
    ],
    [
      'an attribute of 0',
      { ...GOOD_SPECIFICATION, attributes: { ...GOOD_SPECIFICATION.attributes, speed: 0 } },
      'attributes.speed',
    ],
    ['an unknown role', { ...GOOD_SPECIFICATION, role: 'wizard' }, 'role'],
    ['priority territory', { ...GOOD_SPECIFICATION, priority: 'territory' }, 'priority'],
  ])('does not hand on an agent with %s', async (_what, body, path) => {
    const { client, clock, relay } = begin();
    await clock.advance(100);
    relay.answers.set('/api/agent-specification', () => json(body));
    const design = {
      strategy: GOOD_STRATEGY as never,
      resources: { energy: 1, materials: 2, data: 3 },
    };
    const answer = await within(clock, 100, client.agentSpecification('red', design));
    expect(answer).toMatchObject({ source: 'engine', value: GOOD_SPECIFICATION });
    expect(client.status.lastError?.path).toBe(path);
  });
});

describe('what is there', () => {
  it('is no relay where something else answers /healthz', async () => {
    const { client, clock, relay } = begin();
    relay.answers.set('/healthz', () => new Response('<!doctype html>'));
    await clock.advance(100);
    expect(client.status.state).toBe('lost');
  });

  it('is a relay that limits even its liveness check', async () => {
    const { client, clock, relay } = begin();
    relay.answers.set('/healthz', () => json({ detail: 'Too many requests' }, 429));
    await clock.advance(100);
    expect(client.status.state).toBe('online');
  });

  it('is nothing at all where no relay was given, and nothing is reduced', async () => {
    const { client, clock, relay } = begin({ relay: null });
    expect(client.status.state).toBe('offline');
    const answer = await within(clock, 10_000, client.strategy('red', WORLD));
    expect(answer).toEqual({
      value: ENGINE_STRATEGY,
      source: 'engine',
      model: null,
      latencyMs: 0,
      costMicroUsd: 0,
    });
    expect(relay.probeTimes).toEqual([]);
    expect(clock.waiting).toBe(0);
    expect(() => client.connect()).toThrow(ClientError);
  });

  it('must be named by a URL', () => {
    for (const relay of ['relay', 'ftp://relay.test']) {
      expect(() => begin({ relay })).toThrow('cannot be used');
    }
  });

  it('is told once a change', async () => {
    const { clock, statuses, relay, network, client } = begin();
    await clock.advance(10_000);
    expect(statuses.map(({ state }) => state)).toEqual(['online']);
    relay.behaviour = 'refused';
    network.set(false);
    await clock.advance(10);
    expect(client.status.state).toBe('offline');
    relay.behaviour = 'up';
    network.set(true);
    await clock.advance(10);
    expect(client.status).toMatchObject({ state: 'online', retryAtMs: null });
    expect(client.status.outageMs).toBeLessThan(20);
  });
});

describe('an end', () => {
  it('by the signal rejects at once, before, during and for a hanging engine', async () => {
    const { client, clock, relay } = begin();
    await clock.advance(100);
    expect(await codeOf(client.strategy('red', WORLD, { signal: AbortSignal.abort() }))).toBe(
      'aborted',
    );
    relay.behaviour = 'slow';
    const during = new AbortController();
    const call = client.strategy('red', WORLD, { signal: during.signal });
    await clock.advance(100);
    during.abort();
    expect(await codeOf(call)).toBe('aborted');
    await clock.advance(5000);
    expect(client.status.state).toBe('online');

    const hanging = begin({
      engine: { strategy: () => new Promise(() => undefined), agentSpecification: () => null },
      relay: null,
    });
    const hung = new AbortController();
    const stuck = hanging.client.strategy('red', WORLD, { signal: hung.signal });
    await settle();
    hung.abort();
    expect(await codeOf(stuck)).toBe('aborted');
  });

  it('by dispose leaves no timer, no call and no listener', async () => {
    const { client, clock, relay, network, statuses } = begin();
    await clock.advance(100);
    relay.behaviour = 'silent';
    const call = client.strategy('red', WORLD);
    await clock.advance(10);
    const before = statuses.length;
    client.dispose();
    client.dispose();
    expect(await codeOf(call)).toBe('aborted');
    await settle();
    expect(clock.waiting).toBe(0);
    expect(network.subscribers).toBe(0);
    expect(await codeOf(client.strategy('red', WORLD))).toBe('aborted');
    expect(() => client.connect()).toThrow('disposed');
    expect(statuses).toHaveLength(before);
  });

  it('comes with the scope of a using declaration', async () => {
    const { client, clock } = begin();
    client[Symbol.dispose]();
    expect(clock.waiting).toBe(0);
  });

  it("of the engine is the engine's own error", async () => {
    const failure = new Error('out of memory');
    const { client } = begin({
      relay: null,
      engine: {
        strategy: () => Promise.reject(failure),
        agentSpecification: () => GOOD_SPECIFICATION,
      },
    });
    await expect(client.strategy('red', WORLD)).rejects.toBe(failure);
  });
});

interface Spell {
  behaviour: Behaviour;
  lastsMs: number;
  callsEveryMs: number;
  network: boolean;
}
const anyDay = fc.array(
  fc.record<Spell>({
    behaviour: fc.constantFrom<Behaviour>('up', 'refused', 'silent', 'slow'),
    lastsMs: fc.integer({ min: 0, max: 9000 }),
    callsEveryMs: fc.integer({ min: 200, max: 3000 }),
    network: fc.boolean(),
  }),
  { minLength: 1, maxLength: 8 },
);

async function liveThrough(day: Spell[], random: () => number) {
  const { client, clock, relay, network } = begin({ random });
  const answers: { began: number; answer: Promise<unknown> }[] = [];
  for (const { behaviour, lastsMs, callsEveryMs, network: onLine } of day) {
    relay.behaviour = behaviour;
    network.set(onLine);
    const until = clock.nowMs + lastsMs;
    while (clock.nowMs < until) {
      answers.push({ began: clock.nowMs, answer: client.strategy('red', WORLD) });
      await clock.advance(Math.min(callsEveryMs, until - clock.nowMs));
    }
  }
  return { client, clock, relay, answers };
}

describe('whatever the relay does', () => {
  it('every call is answered within the deadline and none rejects; one probe at a time', async () => {
    await fc.assert(
      fc.asyncProperty(anyDay, fc.integer(), async (day, seed) => {
        const random = fc.sample(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
          seed,
          numRuns: 64,
        });
        let draws = 0;
        const world = await liveThrough(day, () => random[draws++ % random.length] ?? 0);
        await world.clock.advance(2500);
        for (const { answer } of world.answers) {
          const given = (await answer) as { latencyMs: number };
          expect(given.latencyMs).toBeLessThanOrEqual(2500);
        }
        expect(world.relay.probesUnderWayMost).toBeLessThanOrEqual(1);
        world.client.dispose();
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('a loss is noticed within 2 s and a return within 5 s', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyDay,
        fc.constantFrom<Behaviour>('refused', 'silent'),
        fc.integer({ min: 2000, max: 30_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (day, loss, lossMs, random) => {
          const { client, clock, relay } = await liveThrough(day, () => random);
          const gone = () => ['lost', 'offline'].includes(client.status.state);
          relay.behaviour = 'up';
          await clock.advance(5000);
          expect(gone()).toBe(false);
          relay.behaviour = loss;
          await clock.advance(2000);
          expect(gone()).toBe(true);
          expect(client.status.retryAtMs).toBeGreaterThanOrEqual(clock.nowMs - 4000);
          await clock.advance(lossMs);
          relay.behaviour = 'up';
          await clock.advance(5000);
          expect(gone()).toBe(false);
          client.dispose();
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);
});

describe("the player's own model", () => {
  const direct = (answer: () => Promise<unknown>) => {
    const signals: AbortSignal[] = [];
    return {
      signals,
      strategy: (_: unknown, signal: AbortSignal) => {
        signals.push(signal);
        return answer() as Promise<{ value: unknown; model: string; costMicroUsd: number }>;
      },
    };
  };
  const good = { value: GOOD_STRATEGY, model: 'anthropic/small', costMicroUsd: 12 };

  it('answers where there is no relay, before the engine', async () => {
    const own = direct(() => Promise.resolve(good));
    const { client, clock, asked } = begin({ relay: null, direct: own });
    expect(await within(clock, 10, client.strategy('red', WORLD))).toMatchObject({
      value: GOOD_STRATEGY,
      source: 'direct',
      model: 'anthropic/small',
      costMicroUsd: 12,
    });
    expect(asked).toEqual([]);
    // What it was not given is the engine's to answer.
    const specification = client.agentSpecification('red', {
      strategy: GOOD_STRATEGY as never,
      resources: { energy: 1, materials: 1, data: 1 },
    });
    expect(await within(clock, 10, specification)).toMatchObject({ source: 'engine' });
    expect(clock.waiting).toBe(0);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('no'))],
    ['says what cannot be read', () => Promise.resolve({ ...good, value: { strategy: 'odd' } })],
  ])('gives way to the engine when it %s', async (_, answer) => {
    const { client, clock } = begin({ relay: null, direct: () => direct(answer) });
    expect(await within(clock, 10, client.strategy('red', WORLD))).toMatchObject({
      source: 'engine',
    });
  });

  it('has until the deadline; what comes later is a directive', async () => {
    let answer: (value: unknown) => void = () => undefined;
    const own = direct(() => new Promise((resolve) => (answer = resolve)));
    const { client, clock } = begin({ relay: null, direct: own });
    const late: Directive[] = [];
    client.onDirective((directive) => late.push(directive));
    expect(await within(clock, 2500, client.strategy('red', WORLD))).toMatchObject({
      source: 'engine',
    });
    answer(good);
    await settle();
    expect(late).toMatchObject([{ team: 'red', model: 'anthropic/small', late: true }]);
  });

  it('is broken off when nobody will want its answer any more', async () => {
    const own = direct(() => new Promise(() => undefined));
    const { client, clock } = begin({ relay: null, direct: own });
    await within(clock, 2500, client.strategy('red', WORLD));
    await clock.advance(LATE_ANSWER_MAX_MS);
    expect(own.signals[0]?.aborted).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  it('is asked when the relay is gone, and not beside one that is slow', async () => {
    const own = direct(() => Promise.resolve(good));
    const { client, clock, relay } = begin({ direct: own });
    await clock.advance(100);
    relay.behaviour = 'slow';
    expect(await within(clock, 2500, client.strategy('red', WORLD))).toMatchObject({
      source: 'engine',
      reduced: { code: 'relay_timeout' },
    });
    relay.behaviour = 'refused';
    await clock.advance(3000);
    expect(await within(clock, 100, client.strategy('red', WORLD))).toMatchObject({
      source: 'direct',
      reduced: { code: 'relay_unreachable' },
    });
  });
});
