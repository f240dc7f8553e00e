/** The smallest page that uses the offline modules; VERSION is another one in each build. */
import {
  createAutosave,
  indexedDbStore,
  startOffline,
  watchInstallPrompt,
} from '../../../web/game/src/offline/index.js';

declare const VERSION: string;

const page = {
  version: VERSION,
  offline: startOffline(),
  install: watchInstallPrompt(),
  autosave: createAutosave(indexedDbStore(), 'rules.1'),
  strange: createAutosave(indexedDbStore(), 'rules.2'),
  lazy: () => import('./lazy.js').then(({ name }) => name),
};
Object.assign(window, { page });
