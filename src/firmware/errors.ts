/** What can go wrong with a firmware, as sentences for the person in front of the page. */

/**
 * - `not-found`: the site has no firmware of this name
 * - `missing-file`: the manifest is there and a file it names is not
 * - `network`: a download failed before its end
 * - `short`, `long`, `damaged`: a file has fewer or more bytes than the manifest says, or another digest
 * - `manifest`: firmware.json or catalogue.json cannot be used
 * - `newer`: firmware.json or catalogue.json has a format of a later version of this project
 * - `root`: the root filesystem is not one that can be mounted
 * - `insecure`: the page's address does not allow checking digests
 * - `memory`: the browser has not enough memory to hold the firmware
 */
export type FirmwareProblem = keyof typeof SENTENCES;

/** What each says of `subject`: a firmware's name, a file, or what is wrong with the file. */
const SENTENCES = {
  "not-found": (name: string) =>
    `This site has no firmware named "${name}". Add it with "npm run firmware -- add FILE --name ${name}" and reload the page, or choose another name.`,
  "missing-file": (file: string) =>
    `The firmware's file ${file} is missing on this site. Reload the page, or tell whoever runs the site.`,
  network: (file: string) =>
    `The firmware's file ${file} could not be downloaded. Check the network connection and try again.`,
  short: (file: string) =>
    `The download of the firmware's file ${file} ended early. Try again, or tell whoever runs the site.`,
  long: (file: string) =>
    `The firmware's file ${file} on this site is longer than its firmware.json says. Reload the page, or tell whoever runs the site.`,
  damaged: (file: string) =>
    `The firmware's file ${file} arrived damaged: its digest is not the one in firmware.json. Reload the page, or tell whoever runs the site.`,
  manifest: (what: string) =>
    `The firmware's description is damaged: ${what}. Add the firmware again, or tell whoever runs the site.`,
  newer: (file: string) =>
    `This page is older than the firmware: ${file} has a newer format. Reload the page to get its newest version.`,
  root: (what: string) => `The firmware's root filesystem cannot be used. ${what}`,
  insecure: () =>
    "The firmware cannot be checked on this page: browsers allow that over https and on localhost only. Open the page by such an address.",
  memory: (file: string) =>
    `This device has not enough free memory for the firmware's file ${file}. Close other tabs and try again.`,
} satisfies Record<string, (subject: string) => string>;

export function isFirmwareProblem(value: unknown): value is FirmwareProblem {
  return typeof value === "string" && Object.hasOwn(SENTENCES, value);
}

/** A firmware cannot be used. `message` can be shown as it is; nothing stored was changed. */
export class FirmwareError extends Error {
  override readonly name = "FirmwareError";

  /** @param subject the firmware's name, the file, or what is wrong with it: what the problem's sentence wants */
  constructor(
    readonly problem: FirmwareProblem,
    readonly subject: string,
    options?: { cause?: unknown },
  ) {
    super(SENTENCES[problem](subject), options);
  }
}
