import { both } from './packages.js';

both().then((result) => {
  console.log(JSON.stringify(result));
  // A runtime's workers may hold its process open.
  globalThis.process?.exit(0);
});
