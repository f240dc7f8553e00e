import Phaser from 'phaser';
import { centre, colours, playedIn, size } from './board.js';

class Match extends Phaser.Scene {
  async create() {
    const graphics = this.add.graphics();
    this.frame = await playedIn(({ map, cells }) => {
      graphics.clear();
      for (let cell = 0; cell < cells.owner.length; ++cell) {
        const colour = colours[cells.owner[cell]];
        if (colour === undefined) continue;
        const { x, y } = centre(map, cell);
        graphics.fillStyle(colour).fillCircle(x, y, size / 2);
      }
    });
  }
  update() {
    this.frame?.();
  }
}

new Phaser.Game({ type: Phaser.CANVAS, width: 800, height: 600, scene: Match, banner: false });
