/**
 * What a first glance does not need: loaded together when the first of it is wanted, or once the
 * match has run for a moment.
 */

export { openFile } from './files';
export { parseShareLink } from './link/share-link';
export { ChartsTab } from './panels/charts_tab';
export { EndingPanel } from './panels/ending_panel';
export { KeysPanel } from './panels/keys_panel';
export { MatchPanel } from './panels/match_panel';
export { RelayPanel } from './panels/relay_panel';
export { saveReplay, share } from './sharing';
