/**
 * The chunks of one overlay in IndexedDB: one database an overlay, one object store in it, chunks under their
 * numbers and one header under the key "header". The format is described in docs/storage-format.md.
 */
import { delMany, get, keys, setMany, type UseStore } from "idb-keyval";
import type { ChunkStore } from "./chunk-store.js";
import { StorageError } from "./errors.js";
import { connect } from "./indexeddb.js";

/** Version of what is stored. A higher one is refused and left untouched. */
export const OVERLAY_FORMAT = 1;

const OBJECT_STORE = "overlay";
const HEADER = "header";

/** What an overlay belongs to. Only a machine with the same three may read or write it. */
export interface OverlayIdentity {
  /** name given by the person or the page, for example "default" */
  readonly overlay: string;
  /** SHA-256 of the firmware, lower-case hex */
  readonly firmware: string;
  /** size of the disk in bytes */
  readonly diskBytes: number;
}

/** Stored with the first chunks of an overlay. */
export interface OverlayHeader extends OverlayIdentity {
  readonly format: number;
  readonly chunkBytes: number;
  /** milliseconds since 1970, of the first write */
  readonly created: number;
}

/** Name of the database, and of the lock, of an overlay. */
export function overlayKey(identity: Pick<OverlayIdentity, "overlay" | "firmware">): string {
  return `openwrt-playground/${identity.overlay}/${identity.firmware}`;
}

/**
 * Opens an overlay's chunks; an overlay that was never written has none and leaves no header.
 *
 * @param identity what the overlay belongs to
 * @param chunkBytes chunk size in bytes of a new overlay; a stored one must have the same
 * @throws {StorageError} `unavailable`, `newer`, or `mismatch`; nothing stored is changed
 */
export async function openOverlayStore(
  identity: OverlayIdentity,
  chunkBytes: number,
): Promise<ChunkStore> {
  const connection = await connect(overlayKey(identity), OBJECT_STORE);
  try {
    const stored = await get<unknown>(HEADER, connection.use);
    if (stored !== undefined) checkHeader(stored, identity, chunkBytes);
    return chunkStore(connection.use, stored !== undefined, () => connection.close(), {
      format: OVERLAY_FORMAT,
      ...identity,
      chunkBytes,
    });
  } catch (error) {
    connection.close();
    throw error;
  }
}

function checkHeader(stored: unknown, identity: OverlayIdentity, chunkBytes: number): void {
  const header = stored as Partial<OverlayHeader>;
  if (typeof header.format !== "number" || header.format > OVERLAY_FORMAT)
    throw new StorageError("newer");
  const same =
    header.overlay === identity.overlay &&
    header.firmware === identity.firmware &&
    header.diskBytes === identity.diskBytes &&
    header.chunkBytes === chunkBytes;
  if (!same) throw new StorageError("mismatch");
}

function chunkStore(
  use: UseStore,
  hasHeader: boolean,
  close: () => void,
  header: Omit<OverlayHeader, "created">,
): ChunkStore {
  const chunkKeys = async () => (await keys(use)).filter((key) => typeof key === "number");
  return {
    durability: "strict",
    indexes: chunkKeys,
    async read(index) {
      const chunk = await get<unknown>(index, use);
      if (!(chunk instanceof Uint8Array) || chunk.length !== header.chunkBytes)
        throw new StorageError("gone", { cause: `chunk ${index} is missing or cut` });
      return chunk as Uint8Array<ArrayBuffer>;
    },
    async commit(chunks) {
      const entries: [IDBValidKey, unknown][] = [...chunks];
      if (!hasHeader) entries.push([HEADER, { ...header, created: Date.now() }]);
      await setMany(entries, use);
      hasHeader = true;
    },
    async clear() {
      await delMany([...(await chunkKeys()), HEADER], use);
      hasHeader = false;
    },
    close,
  };
}
