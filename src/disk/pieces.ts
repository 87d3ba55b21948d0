/** The part of a request to a disk that falls into one chunk. */
export interface Piece {
  /** number of the chunk */
  readonly index: number;
  /** byte in the chunk */
  readonly from: number;
  /** byte in the request */
  readonly at: number;
  readonly length: number;
}

/** Cuts a request of `length` bytes from byte `offset` of the disk at the borders of its chunks. */
export function piecesOf(offset: number, length: number, chunkBytes: number): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < length;) {
    const index = Math.floor((offset + at) / chunkBytes);
    const from = (offset + at) % chunkBytes;
    const size = Math.min(chunkBytes - from, length - at);
    pieces.push({ index, from, at, length: size });
    at += size;
  }
  return pieces;
}
