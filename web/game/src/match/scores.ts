/** The score board, read from a frame's flat team numbers. */

export const TEAM_FIELDS_COUNT = 8;
export type FrameTeams = ArrayLike<number>;

export interface TeamScore {
  readonly team: number;
  readonly energy: number;
  readonly materials: number;
  readonly data: number;
  readonly deposits: number;
  readonly held: number;
  readonly sharePermille: number;
  readonly living: number;
  /** Ticks of a running territory win. */
  readonly territoryTicks: number;
}

export function readScores(teams: FrameTeams, count: number, reachable: number): TeamScore[] {
  return Array.from({ length: count }, (_, team) => {
    const at = team * TEAM_FIELDS_COUNT;
    return {
      team,
      energy: teams[at],
      materials: teams[at + 1],
      data: teams[at + 2],
      deposits: teams[at + 3],
      held: teams[at + 4],
      sharePermille: (teams[at + 4] * 1000) / Math.max(1, reachable),
      living: teams[at + 5],
      territoryTicks: teams[at + 7],
    };
  });
}

/** Who is ahead by held cells; null where nobody is alone at the top. */
export function leader(scores: readonly TeamScore[]): number | null {
  let best: TeamScore | null = null;
  let tied = false;
  for (const score of scores) {
    if (!best || score.held > best.held) {
      best = score;
      tied = false;
    } else if (score.held === best.held) tied = true;
  }
  return best && !tied ? best.team : null;
}
