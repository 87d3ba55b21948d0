/** Whose an overlay is, and what its database and its lock are called. */

import { isName } from "../firmware/manifest.js";

/**
 * What an overlay belongs to: only a machine with the same name, root and disk may read or write it. The kernel has no
 * part in it, for nothing on the disk depends on it: a rebuilt kernel keeps every stored router.
 */
export interface OverlayIdentity {
  /** name given by the person or the page, for example "default" */
  readonly overlay: string;
  /** SHA-256 of the firmware's root image, lower-case hex */
  readonly root: string;
  /** size of the disk in bytes */
  readonly diskBytes: number;
  /** what firmware with this root was called in formats 1 to 3, the likeliest first (formerDigests in src/firmware/identity.ts) */
  readonly former?: readonly string[] | undefined;
  /** title and version of the firmware, kept with the overlay for people */
  readonly title?: string | undefined;
}

/** An overlay's identity, and how its disk is cut. */
export interface OverlayShape extends OverlayIdentity {
  readonly chunkBytes: number;
}

/** What of an identity is in names. */
export type OverlayNames = Pick<OverlayIdentity, "overlay" | "root" | "former">;

/** @throws {RangeError} with a sentence: this cannot name an overlay */
export function checkOverlayName(name: string): void {
  if (isName(name)) return;
  throw new RangeError(
    `"${name}" cannot name an overlay: use up to 64 lower-case letters, digits, ".", "_" and "-".`,
  );
}

const PREFIX = "openwrt-playground";

/** Name of an overlay's database and of its lock. */
export function overlayKey({ overlay, root }: OverlayNames): string {
  return keyOf(overlay, root);
}

/** Where the overlay may stand in formats 1 to 3, the likeliest first. */
export function formerKeys({ overlay, former = [] }: OverlayNames): string[] {
  return former.map((digest) => keyOf(overlay, digest));
}

/** @param digest of the root; in formats 1 to 3, of root and kernel together */
export function keyOf(overlay: string, digest: string): string {
  return `${PREFIX}/${overlay}/${digest}`;
}

/** @returns undefined when this is not the key of an overlay, of whichever format */
export function parseKey(key: string): { overlay: string; digest: string } | undefined {
  const [, overlay, digest] = /^openwrt-playground\/([^/]+)\/([0-9a-f]{64})$/.exec(key) ?? [];
  return overlay === undefined || digest === undefined ? undefined : { overlay, digest };
}
