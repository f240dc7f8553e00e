/** Small pictures: team marks, roles, resources, and the icons of buttons. */

import type { Role } from '@redoubt/engine';

const MARKS = [
  'M3 3h10v10H3z',
  'M8 1.2 14.8 8 8 14.8 1.2 8z',
  'M8 1.6 15 13.6H1z',
  'M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8z',
];

/** A team's mark in its colour; its name stands beside it in text. */
export function TeamMark({ team, size = 12 }: { team: number; size?: number }) {
  return (
    <svg
      class={`mark team-${team}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      <path d={MARKS[team]} />
    </svg>
  );
}

const ROLES: Record<Role, string> = {
  collector: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z',
  explorer: 'M8 1.2 15 13.8H1z',
  defender: 'M2.2 2h11.6v6.4c0 3.2-2.4 5.2-5.8 6.4-3.4-1.2-5.8-3.2-5.8-6.4z',
  attacker: 'M8 .4 10 6l5.6 2L10 10l-2 5.6L6 10 .4 8 6 6z',
};

export function RoleMark({ role, team }: { role: Role; team: number }) {
  return (
    <svg class={`mark team-${team}`} width="13" height="13" viewBox="0 0 16 16" aria-hidden="true">
      <path d={ROLES[role]} />
    </svg>
  );
}

const ICONS = {
  play: 'M5 3v10l8-5z',
  pause: 'M4 3h3v10H4zM9 3h3v10H9z',
  back: 'M10.5 3v10l-7-5zM11.5 3h1.5v10h-1.5z',
  forward: 'M5.5 3v10l7-5zM3 3h1.5v10H3z',
  start: 'M2.5 3H4v10H2.5zM9 3.4v9.2L4.6 8zM14 3.4v9.2L9.6 8z',
  end: 'M13.5 3H12v10h1.5zM7 3.4v9.2L11.4 8zM2 3.4v9.2L6.4 8z',
  back5: 'M8 3.4v9.2L3 8zM14 3.4v9.2L9 8z',
  on5: 'M8 3.4v9.2L13 8zM2 3.4v9.2L7 8z',
  share:
    'M11.5 2a2 2 0 1 1-1.6 3.2L6.9 6.9a2 2 0 0 1 0 2.2l3 1.7a2 2 0 1 1-.6 1.1l-3.2-1.8a2 2 0 1 1 0-4.2l3.2-1.8A2 2 0 0 1 11.5 2z',
  follow: 'M8 1v2.1M8 12.9V15M1 8h2.1M12.9 8H15M8 4.6A3.4 3.4 0 1 1 8 11.4 3.4 3.4 0 0 1 8 4.6z',
  grid: 'M8 1.4 13.7 4.7v6.6L8 14.6l-5.7-3.3V4.7z',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  keys: 'M1.5 4.5h13v7.5h-13zM4 7h.01M6.7 7h.01M9.4 7h.01M12 7h.01M5 9.6h6',
  save: 'M8 2v7.2M4.8 6.4 8 9.6l3.2-3.2M2.5 13.5h11',
  open: 'M8 10V2.6M4.8 5.6 8 2.4l3.2 3.2M2.5 13.5h11',
  chevron: 'M4 10l4-4 4 4',
} as const;
const STROKED = new Set([
  'follow',
  'grid',
  'plus',
  'minus',
  'close',
  'keys',
  'save',
  'open',
  'chevron',
]);

export type IconName = keyof typeof ICONS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      class={STROKED.has(name) ? 'icon stroked' : 'icon'}
      width="16"
      height="16"
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      <path d={ICONS[name]} />
    </svg>
  );
}
