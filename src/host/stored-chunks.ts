import type { Chunks } from "../disk/chunk-store.js";
import type { OverlayIdentity } from "../overlay/identity.js";
import { findStoredChunks } from "../overlay/stored.js";

/** All chunks of an overlay at this moment, of whatever format; for who does not write it. @throws {StorageError} it cannot be read */
export async function storedChunks(identity: OverlayIdentity): Promise<Chunks> {
  return (await findStoredChunks(identity))?.content ?? new Map();
}
