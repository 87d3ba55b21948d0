/**
 * The right to write an overlay, held by one page or worker of an origin at a time: a Web Lock, which the browser frees
 * when its holder goes away, however it goes, and answers to the other tabs that ask for the overlay.
 */
import { StorageError, toStorageError } from "../disk/errors.js";
import { OverlayBusyError } from "./errors.js";
import { formerKeys, overlayKey, type OverlayNames } from "./identity.js";
import {
  answerTabs,
  askToYield,
  BROWSER_TABS,
  findHolder,
  type PageDescription,
  type RefusalReason,
  type TabHost,
} from "./tabs.js";

/**
 * How long to wait for another tab to let go when asked to, in milliseconds: more than its sync (5 s), the save of its
 * memory (5 s until it idles) and its last writes take together.
 */
const YIELD_MS = 30_000;
/** How long to wait without asking: a page that was closed or reloaded just now holds its lock a moment longer. */
const LOCK_MS = 2000;

export interface LeaseOptions {
  /** where the overlay is used, told to other tabs; a worker is told by its page */
  readonly page: PageDescription;
  /** asks another holder to let go */
  readonly takeOver?: boolean | undefined;
  /** how long a holder that is not asked may take to let go, in milliseconds; default 2,000 */
  readonly patience?: number | undefined;
  /** gives up; the promise then rejects with its reason */
  readonly signal?: AbortSignal | undefined;
  /** called when another tab asks for the overlay: lets go in its own time, or says why not. Default: neither */
  readonly onYield?: () => RefusalReason | undefined;
  readonly host?: TabHost | undefined;
}

export interface OverlayLease {
  /**
   * Lets go of the names that the overlay had in formats 1 to 3, under which others may be stored: it is open, and has
   * been brought into today's format.
   */
  releaseFormer(): void;
  /** Lets go of it. Does nothing more the second time. */
  release(): void;
}

/**
 * Takes an overlay, and keeps pages of older versions from it too until {@link OverlayLease.releaseFormer}.
 *
 * @throws {OverlayBusyError} another one has it, and did not let go
 * @throws {StorageError} `unavailable`: the browser refuses locks, as it does where sites may not store data
 * @throws the signal's reason, when it is aborted
 */
export async function takeLease(names: OverlayNames, options: LeaseOptions): Promise<OverlayLease> {
  const {
    page,
    takeOver = false,
    patience: unasked = LOCK_MS,
    signal,
    onYield = () => undefined,
    host = BROWSER_TABS,
  } = options;
  const refused = new AbortController();
  const listening = new AbortController();
  if (takeOver)
    askToYield(
      names,
      ({ holder }) => refused.abort(new OverlayBusyError("unsaved-elsewhere", holder)),
      listening.signal,
      host,
    );
  const patience = host.timeout(takeOver ? YIELD_MS : unasked);
  const own: Lock[] = [];
  const former: Lock[] = [];
  const releaseFormer = () => former.splice(0).forEach((release) => release());
  const answering = new AbortController();
  const release = () => {
    answering.abort();
    releaseFormer();
    own.splice(0).forEach((release) => release());
  };
  try {
    const until = AbortSignal.any([patience, refused.signal, ...(signal ? [signal] : [])]);
    own.push(await lockOverlay(overlayKey(names), until, host));
    // Who holds these waits for nothing: older pages take only one.
    await Promise.all(
      formerKeys(names).map(async (key) => {
        const lock = await lockOverlay(key, until, host);
        if (listening.signal.aborted) lock();
        else former.push(lock);
      }),
    );
  } catch (error) {
    listening.abort();
    release();
    signal?.throwIfAborted();
    const isBusy = error instanceof StorageError && error.problem === "in-use";
    if (isBusy && !(error instanceof OverlayBusyError))
      throw new OverlayBusyError("in-use", await findHolder(names, host));
    throw error;
  }
  listening.abort();
  answerTabs(names, page, onYield, answering.signal, host);
  return { release, releaseFormer };
}

/** Lets go of a lock. */
type Lock = () => void;

/**
 * Waits for the one write lock of an overlay, in a page or in a worker.
 *
 * @param key the overlay's
 * @param signal gives up waiting
 * @returns lets go of it; so does the end of the page or worker
 * @throws {StorageError} `in-use` when the signal is a timeout; `unavailable` when the browser refuses locks
 * @throws the signal's reason else
 */
export async function lockOverlay(
  key: string,
  signal: AbortSignal,
  host: TabHost = BROWSER_TABS,
): Promise<Lock> {
  let release: Lock = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const granted = new Promise<void>((resolve, reject) => {
    host.locks
      .request(key, { signal }, () => {
        resolve();
        return held;
      })
      .catch(reject);
  });
  try {
    await granted;
    signal.throwIfAborted();
    return release;
  } catch (error) {
    release();
    if (error instanceof DOMException && error.name === "TimeoutError")
      throw new StorageError("in-use");
    throw signal.aborted ? signal.reason : toStorageError(error);
  }
}
