/** Panels that a first glance does not need: loaded together once the match runs. */

export { ChartsTab } from './charts_tab';
export { EndingPanel } from './ending_panel';
export { KeysPanel } from './keys_panel';
export { MatchPanel } from './match_panel';
export { RelayPanel } from './relay_panel';
