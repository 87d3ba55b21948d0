/** Every router that is stored in this browser, whatever its firmware and its format. Nothing stored is invisible. */
import { type StorageProblem, toStorageError } from "../disk/errors.js";
import { type FirmwareIdentity, formerDigests } from "../firmware/identity.js";
import { readMemoryHeader } from "../snapshot/indexeddb-memory.js";
import { databaseNames } from "./database-names.js";
import { formerKeys, keyOf, parseKey } from "./identity.js";
import { LAST_OLD_FORMAT } from "./old-formats.js";
import { readStored, type StoredOverlay } from "./stored.js";
import { BROWSER_TABS, type TabHost } from "./tabs.js";

/** A stored router. */
export interface OverlayInfo {
  readonly name: string;
  /**
   * SHA-256 of the firmware's root image, hex; of a router of format 1 to 3 whose root is not known, of root and kernel
   * together
   */
  readonly firmware: string;
  /** title and version of the firmware when it was stored; undefined in formats 1 to 3 */
  readonly title: string | undefined;
  /** version of the format that it is stored in (docs/storage-format.md) */
  readonly format: number;
  /** size of what the router changed, in bytes */
  readonly bytes: number;
  /** when it was changed last; undefined in formats 1 to 3, which do not tell */
  readonly changed: Date | undefined;
  /** size of the memory that is kept of it, in bytes; 0 when there is none */
  readonly memoryBytes: number;
  /** whether a machine or a tab of this origin holds it now */
  readonly inUse: boolean;
  /** why it cannot be read; what is not known of it then is 0 or undefined */
  readonly problem: StorageProblem | undefined;
}

/** Its root image, and what it may have been called in formats 1 to 3. */
export type KnownFirmware = Pick<FirmwareIdentity, "root" | "former">;

export interface ListOptions {
  /**
   * Firmware whose routers of format 1 to 3 are to be recognised, which do not tell their root. That of other routers
   * in the list is known anyway.
   */
  readonly firmware?: readonly KnownFirmware[];
  readonly host?: TabHost;
}

/**
 * @returns in the order of their names
 * @throws {StorageError} `unavailable`; `lost`, once, when the browser has just deleted all data of the origin
 */
export async function listOverlays({
  firmware = [],
  host = BROWSER_TABS,
}: ListOptions = {}): Promise<OverlayInfo[]> {
  const keys = (await databaseNames()).filter((name) => parseKey(name));
  const [held, found] = await Promise.all([heldLocks(host), Promise.all(keys.map(look))]);
  const stored = found.filter((each) => each !== undefined);
  const owners = await ownersOf(stored, firmware);
  return stored
    .map((each) => describe(each, owners.get(each.key) ?? each.digest, held))
    .sort((a, b) => compare(a.name, b.name) || compare(a.firmware, b.firmware));
}

/** What was found under a key. */
interface Found {
  readonly key: string;
  readonly overlay: string;
  readonly digest: string;
  readonly stored: StoredOverlay | undefined;
  readonly memoryBytes: number;
  readonly problem: StorageProblem | undefined;
}

/** @returns undefined when nothing was ever written there */
async function look(key: string): Promise<Found | undefined> {
  const { overlay = "", digest = "" } = parseKey(key) ?? {};
  const memoryBytes = await keptBytes(key);
  try {
    const stored = await readStored(key);
    return stored && { key, overlay, digest, stored, memoryBytes, problem: undefined };
  } catch (error) {
    const { problem } = toStorageError(error);
    return { key, overlay, digest, stored: undefined, memoryBytes, problem };
  }
}

async function keptBytes(key: string): Promise<number> {
  try {
    return (await readMemoryHeader(key))?.bytes ?? 0;
  } catch {
    return 0;
  }
}

/** Root by key of the old ones that a machine with that root would bring into today's format. */
async function ownersOf(
  stored: readonly Found[],
  known: readonly KnownFirmware[],
): Promise<Map<string, string>> {
  const isOld = ({ stored }: Found) => stored !== undefined && stored.format <= LAST_OLD_FORMAT;
  const old = new Set(stored.filter(isOld).map(({ key }) => key));
  const owners = new Map<string, string>();
  if (old.size === 0) return owners;
  const today = stored.filter((each) => !isOld(each));
  const taken = new Set(today.map(({ key }) => key));
  const names = new Set(stored.map(({ overlay }) => overlay));
  const firmware = new Map(known.map(({ root, former }) => [root, former]));
  for (const { digest } of today)
    if (!firmware.has(digest)) firmware.set(digest, await formerDigests(digest));
  for (const [root, former] of firmware)
    for (const overlay of names) {
      if (taken.has(keyOf(overlay, root))) continue;
      const key = formerKeys({ overlay, root, former }).find((candidate) => old.has(candidate));
      if (key !== undefined) owners.set(key, root);
    }
  return owners;
}

function describe(
  { key, overlay, stored, memoryBytes, problem }: Found,
  firmware: string,
  held: ReadonlySet<string>,
): OverlayInfo {
  return {
    name: overlay,
    firmware,
    title: stored?.title,
    format: stored?.format ?? 0,
    bytes: stored?.bytes ?? 0,
    changed: stored?.changed === undefined ? undefined : new Date(stored.changed),
    memoryBytes,
    inUse: held.has(key) || held.has(keyOf(overlay, firmware)),
    problem,
  };
}

/** Names of the locks that are held; none where the browser does not tell. */
async function heldLocks(host: TabHost): Promise<Set<string>> {
  try {
    const { held = [] } = await host.locks.query();
    return new Set(held.map(({ name = "" }) => name));
  } catch {
    return new Set();
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
