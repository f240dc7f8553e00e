/**
 * The browser's offer to install the page, kept until somebody presses our own small control: no
 * banner ever covers the match.
 */

/** Not in TypeScript's DOM library: only Chromium has it. */
interface InstallEvent extends Event {
  prompt(): Promise<{ outcome: 'accepted' | 'dismissed' }>;
}

export interface InstallPrompt {
  /** True while the control is worth showing. */
  readonly available: boolean;
  onChange(listener: (available: boolean) => void): () => void;
  /** Asks the browser's own question; "unavailable" where there is none to ask. */
  ask(): Promise<'accepted' | 'dismissed' | 'unavailable'>;
}

export function watchInstallPrompt(target: EventTarget = window): InstallPrompt {
  const listeners = new Set<(available: boolean) => void>();
  let offer: InstallEvent | null = null;

  function keep(next: InstallEvent | null) {
    offer = next;
    for (const listener of [...listeners]) listener(offer !== null);
  }

  target.addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    keep(event as InstallEvent);
  });
  target.addEventListener('appinstalled', () => keep(null));

  return {
    get available() {
      return offer !== null;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async ask() {
      const asked = offer;
      if (asked === null) return 'unavailable';
      // An offer can be used once; the browser makes a new one after a dismissal.
      keep(null);
      return (await asked.prompt()).outcome;
    },
  };
}
