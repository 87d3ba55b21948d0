/**
 * Files in memory, on a disk that can lose its power. The faults that it has:
 *
 * - Of what was written to a file since its last sync, every sector of 512 bytes may be there after the loss or not, each
 *   for itself; so may be what was cut off, and a size that was reached. Where the file grew and nothing arrived are zeros.
 * - New names, and names that were changed or removed, come into effect in their order, and any number of the last ones
 *   since the folder's last sync may be lost. Nothing is promised between names and contents.
 * - A call may fail, with a part of its work done.
 *
 * What was synced stays as it was; nothing else is promised by POSIX, and nothing more is relied on.
 */
import type { Files, OpenFile } from "../../src/host/node/files.js";

type Bytes = Uint8Array<ArrayBuffer>;

const SECTOR = 512;

/** Numbers from 0 to 1, without 1. */
export type Chance = () => number;

class PowerLoss extends Error {}

interface Content {
  synced: Bytes;
  now: Bytes;
  /** since then */
  changes: (
    { readonly position: number; readonly bytes: Bytes } | { readonly truncated: number }
  )[];
}

type Names = Map<string, Content>;

export class UnreliableDisk {
  readonly #chance: Chance;
  #names: Names = new Map();
  #syncedNames: Names = new Map();
  #nameChanges: ((names: Names) => void)[] = [];
  /** how many calls were made that change or sync something */
  calls = 0;
  /** at which of them the power goes */
  powerLossAt = Infinity;
  /** which of them fails, and how */
  fault: { readonly at: number; readonly code: string } | undefined;
  #isOff = false;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** Names that there are. */
  get names(): string[] {
    return [...this.#names.keys()];
  }

  content(path: string): Bytes | undefined {
    return this.#names.get(path)?.now.slice();
  }

  /** A file that lies there for long. */
  put(path: string, bytes: Bytes): void {
    const content: Content = { synced: bytes.slice(), now: bytes.slice(), changes: [] };
    this.#names.set(path, content);
    this.#syncedNames.set(path, content);
  }

  /** @returns the disk as it may be after the power went now */
  afterPowerLoss(): UnreliableDisk {
    const names = new Map(this.#syncedNames);
    const kept = Math.floor(this.#chance() * (this.#nameChanges.length + 1));
    for (const change of this.#nameChanges.slice(0, kept)) change(names);
    const after = new UnreliableDisk(this.#chance);
    for (const [path, content] of names) after.put(path, this.#leftOf(content));
    return after;
  }

  readonly files: Files = {
    open: (path) => {
      const content = this.#names.get(path);
      return Promise.resolve(content && this.#open(content));
    },
    create: (path) =>
      this.#call(() => {
        const content: Content = {
          synced: new Uint8Array(),
          now: new Uint8Array(),
          changes: [],
        };
        this.#rename((names) => names.set(path, content));
        return this.#open(content);
      }),
    rename: (from, to) =>
      this.#call(() =>
        this.#rename((names) => {
          const content = names.get(from);
          names.delete(from);
          if (content) names.set(to, content);
        }),
      ),
    remove: (path) => this.#call(() => this.#rename((names) => names.delete(path))),
    makeFolder: () => this.#call(() => undefined),
    syncFolder: () =>
      this.#call(() => {
        this.#syncedNames = new Map(this.#names);
        this.#nameChanges = [];
      }),
  };

  #open(content: Content): OpenFile {
    return {
      size: () => Promise.resolve(content.now.length),
      isLinked: () => Promise.resolve([...this.#names.values()].includes(content)),
      read: (position, length) => Promise.resolve(content.now.slice(position, position + length)),
      write: (position, bytes) => {
        const write = (part: Bytes) => {
          content.now = written(content.now, position, part);
          content.changes.push({ position, bytes: part.slice() });
        };
        return this.#call(
          () => write(bytes),
          () => write(bytes.slice(0, Math.floor(this.#chance() * bytes.length))),
        );
      },
      truncate: (length) =>
        this.#call(() => {
          content.now = sized(content.now, length);
          content.changes.push({ truncated: length });
        }),
      sync: () =>
        this.#call(
          () => {
            content.synced = content.now.slice();
            content.changes = [];
          },
          // Linux counts pages as clean whose writing failed: they may never arrive (fsync(2), EIO).
          () => undefined,
        ),
      close: () => Promise.resolve(),
    };
  }

  async #call<T>(work: () => T, half: () => void = () => undefined): Promise<T> {
    await Promise.resolve();
    if (this.#isOff) throw new PowerLoss();
    const call = this.calls++;
    if (call === this.powerLossAt) {
      this.#isOff = true;
      half();
      throw new PowerLoss();
    }
    if (call !== this.fault?.at) return work();
    half();
    throw Object.assign(new Error(this.fault.code), { code: this.fault.code });
  }

  #rename(change: (names: Names) => void): void {
    change(this.#names);
    this.#nameChanges.push(change);
  }

  #leftOf({ synced, changes }: Content): Bytes {
    let left = synced.slice();
    for (const change of changes) {
      if ("truncated" in change) {
        if (this.#chance() < 0.5) left = sized(left, change.truncated);
        continue;
      }
      const { position, bytes } = change;
      if (this.#chance() < 0.5) left = sized(left, Math.max(left.length, position + bytes.length));
      // All, nothing, or any of them.
      const some = [1, 0, 0.5, 0.9][Math.floor(this.#chance() * 4)] ?? 0;
      for (let at = 0; at < bytes.length; at += SECTOR)
        if (this.#chance() < some)
          left = written(left, position + at, bytes.slice(at, at + SECTOR));
    }
    return left;
  }
}

function written(before: Bytes, position: number, bytes: Bytes): Bytes {
  const after = sized(before, Math.max(before.length, position + bytes.length));
  after.set(bytes, position);
  return after;
}

function sized(bytes: Bytes, length: number): Bytes {
  const other = new Uint8Array(length);
  other.set(bytes.subarray(0, length));
  return other;
}
