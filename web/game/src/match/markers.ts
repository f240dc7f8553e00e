/** Moments worth finding again on the scrub bar. Pure: one input at a time, a new list out. */

import type { TeamScore } from './scores';
import { leader } from './scores';

export type MarkerKind = 'lead' | 'plan' | 'deaths' | 'relay';

export interface Marker {
  readonly tick: number;
  readonly kind: MarkerKind;
  readonly team: number | null;
  readonly text: string;
}

export interface MarkerState {
  readonly markers: readonly Marker[];
  readonly leader: number | null;
  /** Tick since which the present leader leads. */
  readonly challenger: { readonly team: number; readonly since: number } | null;
  readonly plans: readonly (string | null)[];
  /** Ticks of recent deaths. */
  readonly deaths: readonly number[];
}

export const MARKERS_MAX = 200;
/** A lead counts once it has lasted two seconds. */
const LEAD_TICKS_MIN = 20;
const BURST_TICKS = 50;
const BURST_DEATHS_MIN = 4;

export const noMarkers: MarkerState = {
  markers: [],
  leader: null,
  challenger: null,
  plans: [],
  deaths: [],
};

function add(state: MarkerState, marker: Marker): MarkerState {
  if (state.markers.length >= MARKERS_MAX) return state;
  const known = state.markers.some(
    (m) => m.kind === marker.kind && m.team === marker.team && Math.abs(m.tick - marker.tick) < 10,
  );
  if (known) return state;
  const markers = [...state.markers, marker].sort((a, b) => a.tick - b.tick);
  return { ...state, markers };
}

export function withScores(
  state: MarkerState,
  tick: number,
  scores: readonly TeamScore[],
  names: readonly string[],
): MarkerState {
  const ahead = leader(scores);
  if (ahead === null || ahead === state.leader) {
    return state.challenger ? { ...state, challenger: null } : state;
  }
  if (state.challenger?.team !== ahead || state.challenger.since > tick) {
    return { ...state, challenger: { team: ahead, since: tick } };
  }
  if (tick - state.challenger.since < LEAD_TICKS_MIN) return state;
  const first = state.leader === null;
  const next = { ...state, leader: ahead, challenger: null };
  if (first) return next;
  const since = state.challenger.since;
  return add(next, {
    tick: since,
    kind: 'lead',
    team: ahead,
    text: `${names[ahead]} takes the lead`,
  });
}

export function withPlan(
  state: MarkerState,
  tick: number,
  team: number,
  plan: string,
  name: string,
): MarkerState {
  const before = state.plans[team] ?? null;
  if (before === plan) return state;
  const plans = [...state.plans];
  plans[team] = plan;
  const next = { ...state, plans };
  return before === null
    ? next
    : add(next, { tick, kind: 'plan', team, text: `${name} changes its plan: ${plan}` });
}

export function withDeath(state: MarkerState, tick: number): MarkerState {
  const deaths = [...state.deaths.filter((t) => tick - t < BURST_TICKS && t <= tick), tick];
  if (deaths.length < BURST_DEATHS_MIN) return { ...state, deaths };
  const text = `${deaths.length} agents lost within ${BURST_TICKS / 10} s`;
  return add({ ...state, deaths: [] }, { tick: deaths[0], kind: 'deaths', team: null, text });
}

export function withRelayLost(state: MarkerState, tick: number): MarkerState {
  return add(state, { tick, kind: 'relay', team: null, text: 'Relay lost' });
}

/** A match that was branched forgets what came after. */
export function cutMarkers(state: MarkerState, tick: number): MarkerState {
  return {
    ...state,
    markers: state.markers.filter((m) => m.tick <= tick),
    challenger: null,
    deaths: [],
  };
}
