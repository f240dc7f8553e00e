/** Who answers a run's model step: the relay where it has a model, else the player's own. */

import { ClientError } from '@redoubt/client';
import {
  EffectFailure,
  type ModelAnswer,
  type ModelEffect,
  type ModelRequest,
} from '@redoubt/engine/workflows';
import type { Game } from '../game';
import { answerOf, askedOf } from './answers';

const RELAY_MODEL = 'strategist';

/** A page that was just opened does not know yet whether there is a relay. */
function relayKnown({ client }: Game, signal: AbortSignal): Promise<void> {
  if (client.status.state !== 'connecting') return Promise.resolve();
  return new Promise((resolve) => {
    const known = () => {
      if (client.status.state === 'connecting' && !signal.aborted) return;
      end();
      resolve();
    };
    const end = client.onStatus(known);
    signal.addEventListener('abort', known, { once: true });
  });
}

/**
 * Asks the relay's model, else the player's own. Where there is neither the step fails at once, and
 * its fallback answers.
 */
export async function askModel(
  game: Game,
  effect: ModelEffect,
  signal: AbortSignal,
): Promise<ModelAnswer> {
  await relayKnown(game, signal);
  const { request } = effect;
  const { state } = game.client.status;
  const own = game.own.current;
  if (state === 'online' || state === 'slow') {
    try {
      return await askRelay(game, request, signal);
    } catch (error) {
      if (!own || signal.aborted) throw error;
    }
  }
  if (own) return own.answer(request, signal);
  throw new EffectFailure('no_model', 'There is no relay now, and no model of your own.');
}

async function askRelay(
  game: Game,
  request: ModelRequest,
  signal: AbortSignal,
): Promise<ModelAnswer> {
  try {
    const pieces = game.client.chat({ model: RELAY_MODEL, ...askedOf(request) }, { signal });
    for await (const piece of pieces) {
      if (piece.type !== 'done') continue;
      return { ...answerOf(piece), ...(piece.model === null ? {} : { model: piece.model }) };
    }
    throw new EffectFailure('model_failed', 'The model said nothing.');
  } catch (error) {
    if (error instanceof ClientError) {
      throw new EffectFailure(error.code, error.message, error.retryAfterMs);
    }
    throw error;
  }
}
