import { both } from './packages.js';

both().then((result) => {
  globalThis.result = result;
});
