/** Agents as pictures, so that a frame with many of them is many small copies. */

import { HALO, mix, TEAM_COLOURS, TEAMS_MAX } from './palette';
import { agentPath } from './shapes';

const ROLES = ['collector', 'explorer', 'defender', 'attacker'] as const;

/** Which of the pictures shows a team's role. */
export const spriteOf = (team: number, role: number): number => team * ROLES.length + role;

/** One picture a team and role, drawn once for a size: dark halo, fill, light outline. */
export function makeSprites(glyph: number, ratio: number): HTMLCanvasElement[] {
  const half = glyph * 1.3 + 3;
  const sprites: HTMLCanvasElement[] = [];
  for (let team = 0; team < TEAMS_MAX; team++) {
    for (const role of ROLES) {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = Math.ceil(half * 2 * ratio);
      const context = canvas.getContext('2d')!;
      context.scale(ratio, ratio);
      context.translate(canvas.width / ratio / 2, canvas.height / ratio / 2);
      context.lineJoin = 'round';
      const path = agentPath(role, glyph);
      context.strokeStyle = HALO;
      context.lineWidth = Math.max(3, glyph * 0.62);
      context.stroke(path);
      context.fillStyle = TEAM_COLOURS[team];
      context.fill(path);
      context.strokeStyle = mix(TEAM_COLOURS[team], '#ffffff', 0.6);
      context.lineWidth = Math.max(0.9, glyph * 0.14);
      context.stroke(path);
      sprites.push(canvas);
    }
  }
  return sprites;
}
