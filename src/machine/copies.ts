/** Files that a person takes away: what a router changed, and its whole disk. */
import { CHUNK_BYTES, type Chunks } from "../disk/chunk-store.js";
import { diskImage } from "../disk/disk-image.js";
import { writeArchive } from "../overlay/archive.js";
import type { OverlayIdentity } from "../overlay/identity.js";
import type { FirmwareSource } from "../firmware/source.js";

/** Everything the router changed (docs/archive-format.md). */
export function copyOfChanges(identity: OverlayIdentity, chunks: Chunks): Promise<Blob> {
  return writeArchive({ ...identity, chunkBytes: CHUNK_BYTES }, chunks);
}

/** The firmware's root and everything changed, as a raw disk image. @throws {FirmwareError} the root cannot be had */
export async function copyOfDisk(firmware: FirmwareSource, chunks: Chunks): Promise<Blob> {
  const { root } = await firmware.load(["root"]);
  return diskImage(new Uint8Array(root), chunks, firmware.manifest.diskBytes, CHUNK_BYTES);
}
