/** What overlays in folders ask of the operating system, and no more: tests have one whose disk loses its power. */
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { StorageError } from "../../disk/errors.js";

type Bytes = Uint8Array<ArrayBuffer>;

export interface Files {
  /** Opens a file to be read and changed. @returns `undefined` when there is none */
  open(path: string): Promise<OpenFile | undefined>;
  /** Makes a new, empty one; there is none yet. */
  create(path: string): Promise<OpenFile>;
  /** What stood under the new name is gone then. Durable after {@link syncFolder}. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, if there is one. */
  remove(path: string): Promise<void>;
  /** Makes a folder, and those above it that are missing; durable at once. */
  makeFolder(path: string): Promise<void>;
  /** Resolves when the names in a folder are durable. */
  syncFolder(path: string): Promise<void>;
}

export interface OpenFile {
  /** in bytes */
  size(): Promise<number>;
  /** Whether a name still leads to it. */
  isLinked(): Promise<boolean>;
  /** @returns so many bytes; fewer where the file ends */
  read(position: number, length: number): Promise<Bytes>;
  write(position: number, bytes: Bytes): Promise<void>;
  truncate(bytes: number): Promise<void>;
  /** Resolves when everything in it is durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export const NODE_FILES: Files = {
  async open(path) {
    try {
      return openFile(await open(path, "r+"));
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  },
  create: async (path) => openFile(await open(path, "wx+")),
  rename,
  remove: (path) => rm(path, { force: true }),
  async makeFolder(path) {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    for (let folder = path; ; folder = dirname(folder)) {
      await NODE_FILES.syncFolder(dirname(folder));
      if (folder === first) return;
    }
  },
  async syncFolder(path) {
    // Windows keeps names durable by itself, and opens no folders.
    if (process.platform === "win32") return;
    const folder = await open(path);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};

/** What an operating system's error is called, for example "ENOENT". */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

/** Turns whatever the operating system threw into a {@link StorageError}; one that is already one passes through. */
export function toStorageError(cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  switch (codeOf(cause)) {
    case "ENOSPC":
    case "EDQUOT":
      return new StorageError("full", { cause });
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "ENOTDIR":
      return new StorageError("unavailable", { cause });
    default:
      return new StorageError("failed", { cause });
  }
}

function openFile(handle: Awaited<ReturnType<typeof open>>): OpenFile {
  return {
    size: async () => (await handle.stat()).size,
    isLinked: async () => (await handle.stat()).nlink > 0,
    async read(position, length) {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
        if (bytesRead === 0) return bytes.slice(0, filled);
        filled += bytesRead;
      }
      return bytes;
    },
    async write(position, bytes) {
      for (let done = 0; done < bytes.length;)
        done += (await handle.write(bytes, done, bytes.length - done, position + done))
          .bytesWritten;
    },
    truncate: (bytes) => handle.truncate(bytes),
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}
