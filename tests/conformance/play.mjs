// Plays one game of the list through the package, in Node or in a page: the same text for both.
const ticks_a_turn = 100;

export async function playGame({ createEngine, map, seed, players, onTurn }) {
  const engine = await createEngine({ map, seed, players });
  try {
    while (!engine.outcome) {
      engine.play(ticks_a_turn);
      await onTurn?.();
    }
    const { winner } = engine.outcome;
    return `${engine.tick}\t${winner ?? '-'}\t${engine.hash()}`;
  } finally {
    engine.dispose();
  }
}
