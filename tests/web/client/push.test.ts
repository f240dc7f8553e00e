import { describe, expect, it } from 'vitest';
import {
  createClient,
  type Directive,
  type Recommendation,
} from '../../../web/client/src/index.js';
import { clientId, SOCKET_RETRY_CAP_MS } from '../../../web/client/src/push.js';
import {
  FakeClock,
  FakeNetwork,
  FakeRelay,
  GOOD_SPECIFICATION,
  GOOD_STRATEGY,
} from './fake_world.js';

/** A socket whose other end is the test. */
class FakeSocket extends EventTarget {
  static made: FakeSocket[] = [];
  readyState = 0;
  bufferedAmount = 0;
  sent: { type: string; data: unknown }[] = [];

  constructor(readonly url: string) {
    super();
    FakeSocket.made.push(this);
  }
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.readyState = 3;
    this.dispatchEvent(new Event('close'));
  }
  opens() {
    this.readyState = 1;
    this.dispatchEvent(new Event('open'));
  }
  says(frame: unknown) {
    const data = typeof frame === 'string' ? frame : JSON.stringify(frame);
    this.dispatchEvent(new MessageEvent('message', { data }));
  }
}

async function begin() {
  FakeSocket.made = [];
  const clock = new FakeClock();
  const relay = new FakeRelay(clock);
  const client = createClient({
    engine: { strategy: () => GOOD_STRATEGY, agentSpecification: () => GOOD_SPECIFICATION },
    relay: 'https://relay.test/below',
    fetch: relay.fetch as typeof fetch,
    WebSocket: FakeSocket as unknown as new (url: string) => WebSocket,
    now: clock.now,
    schedule: clock.schedule,
    random: () => 0.5,
    network: new FakeNetwork(),
  });
  await clock.advance(100);
  return { client, clock, relay, sockets: FakeSocket.made };
}

const gameState = (tick: number) => ({
  territoryControl: { red: tick },
  agents: { red: [] },
  resources: { red: {} },
  resourcesOnMap: { total: 0 },
});

describe('the push socket', () => {
  it('names itself as the relay expects', async () => {
    const { client, sockets } = await begin();
    client.connect();
    expect(sockets[0]?.url).toMatch(/^wss:\/\/relay\.test\/below\/ws\/client_[0-9a-z]{7}$/);
    expect(clientId(Math.random)).toMatch(/^client_[0-9a-z]{7}$/);
    expect(clientId(() => 0.999999)).toBe('client_zzzzzzz');
  });

  it('is one, however often it is asked for, until it is closed', async () => {
    const { client, clock, sockets } = await begin();
    const push = client.connect();
    expect(client.connect()).toBe(push);
    sockets[0]?.opens();
    expect(client.status.push).toBe(true);
    push.close();
    push.close();
    push.send(gameState(1));
    await clock.advance(20_000);
    expect(sockets).toHaveLength(1);
    expect(client.status.push).toBe(false);
    client.connect();
    expect(sockets).toHaveLength(2);
  });

  it('sends the newest state at most once a second', async () => {
    const { client, clock, sockets } = await begin();
    const push = client.connect();
    push.send(gameState(0));
    sockets[0]?.opens();
    for (let tick = 1; tick <= 35; tick++) {
      push.send(gameState(tick));
      await clock.advance(100);
    }
    await clock.advance(1000);
    expect(sockets[0]?.sent.map(({ type }) => type)).toEqual(Array(5).fill('gameState'));
    expect(sockets[0]?.sent.map(({ data }) => data)).toEqual([0, 10, 20, 30, 35].map(gameState));
  });

  it('does not pile states up in a socket that does not drain', async () => {
    const { client, clock, sockets } = await begin();
    const push = client.connect();
    const socket = sockets[0] as FakeSocket;
    socket.opens();
    socket.bufferedAmount = 1e9;
    for (let tick = 1; tick <= 50; tick++) {
      push.send(gameState(tick));
      await clock.advance(100);
    }
    expect(socket.sent).toEqual([]);
    socket.bufferedAmount = 0;
    await clock.advance(1000);
    expect(socket.sent.map(({ data }) => data)).toEqual([gameState(50)]);
  });

  it('delivers directives and recommendations', async () => {
    const { client, sockets } = await begin();
    const directives: Directive[] = [];
    const recommendations: Recommendation[] = [];
    client.onDirective((directive) => directives.push(directive));
    client.onRecommendation((recommendation) => recommendations.push(recommendation));
    client.connect();
    sockets[0]?.opens();
    const data = { team: 'team2', strategy: GOOD_STRATEGY, focus: 'combat', source: 'small-1' };
    sockets[0]?.says({ type: 'directive', team: 'blue', data });
    sockets[0]?.says({
      type: 'agent_recommendation',
      data: { team: 'red', specification: GOOD_SPECIFICATION, source: 'engine' },
    });
    expect(directives).toEqual([
      {
        team: 'blue',
        strategy: { ...GOOD_STRATEGY, reasons: [], confidence: null },
        model: 'small-1',
        late: false,
      },
    ]);
    expect(recommendations).toEqual([
      { team: 'red', specification: GOOD_SPECIFICATION, model: null, late: false },
    ]);
  });

  it.each([
    ['no JSON', '{'],
    ['nothing', 'null'],
    [
      'half a directive',
      { type: 'directive', data: { team: 'red', strategy: { focus: 'combat' } } },
    ],
    [
      'a directive for nobody',
      { type: 'directive', data: { team: 'pink', strategy: GOOD_STRATEGY } },
    ],
    ['a word about our own frame', { type: 'error', data: { message: 'no teams' } }],
    ['a type of another version', { type: 'chat', data: {} }],
    ['a novel', 'x'.repeat(300_000)],
  ])('survives %s', async (_what, frame) => {
    const { client, sockets } = await begin();
    const directives: Directive[] = [];
    client.onDirective((directive) => directives.push(directive));
    client.connect();
    sockets[0]?.opens();
    sockets[0]?.says(frame);
    expect(directives).toEqual([]);
    expect(client.status).toMatchObject({ state: 'online', push: true });
  });

  it('tells of a loss at once by closing, and opens again when the relay is back', async () => {
    const { client, clock, relay, sockets } = await begin();
    const push = client.connect();
    sockets[0]?.opens();
    relay.behaviour = 'refused';
    sockets[0]?.close();
    await clock.advance(0);
    expect(client.status).toMatchObject({ state: 'lost', push: false });
    push.send(gameState(7));
    await clock.advance(20_000);
    expect(sockets).toHaveLength(1);
    relay.behaviour = 'up';
    await clock.advance(5000);
    expect(sockets).toHaveLength(2);
    sockets[1]?.opens();
    expect(sockets[1]?.sent.map(({ data }) => data)).toEqual([gameState(7)]);
    expect(client.status).toMatchObject({ state: 'online', push: true });
  });

  it('is tried ever more seldom where a proxy knows no WebSocket', async () => {
    const { client, clock, sockets } = await begin();
    client.connect();
    const times: number[] = [];
    for (let second = 0; second < 300; second++) {
      if (sockets.length > times.length) {
        times.push(clock.nowMs);
        sockets.at(-1)?.close();
      }
      await clock.advance(1000);
    }
    expect(client.status.state).toBe('online');
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(waits[0]).toBeLessThanOrEqual(2000);
    expect([...waits].sort((a, b) => a - b)).toEqual(waits);
    expect(Math.max(...waits)).toBeLessThanOrEqual(SOCKET_RETRY_CAP_MS + 1000);
    expect(waits.length).toBeLessThan(20);
  });

  it('closes with the client', async () => {
    const { client, clock, sockets } = await begin();
    const push = client.connect();
    sockets[0]?.opens();
    push.send(gameState(1));
    push.send(gameState(2));
    client.dispose();
    expect(sockets[0]?.readyState).toBe(3);
    expect(clock.waiting).toBe(0);
  });
});
