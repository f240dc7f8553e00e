/**
 * The player's own model: a key that lives in this page's memory alone, asked straight from the page
 * where the relay has no model. It answers for the strategist's teams and for runs.
 */

import type { DirectAdviser } from '@redoubt/client';
import { directModel, type DirectModel } from '@redoubt/engine/models';
import {
  EffectFailure,
  startWorkflows,
  type ModelAnswer,
  type ModelRequest,
} from '@redoubt/engine/workflows';
import { signal } from '@preact/signals';
import { answerOf, askedOf } from '../runs/answers';

export interface OwnModelUse {
  readonly name: string;
  readonly calls: number;
  readonly tokens: number;
  /** Null where no price of the model is known. */
  readonly costMicroUsd: number | null;
  readonly lastLatencyMs: number | null;
  readonly lastError: string | null;
}

export interface OwnModel {
  readonly adviser: DirectAdviser;
  answer(request: ModelRequest, signal: AbortSignal): Promise<ModelAnswer>;
  forget(): void;
}

/** Where the model in use is held; null for none. */
export interface OwnModelSlot {
  current: OwnModel | null;
}

/** What is shown of the model in use; null where there is none. */
export const ownModelUse = signal<OwnModelUse | null>(null);

async function ask(
  model: DirectModel,
  request: ModelRequest,
  signal: AbortSignal,
): Promise<ModelAnswer & { costMicroUsd: number }> {
  const name = `${model.provider}/${model.model}`;
  try {
    for await (const piece of model.chat(askedOf(request), { signal })) {
      if (piece.type !== 'done') continue;
      const use = ownModelUse.value;
      if (use) {
        ownModelUse.value = {
          ...use,
          calls: use.calls + 1,
          tokens: use.tokens + piece.inputTokens + piece.outputTokens,
          costMicroUsd:
            piece.costMicroUsd === null ? null : (use.costMicroUsd ?? 0) + piece.costMicroUsd,
          lastLatencyMs: piece.latencyMs,
          lastError: null,
        };
      }
      return {
        ...answerOf(piece),
        model: name,
        costMicroUsd: piece.costMicroUsd ?? 0,
      };
    }
    throw new EffectFailure('model_failed', 'The model said nothing.');
  } catch (error) {
    if (signal.aborted) throw error;
    const { message } = error as Error;
    if (ownModelUse.value) ownModelUse.value = { ...ownModelUse.value, lastError: message };
    throw error instanceof EffectFailure ? error : new EffectFailure('model_failed', message);
  }
}

export interface OwnModelChoice {
  readonly provider: string;
  readonly model: string;
  readonly key: string;
}

/** Takes the model into use. @throws EngineError for an unknown provider or a missing key. */
export async function useOwnModel(
  slot: OwnModelSlot,
  { provider, model, key }: OwnModelChoice,
): Promise<void> {
  const direct = await directModel({ provider, model, ...(key === '' ? {} : { key }) });
  slot.current?.forget();
  let cost = 0;
  const workflows = await startWorkflows({
    model: async (effect, signal) => {
      const { costMicroUsd, ...answer } = await ask(direct, effect.request, signal);
      cost = costMicroUsd;
      return answer;
    },
  });
  ownModelUse.value = {
    name: `${provider}/${model}`,
    calls: 0,
    tokens: 0,
    costMicroUsd: 0,
    lastLatencyMs: null,
    lastError: null,
  };
  slot.current = {
    adviser: {
      /** As the relay does it: the shipped workflow, with this model in its model step. */
      async strategy(request, signal) {
        const { id } = await workflows.start('team_strategy', request);
        const cancel = () => void workflows.cancel(id, 'nobody waits any more');
        signal.addEventListener('abort', cancel, { once: true });
        try {
          const { answer, source } = (await workflows.result(id)) as {
            answer: unknown;
            source: string;
          };
          if (source !== 'model') throw new Error('the model gave no strategy');
          return { value: answer, model: `${provider}/${model}`, costMicroUsd: cost };
        } finally {
          signal.removeEventListener('abort', cancel);
          await workflows.remove(id);
        }
      },
    },
    answer: (request, signal) => ask(direct, request, signal),
    forget: () => workflows.dispose(),
  };
}

export function forgetOwnModel(slot: OwnModelSlot): void {
  slot.current?.forget();
  slot.current = null;
  ownModelUse.value = null;
}
