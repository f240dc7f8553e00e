/** What the page says: in the status line for a while, and to screen readers. */

import { createAnnouncer } from './announce';
import type { Notice, State } from './state';

const NOTICE_MS = 9000;
const FOREVER_MS = 2 ** 31 - 1;

export interface Voice {
  say(notice: Notice, forMs?: number): void;
  /** For what nothing will mend. */
  sayForGood(notice: Notice): void;
  /** A refused request is told; one that ended because the engine went is told by its status. */
  tell(error: unknown): void;
  announce(text: string): void;
}

export function createVoice(state: State): Voice {
  const announce = createAnnouncer(state.announcement);
  let timer: ReturnType<typeof setTimeout> | undefined;
  function say(notice: Notice, forMs = NOTICE_MS): void {
    state.notice.value = notice;
    announce(notice.text);
    clearTimeout(timer);
    timer = setTimeout(() => (state.notice.value = null), forMs);
  }
  function tell(error: unknown): void {
    const { code, message } = error as { code?: string; message?: string };
    if (code === 'worker_lost' || code === 'disposed') return;
    say({ text: message ?? String(error), tone: 'bad' });
  }
  return { say, sayForGood: (notice) => say(notice, FOREVER_MS), tell, announce };
}
