// The clock of a match, with a clock of our own: no worker, no waiting.
import { beforeEach, describe, expect, it } from 'vitest';
import {
  behind_ms_max,
  late_plan_ms_max,
  Runner,
  slice_ms,
  tick_ms,
} from '../../wasm/src/runner.js';
import type { Simulation } from '../../wasm/src/runner.js';

/** A match whose players need `thoughtMs` for each thought, every 10 ticks, due 5 ticks later. */
class Scripted implements Simulation {
  replay = false;
  shown = 0;
  head = 0;
  end = 5000;
  thoughtMs = 0;
  tickCostMs = 0;
  late = 0;
  private left = 0;
  private thoughtTick = -1;
  constructor(private readonly time: { now: number }) {}
  shownTick = () => this.shown;
  headTick = () => this.head;
  over = () => this.shown >= this.end;
  beginThoughts(): void {
    if (this.head % 10 !== 0 || this.left > 0 || this.thoughtTick === this.head) return;
    this.thoughtTick = this.head;
    this.left = this.thoughtMs;
  }
  thinking(): 0 | 1 | 2 {
    if (this.left <= 0) return 0;
    return this.head >= this.thoughtTick + 5 ? 2 : 1;
  }
  think(units: number): void {
    const ms = Math.min(this.left, units / 128);
    this.time.now += ms;
    this.left -= ms;
  }
  advance(): void {
    if (this.thinking() === 2) ++this.late;
    this.time.now += this.tickCostMs;
    this.shown = ++this.head;
  }
  seek(tick: number): void {
    this.shown = tick;
  }
}

let time: { now: number };
let sim: Scripted;
let frames: number[];
let states: string[];
let runner: Runner;

beforeEach(() => {
  time = { now: 1000 };
  sim = new Scripted(time);
  frames = [];
  states = [];
  runner = new Runner(sim, () => time.now, {
    frame: () => frames.push(sim.shown),
    thought: () => undefined,
    changed: () => states.push(runner.state),
  });
});

/** Lets `ms` pass as a worker would: calls run() when it asks to be called. */
function pass(ms: number): number {
  const until = time.now + ms;
  let longest = 0;
  while (time.now < until) {
    const from = time.now;
    const wait = runner.run();
    longest = Math.max(longest, time.now - from);
    if (wait === null) {
      time.now = until;
      break;
    }
    time.now = Math.min(until, time.now + wait);
  }
  return longest;
}

describe('pacing', () => {
  it.each([0.25, 1, 2, 16])('plays %d times real time', (speed) => {
    runner.play(speed);
    pass(10_000);
    expect(sim.head).toBeGreaterThanOrEqual(100 * speed - 1);
    expect(sim.head).toBeLessThanOrEqual(100 * speed + 1);
  });

  it('keeps its rate on a machine where each tick costs 20 ms', () => {
    sim.tickCostMs = 20;
    runner.play(1);
    pass(5_000);
    expect(sim.head).toBeGreaterThanOrEqual(50);
    expect(sim.head).toBeLessThanOrEqual(52);
  });

  it('owes nothing for the time that it slept', () => {
    runner.play(1);
    pass(1_000);
    const before = sim.head;
    time.now += 60_000;
    pass(1_000);
    expect(sim.head - before).toBeLessThanOrEqual(1_000 / tick_ms + behind_ms_max / tick_ms + 1);
  });

  it('does nothing while paused and goes on at once when played', () => {
    runner.play(1);
    pass(500);
    runner.pause();
    const before = sim.head;
    expect(runner.run()).toBeNull();
    pass(5_000);
    expect(sim.head).toBe(before);
    runner.play();
    runner.run();
    expect(sim.head).toBe(before + 1);
    expect(states).toEqual(['playing', 'paused', 'playing']);
  });

  it('ends with the match and says so once', () => {
    sim.end = 5;
    runner.play(16);
    pass(2_000);
    expect(sim.head).toBe(5);
    expect(frames).toEqual([1, 2, 3, 4, 5]);
    expect(states).toEqual(['playing', 'ended']);
    runner.play(1);
    pass(1_000);
    expect(sim.head).toBe(5);
  });
});

describe('thinking', () => {
  it('thinks in the gaps, in slices, and no plan is late', () => {
    sim.thoughtMs = 60;
    runner.play(1);
    const longest = pass(5_000);
    expect(sim.late).toBe(0);
    expect(sim.head).toBeGreaterThanOrEqual(49);
    expect(longest).toBeLessThanOrEqual(2 * slice_ms);
  });

  it('lets the world go on beside a long thought, and waits only where its orders are due', () => {
    sim.thoughtMs = 480;
    runner.play(1);
    pass(3_000);
    expect(sim.late).toBe(0);
    expect(sim.head).toBeGreaterThanOrEqual(28);
  });

  it('goes on after a bounded wait when a plan does not come', () => {
    sim.thoughtMs = 1_000_000;
    runner.play(1);
    pass(5 * tick_ms + late_plan_ms_max + 3 * tick_ms);
    expect(sim.late).toBeGreaterThan(0);
    expect(sim.head).toBeGreaterThanOrEqual(6);
  });

  it('waits for thought, not for time: a machine that stops the worker makes no plan late', () => {
    sim.thoughtMs = 30;
    const { think } = sim;
    let slices = 0;
    sim.think = (units) => {
      if (++slices % 5 === 0) time.now += 3 * late_plan_ms_max;
      think.call(sim, units);
    };
    runner.play(16);
    pass(60_000);
    expect(sim.head).toBeGreaterThan(10);
    expect(sim.late).toBe(0);
  });

  it('steps wait for every plan, however long', () => {
    sim.thoughtMs = 2_000;
    runner.step(25);
    expect(sim.head).toBe(25);
    expect(sim.late).toBe(0);
    expect(frames).toEqual([25]);
  });
});

describe('the past', () => {
  beforeEach(() => {
    runner.step(100);
    frames.length = 0;
  });

  it('plays the recording on from where it is sought, then the match goes on', () => {
    runner.seek(95);
    expect(frames).toEqual([95]);
    runner.play(1);
    pass(1_000);
    expect(frames.slice(0, 7)).toEqual([95, 96, 97, 98, 99, 100, 101]);
    expect(sim.head).toBeGreaterThan(100);
  });

  it('steps through the past without touching the match', () => {
    runner.seek(10);
    runner.step(3);
    expect(sim.shown).toBe(13);
    expect(sim.head).toBe(100);
  });

  it('a replay ends at its last tick and can be played again from before', () => {
    sim.replay = true;
    runner.seek(98);
    runner.play(16);
    pass(1_000);
    expect(sim.shown).toBe(100);
    expect(runner.state).toBe('ended');
    runner.seek(50);
    expect(runner.state).toBe('paused');
    expect(sim.head).toBe(100);
  });
});
