/**
 * What is said to the person in front of the page when something is wrong with stored routers or copies of them. The
 * rooms that find out carry only the problem's name; this is the one place where it becomes a sentence.
 */

/**
 * - `unavailable`: the browser offers no usable IndexedDB here (private mode, blocked site data)
 * - `full`: the origin's quota or the device is full
 * - `gone`: the stored overlay vanished while it was in use (evicted, or deleted by the person)
 * - `lost`: the browser took what it stored for damaged and deleted it, told once
 * - `newer`: the stored overlay was written by a newer format than this page knows
 * - `mismatch`: what is stored belongs to another firmware or disk size
 * - `damaged`: what is stored is not what this page ever writes
 * - `missing`: nothing is stored under this name
 * - `taken`: something else is stored under this name
 * - `in-use`: another machine of this origin holds the overlay
 * - `unsaved-elsewhere`: another tab holds it, and cannot give it away without losing what it could not save
 * - `taken-over`: another tab asked for the overlay and has it now; everything was saved before
 * - `failed`: any other failure of the store; `cause` has the browser's own words
 */
export type StorageProblem = keyof typeof STORAGE_SENTENCES;

export const STORAGE_SENTENCES = {
  unavailable:
    "This browser does not let the page store data (private window, or site data is blocked), so the router's changes cannot be saved. Allow site data for this page, or run without saving.",
  full: "There is no room left to save the router's changes. Free space on this device or in this site's data and try again, or go on without saving.",
  gone: "The router's saved data was deleted by the browser or by another page while it was in use. Go on without saving to copy what you need, or reset the router.",
  lost: "This browser found its storage of this site damaged and deleted all of it, with everything its routers had saved. Try again to start as new; a copy that you saved before can be restored then.",
  newer:
    "The router's saved data was written by a newer version of this page. Reload the page to get that version; nothing stored was changed.",
  mismatch:
    "The saved data found under this name belongs to another firmware. It was left untouched; choose another overlay name.",
  damaged:
    "The saved data found under this name is damaged and cannot be used. It was left untouched; reset the router to drop it, or choose another overlay name.",
  missing:
    "No router is stored under this name any more. Look at the list again; another tab may have renamed or deleted it.",
  taken: "Another router is stored under this name already. Choose another name.",
  "in-use":
    "This router is already running in another tab or frame. Take it over, which stops it there after it saved everything, or run a copy here without saving.",
  "unsaved-elsewhere":
    "This router runs in another tab, which has changes that it could not save. Decide there what becomes of them, and try again; or run a copy here without saving.",
  "taken-over":
    "This router was taken over by another tab. Everything it changed here was saved first.",
  failed: "The browser could not read or save the router's data. Try again, or reload the page.",
} as const;

/**
 * - `not-archive`: the file is something else
 * - `newer`: it was written by a newer version of this project
 * - `other-firmware`: it was made for another firmware
 * - `other-disk`: it was made for a disk of another size
 * - `truncated`: it ends early
 * - `damaged`: it is not what was written, or contradicts itself
 */
export type ArchiveProblem = keyof typeof ARCHIVE_SENTENCES;

/** What each says of `detail`: what the file has there, or what is wrong with it. */
export const ARCHIVE_SENTENCES = {
  "not-archive": () =>
    "This file is not a copy of a router. Choose a file that was saved with “Save a copy…” on a page like this.",
  newer: () =>
    "This copy was saved by a newer version of this page. Reload the page to get that version, and restore the copy again.",
  "other-firmware": (made: string) =>
    `This copy is of a router with another firmware: ${made}. Start a router with that firmware and restore it there.`,
  "other-disk": (made: string) =>
    `This copy is of a router with another disk: ${made}. Restore it where the disk has the same size.`,
  truncated: () =>
    "This file is not complete: its end is missing. Copy or download it again, or save the copy again.",
  damaged: (what: string) =>
    `This file is damaged: ${what}. Copy or download it again, or save the copy again.`,
} satisfies Record<string, (detail: string) => string>;
