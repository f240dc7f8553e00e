/** What the relay pushes, read as strictly as its answers. */

import { ClientError } from './errors.js';
import type { Directive, Recommendation } from './types.js';
import { modelOf, readAgentSpecification, readStrategy, teamName } from './wire.js';

export const FRAME_CHARACTERS_MAX = 262_144;

export type Frame =
  | { kind: 'directive'; directive: Directive }
  | { kind: 'recommendation'; recommendation: Recommendation }
  /** A type that this version does not know, or the relay's word about a frame of ours. */
  | { kind: 'other' };

function parse(text: string): { type?: unknown; data?: Record<string, unknown> } | null {
  const expected = `JSON of at most ${FRAME_CHARACTERS_MAX} characters`;
  try {
    if (text.length > FRAME_CHARACTERS_MAX) throw new RangeError(`${text.length} characters`);
    return JSON.parse(text);
  } catch (cause) {
    throw new ClientError('bad_answer', `The relay pushed a frame that is not ${expected}.`, {
      expected,
      got: text.slice(0, 80),
      cause,
    });
  }
}

/** @throws ClientError bad_answer */
export function readFrame(text: string): Frame {
  const frame = parse(text);
  const data = frame?.data ?? {};
  const from = { model: modelOf(data), late: false };
  if (frame?.type === 'directive') {
    const strategy = readStrategy(data.strategy);
    return { kind: 'directive', directive: { team: teamName(data.team), strategy, ...from } };
  }
  if (frame?.type === 'agent_recommendation') {
    const specification = readAgentSpecification(data.specification);
    const recommendation = { team: teamName(data.team), specification, ...from };
    return { kind: 'recommendation', recommendation };
  }
  return { kind: 'other' };
}
