/**
 * Renderer: the board as layers of Canvas 2D. `setMap` when the map, the place or the pixel ratio
 * changes; `setFrame` once a tick; `draw` once an animation frame, which costs nothing while
 * nothing moves.
 */

import type { Frame, MapInfo } from '@redoubt/engine';
import type { Marking, Motion } from './agents';
import * as agentLayer from './agents';
import type { Layout } from './geometry';
import * as groundLayer from './ground';
import type { Heat } from './heat';
import * as heatLayer from './heat';
import type { TeamPlan } from './plan';
import * as planLayer from './plan';

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
  const ground = groundLayer.open(canvases.ground);
  const heat = heatLayer.open(canvases.heat);
  const plan = planLayer.open(canvases.plan);
  const agents = agentLayer.open(canvases.agents);
  return {
    setMap(map, layout, ratio) {
      groundLayer.setMap(ground, map, layout, ratio);
      heatLayer.setMap(heat, map, layout, ratio);
      planLayer.setMap(plan, layout, ratio);
      agentLayer.setMap(agents, map, layout, ratio);
    },
    setFrame(frame, motion) {
      groundLayer.setFrame(ground, frame, motion.now, motion.snap);
      agentLayer.setFrame(agents, frame, motion);
    },
    setTint: (shown) => groundLayer.setTint(ground, shown),
    setHeat: (next) => heatLayer.setHeat(heat, next),
    setPlans: (plans, cells, now, still) => planLayer.setPlans(plan, plans, cells, now, still),
    setMarking: (marking) => agentLayer.setMarking(agents, marking),
    draw(now) {
      groundLayer.draw(ground, now);
      heatLayer.draw(heat);
      planLayer.draw(plan, now);
      agentLayer.draw(agents, now);
    },
    locate: (agent, now) => agentLayer.locate(agents, agent, now),
  };
}
