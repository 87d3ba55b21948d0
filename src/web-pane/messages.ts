/**
 * Every message between the three contexts of the pane, and the checks of those that cannot be trusted.
 *
 * - *page*: the page with the machine and `<openwrt-web>`;
 * - *bridge*: `router-bridge.html`, an iframe of the guest origin in that page;
 * - *service worker*: `router-service-worker.js` of the guest origin.
 *
 * Pages of the guest share the bridge's origin and can say anything in its name. So the page takes what comes from
 * there as the guest's own words, and nothing it sends there may be a secret from the guest.
 */
import type { HttpHeaders } from "../network/http-message.js";
import { isToken } from "../network/http-syntax.js";

/**
 * Name of the Web Lock whose holder is the bridge of its origin. While it holds this one it also holds another, whose
 * name tells the service worker which one it is: ids of locks' clients and of service workers' are not the same.
 */
export const BRIDGE_LOCK = "openwrt-playground-bridge";

/** @returns name of the lock that a life of the service worker holds, so that the bridge learns of its end */
export function workerLock(worker: string): string {
  return `openwrt-playground-worker ${worker}`;
}

/** What the page tells a bridge in the fragment of its address. Nothing of it is secret. */
export interface BridgeAddress {
  /** names the bridge among those of its origin */
  readonly id: string;
  /** origin of the page */
  readonly host: string;
  /** address of the page, where it shares its origin with the router's; else nobody there needs to know it */
  readonly page?: string;
}

/** @param page address of the page whose bridge it is */
export function bridgeAddress(id: string, page: URL, origin: string): URL {
  const address = new URL(`/${BRIDGE_PAGE}`, origin);
  const told: Record<string, string> = { id, host: page.origin };
  if (page.origin === address.origin) told["page"] = page.href.replace(/#.*/s, "");
  address.hash = new URLSearchParams(told).toString();
  return address;
}

/** @returns `undefined` where it is no address of a bridge */
export function readBridgeAddress(address: string): BridgeAddress | undefined {
  const { pathname, hash } = new URL(address);
  const fields = new URLSearchParams(hash.slice(1));
  const [id, host, page] = ["id", "host", "page"].map((name) => fields.get(name));
  if (pathname !== `/${BRIDGE_PAGE}` || !id || !host) return undefined;
  return { id, host, ...(page ? { page } : {}) };
}

/** @returns name of the lock that a bridge holds while it is its origin's */
export function lockOf(bridge: BridgeAddress): string {
  return `${BRIDGE_LOCK} ${bridge.id}`;
}

/** What the guest origin's host serves; everything else there is the router's. */
export const BRIDGE_PAGE = "router-bridge.html";
export const BRIDGE_SCRIPT = "router-bridge.js";
export const SERVICE_WORKER = "router-service-worker.js";

/** `name` of the `<meta>` by which the bridge knows an error page of ours from a page of the router. */
export const PROBLEM_META = "openwrt-playground-problem";

/** Bridge to page by `window.postMessage`: it listens. */
export interface HelloMessage {
  readonly type: "openwrt-bridge-hello";
}

/** Page to bridge by `window.postMessage`, with one port, over which everything else goes. */
export interface PortMessage {
  readonly type: "openwrt-bridge-port";
  /** take the origin from another bridge that holds it */
  readonly takeOver: boolean;
}

export type BridgeCommand =
  /** show this path of the router; `order` counts these */
  | { readonly type: "show"; readonly path: string; readonly order: number }
  /** what was asked for is no page, but saved or nothing: the frame stays where it is */
  | { readonly type: "stay" }
  | { readonly type: "reload" }
  /** take the origin from the bridge that holds it */
  | { readonly type: "take-over" };

export type BridgeMessage =
  /** the service worker is active and asks this bridge */
  | { readonly type: "ready" }
  /** another bridge holds the origin */
  | { readonly type: "busy" }
  /** another bridge took the origin */
  | { readonly type: "taken-over" }
  /** the browser gives no service worker */
  | { readonly type: "broken"; readonly reason: string }
  /**
   * the router's page is at another place, since the last `show`; `problem`: what is shown is an error page of ours
   */
  | {
      readonly type: "location";
      readonly path: string;
      readonly problem: boolean;
      readonly order: number;
    }
  /** the frame is about to ask for another page: whoever still waits for the one before gives up */
  | { readonly type: "leaving" }
  /** a service worker was killed by the browser: nobody waits for what it asked */
  | { readonly type: "worker-gone"; readonly worker: string }
  /** the router's page wants to lead elsewhere, and was not allowed to */
  | { readonly type: "outside"; readonly url: string }
  | RequestMessage;

/** Service worker to bridge to page: one request of the guest's pages. */
export interface RequestMessage {
  readonly type: "request";
  /** names the service worker's life; see {@link workerLock} */
  readonly worker: string;
  readonly method: string;
  /** path and query */
  readonly target: string;
  readonly headers: HttpHeaders;
  /** whether a frame is to show the answer */
  readonly navigation: boolean;
  /** on which the answer comes */
  readonly answer: MessagePort;
  /** a stream of bytes comes on it; see `receiveStream` */
  readonly body: MessagePort | null;
}

/** Page to service worker, on {@link RequestMessage.answer}, which is closed after `head` or `failed`. */
export type AnswerMessage =
  /** somebody works on it */
  | { readonly type: "taken" }
  | {
      readonly type: "head";
      readonly status: number;
      readonly statusText: string;
      readonly headers: HttpHeaders;
      /** a stream of bytes comes on it */
      readonly body: MessagePort | null;
      readonly cookies: readonly ScriptCookie[];
    }
  /** there is no answer: what an error page says */
  | {
      readonly type: "failed";
      readonly heading: string;
      readonly text: string;
      /** label of the link that tries again */
      readonly retry: string;
    };

/** A cookie that scripts of the router's pages may read. */
export interface ScriptCookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  /** milliseconds since 1970; `null`: a session's; in the past: it is gone */
  readonly expires: number | null;
}

/** Service worker to page, on {@link RequestMessage.answer}: nobody waits any more for an answer to begin. */
export interface AbortMessage {
  readonly type: "abort";
}

/** Limits of what a guest's page may send at a time. A browser's own are of this size. */
const MAX_TARGET = 16_384;
const MAX_HEADERS = 100;
const MAX_HEADER_CHARACTERS = 65_536;

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const UNSAFE = /[\0-\x1f\x7f]/;

/** @returns `data` as a message of the bridge, or `undefined` where it is none */
export function readBridgeMessage(data: unknown): BridgeMessage | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const message = data as Record<string, unknown>;
  switch (message["type"]) {
    case "ready":
    case "busy":
    case "taken-over":
    case "leaving":
      return { type: message["type"] };
    case "broken":
      return isText(message["reason"]) ? { type: "broken", reason: message["reason"] } : undefined;
    case "location":
      return readLocation(message);
    case "worker-gone":
      return isText(message["worker"])
        ? { type: "worker-gone", worker: message["worker"] }
        : undefined;
    case "outside":
      return isText(message["url"]) ? { type: "outside", url: message["url"] } : undefined;
    case "request":
      return readRequest(message);
    default:
      return undefined;
  }
}

function readLocation({ path, problem, order }: Record<string, unknown>) {
  if (!isPath(path) || typeof order !== "number") return undefined;
  return { type: "location", path, problem: problem === true, order } as const;
}

function readRequest(message: Record<string, unknown>): RequestMessage | undefined {
  const { worker, method, target, headers, navigation, answer, body } = message;
  const good =
    isText(worker) &&
    typeof method === "string" &&
    isToken(method) &&
    isPath(target) &&
    !/[\s#]/.test(target) &&
    isHeaders(headers) &&
    answer instanceof MessagePort &&
    (body === null || body instanceof MessagePort);
  if (!good) return undefined;
  return {
    type: "request",
    worker,
    method,
    target,
    headers,
    navigation: navigation === true,
    answer,
    body,
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_TARGET;
}

/** Whether a value is a path, possibly with query and fragment. */
export function isPath(value: unknown): value is string {
  return isText(value) && value.startsWith("/") && !UNSAFE.test(value);
}

function isHeaders(value: unknown): value is HttpHeaders {
  if (!Array.isArray(value) || value.length > MAX_HEADERS) return false;
  let characters = 0;
  return value.every((field: unknown) => {
    if (!Array.isArray(field) || field.length !== 2) return false;
    const [name, text] = field as unknown[];
    if (typeof name !== "string" || typeof text !== "string") return false;
    characters += name.length + text.length;
    return characters <= MAX_HEADER_CHARACTERS && isToken(name) && !UNSAFE.test(text);
  });
}
