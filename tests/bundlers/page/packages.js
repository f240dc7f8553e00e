/** Both packages by the imports of their READMEs, and by those that need no file. */
import * as engine from '@redoubt/engine';
import * as inlineEngine from '@redoubt/engine/inline';
import * as inlineModels from '@redoubt/engine/inline/models';
import * as inlineWorker from '@redoubt/engine/inline/worker';
import * as inlineWorkflows from '@redoubt/engine/inline/workflows';
import * as models from '@redoubt/engine/models';
import * as worker from '@redoubt/engine/worker';
import * as workflows from '@redoubt/engine/workflows';
import * as client from '@redoubt/client';
import { outcomes } from './parts.js';

export const plain = () => outcomes({ engine, worker, workflows, models, client });
export const inline = () =>
  outcomes({
    engine: inlineEngine,
    worker: inlineWorker,
    workflows: inlineWorkflows,
    models: inlineModels,
    client,
  });

export async function both() {
  return { plain: await plain(), inline: await inline() };
}
