/** Files of this package that its scripts load, and what to do where a tool left them behind. */
import { EngineError } from './errors.js';

/** Ends every message about a file that did not load: the way that needs none. */
export const without_files =
  "What always works: import from '@redoubt/engine/inline' instead of '@redoubt/engine' (and '@redoubt/engine/inline/worker', '.../workflows', '.../models').";

/**
 * Where a file of this package lies, if not beside the script that asks: Vite up to 7, while
 * developing, moves scripts to node_modules/.vite/deps and leaves what they load where it was.
 */
function moved(beside: URL): URL | undefined {
  const own = beside.href.replace('/.vite/deps/', '/@redoubt/engine/dist/');
  // Else the very object: Next.js gives URLs of its own, whose href is no URL but a path.
  return own === beside.href ? undefined : new URL(own);
}

/** Where a file of this package lies, given the place beside the script that asks. */
export function ownFile(beside: URL): URL {
  return moved(beside) ?? beside;
}

/** A script of this package, where it is not beside the script that asks; `beside`: any file there. */
export function movedScript(name: string, beside: URL): URL | undefined {
  const own = moved(beside);
  return own && new URL(name, own);
}

/** A worker that did not start; `url`: its script's, where that was given. */
export function workerNotLoaded(script: string, url?: URL | string): EngineError {
  const isInline = String(url).startsWith('blob:');
  return new EngineError(
    'worker_lost',
    isInline
      ? `The worker did not start: allow blob: in the page's worker-src, or pass the URL of ${script} as \`workerUrl\`.`
      : `The worker's script did not load: serve ${script} beside the script that starts it, or pass its URL as \`workerUrl\`. ${without_files}`,
    {
      path: isInline ? 'worker-src' : 'workerUrl',
      expected: isInline ? 'blob:' : `${script} of this package`,
      got: 'an error of the browser without a word',
    },
  );
}
