import { useComputed } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Game } from '../game';
import { SPEEDS } from '../keys';
import { clock, speedText } from '../text/format';
import { Chart } from './chart';
import { Icon, type IconName } from './marks';

/** Below the map: the territory curve and the transport. */
export function Dock({ game }: { game: Game }) {
  return (
    <section class="dock" aria-label="Time">
      <Chart game={game} curve="territory" label="Territory" height={84} unit="permille" />
      <Transport game={game} />
    </section>
  );
}

interface ToolProps {
  readonly icon: IconName;
  readonly label: string;
  readonly keys: string;
  readonly onClick: () => void;
  readonly wide?: boolean;
  readonly pressed?: boolean;
}

function Tool({ icon, label, keys, onClick, wide, pressed }: ToolProps) {
  return (
    <button
      type="button"
      class={`tool ${wide ? 'desk-only' : ''}`}
      aria-label={label}
      aria-pressed={pressed}
      title={`${label} (${keys})`}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}

function Transport({ game }: { game: Game }) {
  const { state } = game;
  const skip = (seconds: number) => game.seek(state.tick.value + seconds * 10);
  const playing = state.playing.value;
  return (
    <div class="transport" role="group" aria-label="Transport">
      <Tool icon="start" label="To the start" keys="Home" onClick={() => game.seek(0)} wide />
      <Tool icon="back5" label="5 seconds back" keys="left arrow" onClick={() => skip(-5)} />
      <Tool icon="back" label="One tick back" keys="," onClick={() => game.step(-1)} wide />
      <button
        type="button"
        class="tool play"
        aria-label={playing ? 'Pause' : 'Play'}
        title={`${playing ? 'Pause' : 'Play'} (Space)`}
        onClick={() => game.togglePlay()}
      >
        <Icon name={playing ? 'pause' : 'play'} />
      </button>
      <Tool icon="forward" label="One tick on" keys="." onClick={() => game.step(1)} wide />
      <Tool icon="on5" label="5 seconds on" keys="right arrow" onClick={() => skip(5)} wide />
      <Tool
        icon="end"
        label="To the newest tick"
        keys="End"
        onClick={() => game.seek(state.headTick.value)}
        wide
      />
      <Speed game={game} />
      <Scrub game={game} />
      <Time game={game} />
      <Tool
        icon="grid"
        label="Grid cursor"
        keys="G"
        pressed={state.gridOn.value}
        onClick={() => (state.gridOn.value = !state.gridOn.value)}
        wide
      />
      <Tool
        icon="follow"
        label="Follow an agent"
        keys="F"
        pressed={state.followed.value !== null}
        onClick={() =>
          state.followed.value === null ? game.followNext() : (state.followed.value = null)
        }
        wide
      />
    </div>
  );
}

function Speed({ game }: { game: Game }) {
  const { speed } = game.state;
  return (
    <div class="speed" role="group" aria-label="Speed">
      <button
        type="button"
        class="tool desk-only"
        aria-label="Slower"
        title="Slower ([)"
        disabled={speed.value <= SPEEDS[0]}
        onClick={() => game.changeSpeed(-1)}
      >
        <Icon name="minus" />
      </button>
      <select
        class="number"
        aria-label="Speed"
        value={speed.value}
        onChange={(event) => game.setSpeed(Number(event.currentTarget.value))}
      >
        {SPEEDS.map((value) => (
          <option key={value} value={value}>
            {speedText(value)}
          </option>
        ))}
      </select>
      <button
        type="button"
        class="tool desk-only"
        aria-label="Faster"
        title="Faster (])"
        disabled={speed.value >= SPEEDS[SPEEDS.length - 1]}
        onClick={() => game.changeSpeed(1)}
      >
        <Icon name="plus" />
      </button>
    </div>
  );
}

function Time({ game }: { game: Game }) {
  const { tick, headTick } = game.state;
  const now = useComputed(() => clock(tick.value));
  const end = useComputed(() => ` / ${clock(headTick.value)}`);
  return (
    <p class="time number" aria-hidden="true">
      <span>{now}</span>
      <span class="meta desk-only">{end}</span>
    </p>
  );
}

/** Dragging re-simulates live; markers say where something happened. */
function Scrub({ game }: { game: Game }) {
  const { tick, headTick } = game.state;
  const dragging = useRef(false);
  const value = useComputed(() => tick.value);
  const max = useComputed(() => Math.max(1, headTick.value));
  const text = useComputed(() => `${clock(tick.value)} of ${clock(headTick.value)}`);
  const seconds = useComputed(() => Math.floor(headTick.value / 20));
  return (
    <div class="scrub">
      <Markers game={game} seconds={seconds.value} />
      <input
        type="range"
        min="0"
        step="1"
        max={max}
        value={value}
        aria-label="Match time"
        aria-valuetext={text}
        onPointerDown={() => (dragging.current = true)}
        onPointerUp={() => (dragging.current = false)}
        onInput={(event) => game.seek(Number(event.currentTarget.value))}
      />
    </div>
  );
}

/** Re-drawn each two seconds of match time at most: the bar grows slowly. */
function Markers({ game, seconds }: { game: Game; seconds: number }) {
  const { markers } = game.state.markers.value;
  const head = Math.max(1, seconds * 20, markers[markers.length - 1]?.tick ?? 1);
  return (
    <div class="markers">
      {markers.map((marker) => (
        <button
          type="button"
          key={`${marker.kind}${marker.tick}${marker.team}`}
          class={`marker marker-${marker.kind} ${marker.team === null ? '' : `team-${marker.team}`}`}
          style={{ left: `${(Math.min(marker.tick, head) / head) * 100}%` }}
          title={`${clock(marker.tick)} ${marker.text}`}
          aria-label={`Go to ${clock(marker.tick)}: ${marker.text}`}
          tabIndex={-1}
          onClick={() => game.seek(marker.tick)}
        />
      ))}
    </div>
  );
}
