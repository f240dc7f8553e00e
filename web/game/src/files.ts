/** Files in and out: maps and replays opened or dropped, replays saved. */

import { words } from '@redoubt/client';
import type { EngineError } from '@redoubt/engine/worker';
import type { Game } from './game';
import { sourceOfText } from './match/choice';

const FILE_BYTES_MAX = 16_000_000;

/** Text starts with one of a map's ways; a replay is binary. */
function looksLikeMap(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, 512);
  return head.every((byte) => byte >= 9 && byte !== 127 && (byte >= 32 || byte <= 13));
}

/** Words of a refused map: what is wrong, and where when the engine names a cell. */
function refusedMap(name: string, error: EngineError): string {
  const place = /\(?(row \d+, column \d+)\)?/.exec(error.message)?.[1] ?? null;
  const what = error.message.replace(/\s*\(row \d+, column \d+\)/, '').replace(/\.\s*$/, '');
  return words.mapRefused(name, what, place);
}

export async function openFile(
  game: Game,
  file: File,
  beginMap: (source: ReturnType<typeof sourceOfText>, name: string, text: string) => Promise<void>,
): Promise<void> {
  if (file.size > FILE_BYTES_MAX) {
    game.say({ text: `${file.name}: larger than 16 MB. Current map kept.`, tone: 'bad' });
    return;
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (!looksLikeMap(bytes)) return game.openReplay(file.name, bytes);
  const text = new TextDecoder().decode(bytes);
  const name = file.name.replace(/\.[a-z]+$/i, '');
  try {
    await beginMap(sourceOfText(text, name), name, text);
  } catch (error) {
    game.say({ text: refusedMap(file.name, error as EngineError), tone: 'bad' });
  }
}

export function saveFile(name: string, bytes: Uint8Array): void {
  const url = URL.createObjectURL(
    new Blob([bytes as BlobPart], { type: 'application/octet-stream' }),
  );
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
