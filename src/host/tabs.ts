/**
 * How tabs and frames of one origin agree on who runs a router. The Web Lock decides; this channel only carries the
 * question who holds it and the request to let go. A tab that crashed answers nothing, and has no lock any more.
 */

import type { Holder } from "../machine/host.js";

/** Tab → every other tab that uses the same overlay. */
type TabMessage =
  /** Who holds the overlay? Answered by `holder`. */
  | { readonly type: "who" }
  /** The holder's answer to `who`. */
  | { readonly type: "holder"; readonly holder: Holder }
  /** The person wants the router in the sending tab: sync, stop, let go. */
  | { readonly type: "yield" };

const ANSWER_MS = 1000;
const MAX_TEXT = 200;

/**
 * Answers for a machine that holds an overlay, until the signal aborts.
 *
 * @param key the overlay's key
 * @param onYield called when another tab asks for the router
 */
export function answerTabs(key: string, onYield: () => void, signal: AbortSignal): void {
  const channel = new BroadcastChannel(key);
  const since = Date.now();
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    const message = asTabMessage(data);
    if (message?.type === "who")
      post(channel, {
        type: "holder",
        holder: { title: document.title, path: location.pathname, since },
      });
    if (message?.type === "yield") onYield();
  };
  signal.addEventListener("abort", () => channel.close(), { once: true });
}

/** Asks who holds an overlay. @returns `undefined` when nobody answers within a second */
export async function findHolder(key: string): Promise<Holder | undefined> {
  const channel = new BroadcastChannel(key);
  try {
    return await new Promise((resolve) => {
      setTimeout(resolve, ANSWER_MS);
      channel.onmessage = ({ data }: MessageEvent<unknown>) => {
        const message = asTabMessage(data);
        if (message?.type === "holder") resolve(message.holder);
      };
      post(channel, { type: "who" });
    });
  } finally {
    channel.close();
  }
}

/** Asks the holder of an overlay to let go of it. */
export function askToYield(key: string): void {
  const channel = new BroadcastChannel(key);
  post(channel, { type: "yield" });
  channel.close();
}

function post(channel: BroadcastChannel, message: TabMessage): void {
  channel.postMessage(message);
}

/** Other pages of the origin may send anything on a channel: take only what has the right form. */
function asTabMessage(data: unknown): TabMessage | undefined {
  if (typeof data !== "object" || data === null || !("type" in data)) return undefined;
  if (data.type === "who" || data.type === "yield") return { type: data.type };
  if (data.type !== "holder" || !("holder" in data)) return undefined;
  const { title, path, since } = data.holder as Partial<Record<keyof Holder, unknown>>;
  if (typeof title !== "string" || typeof path !== "string" || typeof since !== "number")
    return undefined;
  return {
    type: "holder",
    holder: { title: title.slice(0, MAX_TEXT), path: path.slice(0, MAX_TEXT), since },
  };
}
