/** What can be wrong with a file that somebody wants to import, as sentences for that person. */

/**
 * - `not-archive`: the file is something else
 * - `newer`: it was written by a newer version of this project
 * - `other-firmware`: it was made for another firmware
 * - `other-disk`: it was made for a disk of another size
 * - `truncated`: it ends early
 * - `damaged`: it is not what was written, or contradicts itself
 */
export type ArchiveProblem = keyof typeof SENTENCES;

/** What each says of `detail`: what the file has there, or what is wrong with it. */
const SENTENCES = {
  "not-archive": () =>
    "This file is not an exported router. Choose a file that was saved with “export” on a page like this.",
  newer: () =>
    "This file was exported by a newer version of this page. Reload the page to get that version, and import the file again.",
  "other-firmware": (made: string) =>
    `This file was exported from another firmware: ${made}. Start a router with that firmware and import it there.`,
  "other-disk": (made: string) =>
    `This file was exported from a router with another disk: ${made}. Import it where the disk has the same size.`,
  truncated: () =>
    "This file is not complete: its end is missing. Copy or download it again, or export it again.",
  damaged: (what: string) =>
    `This file is damaged: ${what}. Copy or download it again, or export it again.`,
} satisfies Record<string, (detail: string) => string>;

/** An exported overlay cannot be imported. `message` can be shown as it is; nothing stored was changed. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";

  /** @param detail what the problem's sentence wants */
  constructor(
    readonly problem: ArchiveProblem,
    detail = "",
    options?: { cause?: unknown },
  ) {
    super(SENTENCES[problem](detail), options);
  }
}
