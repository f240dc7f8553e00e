import { useEffect, useRef } from 'preact/hooks';
import type { Game } from '../game';
import { words } from '@redoubt/client';
import { mountBoard } from './mount';

/** The map: four canvases over each other, the top one focusable. Nothing else ever lies on it. */
export function Board({ game }: { game: Game }) {
  const host = useRef<HTMLDivElement>(null);
  const stack = useRef<HTMLDivElement>(null);
  const ground = useRef<HTMLCanvasElement>(null);
  const heat = useRef<HTMLCanvasElement>(null);
  const plan = useRef<HTMLCanvasElement>(null);
  const agents = useRef<HTMLCanvasElement>(null);
  useEffect(
    () =>
      mountBoard(
        {
          host: host.current!,
          stack: stack.current!,
          canvases: {
            ground: ground.current!,
            heat: heat.current!,
            plan: plan.current!,
            agents: agents.current!,
          },
        },
        game,
      ),
    [game],
  );
  return (
    <main class="board" ref={host} aria-label="Map" data-dropping={game.state.dropping}>
      <div class="stack" ref={stack}>
        <canvas ref={ground} aria-hidden="true" />
        <canvas ref={heat} aria-hidden="true" />
        <canvas ref={plan} aria-hidden="true" />
        <canvas
          ref={agents}
          tabIndex={0}
          role="application"
          aria-label="Map of the match. Press G for the grid cursor, then the arrow keys."
          aria-describedby="cell-text"
        />
      </div>
      <Loading game={game} />
    </main>
  );
}

function Loading({ game }: { game: Game }) {
  if (game.state.phase.value !== 'loading') return null;
  return (
    <p class="loading" role="status">
      {words.loading()}
    </p>
  );
}
