/**
 * How tabs and frames of one origin agree on who has an overlay. The Web Lock decides; the channel only carries the
 * question who holds it and the request to let go. A tab that crashed answers nothing, and has no lock any more.
 *
 * The channel has the name of the lock. Pages of older versions hold an overlay of an older format under another name:
 * they are asked too.
 */
import { formerKeys, overlayKey, type OverlayNames } from "./identity.js";

/** Tab or worker → every other one that uses the same overlay. */
type TabMessage =
  /** Who holds the overlay? Answered by `holder`. */
  | { readonly type: "who" }
  /** The holder's answer to `who`. */
  | { readonly type: "holder"; readonly holder: Holder }
  /** The person wants the overlay in the sending tab: sync, stop, let go; or say `refused`. */
  | { readonly type: "yield" }
  /** The holder's answer to `yield` when it keeps the overlay. */
  | { readonly type: "refused"; readonly reason: RefusalReason; readonly holder: Holder };

/**
 * Why a holder does not let go.
 *
 * - `unsaved`: it has changes that it cannot save just now, and that would be lost
 */
export type RefusalReason = "unsaved";

/** A page, for the person who has to find it. */
export interface PageDescription {
  readonly title: string;
  /** path on this origin */
  readonly path: string;
}

/** The page that runs this; a worker does not know its page's title. */
export function thisPage(): PageDescription {
  return {
    title: typeof document === "undefined" ? "" : document.title,
    path: typeof location === "undefined" ? "" : location.pathname,
  };
}

/** Where an overlay is in use. */
export interface Holder extends PageDescription {
  /** milliseconds since 1970 */
  readonly since: number;
}

/** A holder that keeps the overlay. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly holder: Holder;
}

/** What tabs agree by: the browser's, in a page or in a worker. */
export interface TabHost {
  readonly locks: Pick<LockManager, "request" | "query">;
  /** Joins everybody on this origin that has opened a channel of this name. */
  openChannel(name: string): TabChannel;
  /** @returns aborts with a `TimeoutError` after so many milliseconds */
  timeout(milliseconds: number): AbortSignal;
}

/** What of a BroadcastChannel is used. */
export interface TabChannel {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
  close(): void;
}

export const BROWSER_TABS: TabHost = {
  get locks() {
    return navigator.locks;
  },
  openChannel: (name) => new BroadcastChannel(name),
  timeout: (milliseconds) => AbortSignal.timeout(milliseconds),
};

/** How long another tab may take to say that it holds an overlay, in milliseconds. */
const ANSWER_MS = 1000;
const MAX_TEXT = 200;

/**
 * Answers for whoever holds an overlay, until the signal aborts.
 *
 * @param onYield called when another tab asks for the overlay; lets go in its own time, or says why not
 */
export function answerTabs(
  names: OverlayNames,
  { title, path }: PageDescription,
  onYield: () => RefusalReason | undefined,
  signal: AbortSignal,
  host: TabHost,
): void {
  const holder: Holder = { title, path, since: Date.now() };
  const channel = host.openChannel(overlayKey(names));
  channel.onmessage = ({ data }) => {
    const { type } = asTabMessage(data) ?? {};
    if (type === "who") post(channel, { type: "holder", holder });
    if (type !== "yield") return;
    const reason = onYield();
    if (reason) post(channel, { type: "refused", reason, holder });
  };
  signal.addEventListener("abort", () => channel.close(), { once: true });
}

/** Asks who holds an overlay. @returns `undefined` when nobody answers within a second */
export async function findHolder(
  names: OverlayNames,
  host: TabHost = BROWSER_TABS,
): Promise<Holder | undefined> {
  const done = new AbortController();
  try {
    return await new Promise((resolve) => {
      host.timeout(ANSWER_MS).addEventListener("abort", () => resolve(undefined));
      ask(names, { type: "who" }, done.signal, host, (message) => {
        if (message.type === "holder") resolve(message.holder);
      });
    });
  } finally {
    done.abort();
  }
}

/**
 * Asks the holder of an overlay to let go of it; that it did shows in the lock.
 *
 * @param signal ends the listening for a refusal
 * @param onRefused called when the holder says that it keeps it
 */
export function askToYield(
  names: OverlayNames,
  onRefused: (refusal: Refusal) => void,
  signal: AbortSignal,
  host: TabHost = BROWSER_TABS,
): void {
  ask(names, { type: "yield" }, signal, host, (message) => {
    if (message.type === "refused") onRefused(message);
  });
}

/** Sends a question on every channel where a holder may listen, and listens until the signal aborts. */
function ask(
  names: OverlayNames,
  question: TabMessage,
  signal: AbortSignal,
  host: TabHost,
  onAnswer: (answer: TabMessage) => void,
): void {
  for (const key of [overlayKey(names), ...formerKeys(names)]) {
    const channel = host.openChannel(key);
    channel.onmessage = ({ data }) => {
      const message = asTabMessage(data);
      if (message) onAnswer(message);
    };
    signal.addEventListener("abort", () => channel.close(), { once: true });
    post(channel, question);
  }
}

function post(channel: TabChannel, message: TabMessage): void {
  channel.postMessage(message);
}

/** Other pages of the origin may send anything on a channel: take only what has the right form. */
function asTabMessage(data: unknown): TabMessage | undefined {
  const { type, holder, reason } = fieldsOf(data);
  if (type === "who" || type === "yield") return { type };
  const from = asHolder(holder);
  if (!from) return undefined;
  if (type === "holder") return { type, holder: from };
  if (type === "refused" && reason === "unsaved") return { type, reason, holder: from };
  return undefined;
}

function asHolder(value: unknown): Holder | undefined {
  const { title, path, since } = fieldsOf(value);
  if (typeof title !== "string" || typeof path !== "string" || typeof since !== "number")
    return undefined;
  return { title: title.slice(0, MAX_TEXT), path: path.slice(0, MAX_TEXT), since };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
