import { ARCHIVE_SENTENCES, type ArchiveProblem } from "../common/storage-sentences.js";

export type { ArchiveProblem };

/** A copy of a router cannot be restored. `message` can be shown as it is; nothing stored was changed. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";

  /** @param detail what the problem's sentence wants */
  constructor(
    readonly problem: ArchiveProblem,
    detail = "",
    options?: { cause?: unknown },
  ) {
    super(ARCHIVE_SENTENCES[problem](detail), options);
  }
}
