// Under a policy without 'unsafe-eval'.
import 'pixi.js/unsafe-eval';
import { Application, Graphics } from 'pixi.js';
import { centre, colours, playedIn, size } from './board.js';

async function start() {
  const app = new Application();
  await app.init({ width: 800, height: 600, preference: 'canvas' });
  document.body.append(app.canvas);
  const graphics = app.stage.addChild(new Graphics());
  const frame = await playedIn(({ map, cells }) => {
    graphics.clear();
    for (let cell = 0; cell < cells.owner.length; ++cell) {
      const colour = colours[cells.owner[cell]];
      if (colour === undefined) continue;
      const { x, y } = centre(map, cell);
      graphics.circle(x, y, size / 2).fill(colour);
    }
  });
  app.ticker.add(frame);
}

start();
