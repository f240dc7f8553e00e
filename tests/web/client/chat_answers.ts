// What a test hears of chat(): all of its pieces, or why it failed.
import type { ChatPiece, ClientError } from '@redoubt/client';

export async function piecesOf(answer: AsyncIterable<ChatPiece>): Promise<ChatPiece[]> {
  const pieces: ChatPiece[] = [];
  for await (const piece of answer) pieces.push(piece);
  return pieces;
}

export const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: ClientError) => error,
  );
