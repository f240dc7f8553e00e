/**
 * Renderer: the board as layers of Canvas 2D. `setMap` when the map, the place or the pixel ratio
 * changes; `setFrame` once a tick; `draw` once an animation frame, which costs nothing while
 * nothing moves.
 */

import type { Frame, MapInfo } from '@redoubt/engine';
import { createAgents, type Marking, type Motion } from './agents';
import type { Layout } from './geometry';
import { createGround } from './ground';
import { createHeat, type Heat } from './heat';
import { createPlan, type TeamPlan } from './plan';

export interface Renderer {
  setMap(map: MapInfo, layout: Layout, ratio: number): void;
  setFrame(frame: Frame, motion: Motion): void;
  setTint(shown: boolean): void;
  setHeat(heat: Heat | null): void;
  setPlans(plans: readonly TeamPlan[], cells: ArrayLike<number>, now: number, still: boolean): void;
  setMarking(marking: Marking): void;
  draw(now: number): void;
  locate(agent: number, now: number): { x: number; y: number } | null;
}

export interface Canvases {
  readonly ground: HTMLCanvasElement;
  readonly heat: HTMLCanvasElement;
  readonly plan: HTMLCanvasElement;
  readonly agents: HTMLCanvasElement;
}

export function createRenderer(canvases: Canvases): Renderer {
  const ground = createGround(canvases.ground);
  const heat = createHeat(canvases.heat);
  const plan = createPlan(canvases.plan);
  const agents = createAgents(canvases.agents);
  return {
    setMap(map, layout, ratio) {
      for (const layer of [ground, heat, plan, agents]) layer.setMap(map, layout, ratio);
    },
    setFrame(frame, motion) {
      ground.setFrame(frame, motion.now, motion.snap);
      agents.setFrame(frame, motion);
    },
    setTint: ground.setTint,
    setHeat: heat.setHeat,
    setPlans: plan.setPlans,
    setMarking: agents.setMarking,
    draw(now) {
      ground.draw(now);
      heat.draw();
      plan.draw(now);
      agents.draw(now);
    },
    locate: agents.locate,
  };
}
