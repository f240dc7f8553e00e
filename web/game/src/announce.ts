/** The polite live region: at most a line each five seconds, the newest one wins. */

import type { Signal } from '@preact/signals';

const PAUSE_MS = 5000;

export function createAnnouncer(line: Signal<string>): (text: string) => void {
  let waiting: string | null = null;
  let resting = false;
  const say = (text: string) => {
    line.value = text;
    resting = true;
    setTimeout(() => {
      resting = false;
      const next = waiting;
      waiting = null;
      if (next !== null) say(next);
    }, PAUSE_MS);
  };
  return (text) => {
    if (text === line.value && resting) return;
    if (resting) waiting = text;
    else say(text);
  };
}
