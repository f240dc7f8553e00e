/**
 * A compact map file read just well enough to paint it before the engine is there. The engine reads
 * the same file with all checks; a file that this cannot paint is simply painted later.
 */

import type { MapInfo, ResourceType } from '@redoubt/engine';

interface CompactMap {
  readonly name?: unknown;
  readonly orientation?: unknown;
  readonly rows?: unknown;
  readonly bases?: unknown;
  readonly sites?: unknown;
}

const TERRAIN: Readonly<Record<string, number>> = { '.': 0, '~': 1, '#': 2 };

export function paintedMap(text: string): MapInfo | null {
  let file: CompactMap;
  try {
    file = JSON.parse(text) as CompactMap;
  } catch {
    return null;
  }
  const rows = file.rows;
  if (!Array.isArray(rows) || !rows.every((row) => typeof row === 'string')) return null;
  if (!Array.isArray(file.bases) || !Array.isArray(file.sites)) return null;
  const height = rows.length;
  const width = (rows[0] as string | undefined)?.length ?? 0;
  if (width === 0 || rows.some((row: string) => row.length !== width)) return null;
  const terrain = Uint8Array.from([...rows.join('')].map((c) => TERRAIN[c] ?? 0));
  const cell = ([column, row]: readonly number[]) => row * width + column;
  return {
    name: typeof file.name === 'string' ? file.name : '',
    width,
    height,
    teams: file.bases.length,
    orientation: file.orientation === 'flat_top' ? 'flat_top' : 'pointy_top',
    terrain,
    bases: Uint16Array.from((file.bases as number[][]).map(cell)),
    sites: (file.sites as [number, number, ResourceType][]).map(([column, row, type]) => ({
      cell: cell([column, row]),
      type,
    })),
    reachableCells: terrain.filter((t) => t !== 2).length,
    hash: '',
  };
}
