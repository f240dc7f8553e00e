import { useEffect, useRef } from 'preact/hooks';
import type { Game } from '../game';
import type { CurveName, Unit } from './plot';

interface ChartProps {
  readonly game: Game;
  readonly curve: CurveName;
  readonly label: string;
  readonly height: number;
  readonly unit: Unit;
}

/** A team's curve over match time. uPlot is loaded when the first chart is shown. */
export function Chart(props: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const { game, curve, unit } = props;
  useEffect(() => {
    let ended = false;
    let end = () => {};
    void import('./plot').then(({ mountPlot }) => {
      if (!ended && host.current) end = mountPlot(host.current, game, curve, unit);
    });
    return () => {
      ended = true;
      end();
    };
  }, [game, curve, unit]);
  return (
    <figure class="chart" aria-label={`${props.label} over time; as a table in the tab Charts`}>
      <figcaption>{props.label}</figcaption>
      <div class="chart-host" ref={host} />
    </figure>
  );
}
