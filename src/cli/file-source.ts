/** Files as the disk readers want them, and the writing of files with a bound. */
import { type FileHandle, open } from "node:fs/promises";
import type { ByteSource } from "../image/byte-source.js";
import { CommandError } from "./errors.js";

/** @returns a source on an open file; the caller closes the file */
export function fileSource(file: FileHandle, byteLength: number): ByteSource {
  return {
    byteLength,
    async read(offset, length) {
      const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, offset);
      if (bytesRead < length)
        throw new CommandError("The file became shorter while it was read. Try again.");
      return buffer;
    },
  };
}

/** Opens a file for reading as long as `use` runs. */
export async function withSource<T>(
  path: string,
  use: (source: ByteSource) => Promise<T>,
): Promise<T> {
  const file = await open(path);
  try {
    return await use(fileSource(file, (await file.stat()).size));
  } finally {
    await file.close();
  }
}

/**
 * Writes a new file of what comes.
 *
 * @param maxBytes most bytes that are written
 * @throws {CommandError} more than that came; the file is left half written
 * @throws the signal's reason, when it is aborted
 */
export async function writeChunks(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const file = await open(path, "wx");
  let length = 0;
  try {
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      length += chunk.length;
      if (length > maxBytes)
        throw new CommandError(
          `The file unpacks to more than ${maxBytes} bytes, which is more than the largest disk. Take a smaller image.`,
        );
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
}
