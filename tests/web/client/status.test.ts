import { describe, expect, it } from 'vitest';
import { retryAfterMs, SOCKET_RETRY_CAP_MS } from '../../../web/client/src/push.js';
import { aloneSince, median, sameStatus } from '../../../web/client/src/status.js';

describe('status', () => {
  it('has the median of the latencies, the upper one of two', () => {
    expect(median([])).toBeNull();
    expect(median([700])).toBe(700);
    expect(median([900, 100])).toBe(900);
    expect(median([900, 100, 300])).toBe(300);
  });

  it('is the same until a member of it changes', () => {
    const status = aloneSince(5);
    expect(sameStatus(status, aloneSince(5))).toBe(true);
    expect(sameStatus(status, aloneSince(6))).toBe(false);
    expect(sameStatus(status, { ...status, push: true })).toBe(false);
  });
});

describe('push socket', () => {
  it('waits twice as long after each socket that failed, up to a cap', () => {
    expect([1, 2, 3].map(retryAfterMs)).toEqual([1000, 2000, 4000]);
    expect(retryAfterMs(1000)).toBe(SOCKET_RETRY_CAP_MS);
  });
});
