/** The routers that are stored in this browser, as far as a list of them needs it; {@link Overlay} is one. */
import type { StorageProblem } from "../machine/errors.js";

export interface StoredRouter {
  readonly name: string;
  /** SHA-256 of the firmware's root image, hex */
  readonly firmware: string;
  /** what a person calls the firmware; undefined where an old format does not tell */
  readonly title?: string | undefined;
  /** size of what the router changed */
  readonly bytes: number;
  /** when it was changed last; undefined where an old format does not tell */
  readonly changed?: Date | undefined;
  /** size of the memory that is kept of it; 0 when there is none */
  readonly memoryBytes: number;
  /** whether a machine or a tab of this origin holds it now */
  readonly inUse: boolean;
  /** why it cannot be read */
  readonly problem?: StorageProblem | undefined;
}

/** A stored router that nobody else can use until it is closed. */
export interface HeldRouter {
  rename(name: string): Promise<void>;
  duplicate(name: string): Promise<void>;
  delete(): Promise<void>;
  export(): Promise<Blob>;
  close(): Promise<void>;
}

export interface RouterStore {
  /** @throws {Error} a sentence: the browser does not let the page look */
  list(): Promise<readonly StoredRouter[]>;
  /** @throws {Error} a sentence: another tab has it, or it is gone */
  open(name: string, firmware: string): Promise<HeldRouter>;
}
