/** The keys as "?" shows them; keys.ts does what they say. */

export const KEY_LIST: readonly (readonly [string, string])[] = [
  ['Space', 'Play or pause'],
  [', .', 'One tick back, one tick on'],
  ['[ ]', 'Slower, faster'],
  ['\u2190 \u2192', '5 seconds back, on'],
  ['Home End', 'Start, newest tick'],
  ['1 \u2013 6', 'Layers'],
  ['G', 'Grid cursor; arrows move it'],
  ['F', 'Follow an agent; again for the next'],
  ['S', 'Share link'],
  ['?', 'This list'],
  ['Esc', 'Back: cursor, follow, list'],
];
