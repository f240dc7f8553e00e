import { describe, expect, it } from 'vitest';
import { createClient } from '../../../web/client/src/index.js';
import { FakeClock, FakeRelay, GOOD_SPECIFICATION, GOOD_STRATEGY } from './fake_world.js';

const ENGINE_STRATEGY = {
  ...GOOD_STRATEGY,
  strategy: 'balanced',
  description: 'The engine says so.',
};
const REQUEST = { territory_control: {}, resources: {}, agents: {}, resource_distribution: {} };

describe('client', () => {
  it('takes the relay while it is there and the engine when it is gone', async () => {
    const clock = new FakeClock();
    const relay = new FakeRelay(clock);
    const client = createClient({
      engine: { strategy: () => ENGINE_STRATEGY, agentSpecification: () => GOOD_SPECIFICATION },
      relay: 'http://relay.test',
      fetch: relay.fetch as typeof fetch,
      now: clock.now,
      schedule: clock.schedule,
      random: () => 0.5,
    });
    await clock.advance(100);
    expect(client.status.state).toBe('online');
    const first = client.strategy('red', REQUEST);
    await clock.advance(100);
    expect(await first).toMatchObject({ source: 'relay', value: GOOD_STRATEGY });
    relay.behaviour = 'refused';
    await clock.advance(2000);
    expect(client.status.state).toBe('lost');
    expect(await client.strategy('red', REQUEST)).toMatchObject({
      source: 'engine',
      value: ENGINE_STRATEGY,
      reduced: { code: 'relay_unreachable' },
    });
    relay.behaviour = 'up';
    await clock.advance(5000);
    expect(client.status.state).toBe('online');
    client.dispose();
  });
});
