/** What the page's parts may ask for about matches; chooser.ts does it. */

import type { MatchChoice } from './match/choice';

export interface Matches {
  readonly begin: (choice: MatchChoice) => void;
  readonly again: () => void;
  readonly openFiles: (files: FileList | null) => void;
  readonly saveReplay: () => void;
  readonly share: () => void;
  readonly install: () => void;
  readonly endOpening: () => void;
  /** Starts what the address, the autosave or nobody asks for. */
  readonly open: () => Promise<void>;
}
