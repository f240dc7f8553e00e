/**
 * Playing without a network, for the page:
 *
 *   const offline = startOffline();                    // service worker; applyUpdate() at match end
 *   const autosave = createAutosave(indexedDbStore(), `${rulesVersion}.${strategyVersion}`);
 *   const install = watchInstallPrompt();              // a small control while `available`
 */

export { type Autosave, createAutosave, type SavedMatch } from './autosave.js';
export { indexedDbStore } from './indexed-db.js';
export { type InstallPrompt, watchInstallPrompt } from './install-prompt.js';
export { type Offline, type OfflineState, startOffline } from './offline.js';
