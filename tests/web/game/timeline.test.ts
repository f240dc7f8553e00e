import { describe, expect, it } from 'vitest';
import { timeline } from '../../../web/game/src/runs/timeline';

const event = (
  seq: number,
  at: number,
  kind: string,
  step: string,
  instance: number,
  payload: unknown = null,
) => ({
  seq,
  at,
  kind,
  step,
  instance,
  payload,
});

describe('the timeline of a run', () => {
  it('has a row for each named step, from its first event to its end', () => {
    const rows = timeline(
      [
        { seq: 0, at: 1000, kind: 'started', payload: {} },
        event(1, 1000, 'scheduled', 'plan', 2),
        event(2, 1400, 'failed', 'plan', 2),
        event(3, 1400, 'retrying', 'plan', 2),
        event(4, 1600, 'scheduled', 'plan', 2),
        event(5, 1800, 'fallback', 'plan', 2),
        event(6, 1800, 'step_done', 'workflow.0', 3),
        event(7, 1900, 'step_done', 'plan', 2),
        event(8, 2000, 'waiting', 'sure', 4, { question: 'Sure?' }),
      ],
      5000,
    );
    expect(rows).toEqual([
      {
        key: '2',
        step: 'plan',
        beginMs: 0,
        endMs: 900,
        state: 'done',
        calls: 2,
        retries: 1,
        fellBack: true,
      },
      {
        key: '4',
        step: 'sure',
        beginMs: 1000,
        endMs: 4000,
        state: 'asking',
        calls: 0,
        retries: 0,
        fellBack: false,
      },
    ]);
  });

  it('shows a place without a name only where it failed', () => {
    const rows = timeline([event(0, 5, 'step_failed', 'workflow.1', 1)], 9);
    expect(rows.map(({ step, state }) => [step, state])).toEqual([['workflow.1', 'failed']]);
  });

  it('is empty before the first event', () => {
    expect(timeline([], 9)).toEqual([]);
  });
});
