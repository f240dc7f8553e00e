/** What the player's controls do. */

import { nextSpeed } from './keys';
import { toggleLayer, type LayerName } from './match/layers';
import { refreshHeat } from './readings';
import { run, seek, type Session } from './session';

export interface Controls {
  play(): void;
  togglePlay(): void;
  step(ticks: number): void;
  seek(tick: number): void;
  changeSpeed(direction: 1 | -1): void;
  setSpeed(speed: number): void;
  toggle(layer: LayerName): void;
  setHeatTeam(team: number): void;
  pulse(cells: readonly number[]): void;
  followNext(): void;
}

export function controlsOf(session: Session): Controls {
  const { state } = session;
  return {
    play: () => play(session),
    togglePlay: () => (state.playing.value ? pause(session) : play(session)),
    step: (ticks) => step(session, ticks),
    seek: (tick) => seek(session, tick),
    changeSpeed: (direction) => setSpeed(session, nextSpeed(state.speed.value, direction)),
    setSpeed: (speed) => setSpeed(session, speed),
    toggle(layer) {
      state.layers.value = toggleLayer(state.layers.value, layer);
      refreshHeat(session.readings);
    },
    setHeatTeam(team) {
      state.layers.value = { ...state.layers.value, heatTeam: team };
      refreshHeat(session.readings);
    },
    pulse(cells) {
      if (cells.length > 0) state.pulse.value = { cells, start: performance.now() };
    },
    followNext: () => followNext(session),
  };
}

function play(session: Session): void {
  run(session, session.engine?.play(session.state.speed.value));
}

function pause(session: Session): void {
  run(session, session.engine?.pause());
}

function step(session: Session, ticks: number): void {
  if (session.state.playing.value) pause(session);
  if (ticks > 0) run(session, session.engine?.step(ticks));
  else seek(session, session.state.tick.value + ticks);
}

function setSpeed(session: Session, speed: number): void {
  session.state.speed.value = speed;
  if (session.state.playing.value) play(session);
}

function followNext({ state, shown }: Session): void {
  const agents = shown.frame?.agents;
  if (!agents || agents.count === 0) return;
  const ids = [...agents.id.subarray(0, agents.count)];
  state.followed.value = nextOf(ids, state.followed.value);
}

/** Round and round; the first where none is followed, or one that is no longer there. */
export function nextOf(ids: readonly number[], followed: number | null): number {
  const at = followed === null ? -1 : ids.indexOf(followed);
  return ids[(at + 1) % ids.length];
}
