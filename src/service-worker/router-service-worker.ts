/**
 * The service worker of the guest origin: every request of the router's pages goes to the machine, none to a network.
 *
 * A browser may kill it between two requests, so it keeps nothing that it could not find again: the bridge it asks is the
 * holder of a Web Lock.
 * It is no boundary. Pages of the guest can unregister it, and reach then only the three files of this origin's host.
 *
 * With `?shared` in its own URL the origin is also the embedding page's, and only what the guest's frames ask for is
 * the router's.
 */
import { receiveStream, sendStream } from "../common/byte-port.js";
import type { Bytes } from "../common/bytes.js";
import { deferred } from "../common/deferred.js";
import {
  type AbortMessage,
  type AnswerMessage,
  BRIDGE_PAGE,
  BRIDGE_SCRIPT,
  type RequestMessage,
  type ScriptCookie,
  SERVICE_WORKER,
  workerLock,
} from "../web-pane/messages.js";
import { type Bridge, BridgeLookup } from "./bridge-lookup.js";
import { errorPage } from "./error-page.js";
import type { Client, ExtendableEvent, FetchEvent, ServiceWorkerScope } from "./worker-types.js";

const scope = self as unknown as ServiceWorkerScope;

/** How long the page may take to say that it works on a request, in milliseconds. */
const TAKEN_MS = 15_000;
/** How often it is looked whether the page that asked is still there, in milliseconds. */
const GONE_MS = 2000;
const OWN_FILES = [BRIDGE_PAGE, BRIDGE_SCRIPT, SERVICE_WORKER].map((name) => `/${name}`);
const SHARED = new URL(scope.location.href).searchParams.has("shared");
const LIFE = crypto.randomUUID();
const bridges = new BridgeLookup(scope);
const NO_PAGE = {
  heading: "The router is not connected",
  text: "The page that runs the router was closed, or does not answer.",
  retry: "Try again",
};

// Let go of when the browser kills this worker.
void navigator.locks.request(workerLock(LIFE), () => new Promise(() => undefined));

scope.addEventListener("install", (event) => {
  (event as ExtendableEvent).waitUntil(scope.skipWaiting());
});
scope.addEventListener("activate", (event) => {
  (event as ExtendableEvent).waitUntil(scope.clients.claim());
});
scope.addEventListener("fetch", (event) => {
  const fetching = event as FetchEvent;
  const { origin, pathname } = new URL(fetching.request.url);
  const own = origin === scope.location.origin;
  if (own && OWN_FILES.includes(pathname)) return;
  if (SHARED) fetching.respondWith(answerWhenGuests(fetching));
  else if (own) fetching.respondWith(answerFromRouter(fetching, bridges.find()));
  else fetching.respondWith(Promise.resolve(Response.error()));
});

async function answerWhenGuests(event: FetchEvent): Promise<Response> {
  const { request, clientId } = event;
  const bridge = await bridges.find();
  const guests =
    request.mode === "navigate"
      ? request.destination === "iframe" || request.destination === "frame"
      : isGuest(await scope.clients.get(clientId), bridge);
  if (!bridge || !guests) return fetch(request);
  if (new URL(request.url).origin !== scope.location.origin) return Response.error();
  return answerFromRouter(event, Promise.resolve(bridge));
}

/** The embedding page may be in a frame itself; the bridge's address names it. */
function isGuest(client: Client | undefined, bridge: Bridge | undefined): boolean {
  if (!client || !bridge || client.id === bridge.client.id) return false;
  return client.frameType === "nested" && client.url !== bridge.page;
}

async function answerFromRouter(
  event: FetchEvent,
  bridge: Promise<Bridge | undefined>,
): Promise<Response> {
  const { request } = event;
  const { pathname, search } = new URL(request.url);
  const navigation = request.mode === "navigate";
  const found = await bridge;
  const answer = found ? await ask(found, event, pathname + search) : undefined;
  if (answer?.type === "head") return toResponse(answer, event);
  // A script must see what it would see without a service worker: a failed connection, not a page about one.
  return navigation ? errorPage(answer ?? NO_PAGE, pathname + search) : Response.error();
}

type Answer = Exclude<AnswerMessage, { type: "taken" }>;

/** @returns `undefined` when nobody answers, or nobody waits for it any more */
async function ask(bridge: Bridge, event: FetchEvent, target: string): Promise<Answer | undefined> {
  const { request } = event;
  const { client, lost } = bridge;
  const { port1: port, port2: answer } = new MessageChannel();
  const giveUp = new AbortController();
  const body = await bodyPort(request, AbortSignal.any([request.signal, giveUp.signal]));
  const answered = deferred<Answer | undefined>();
  const nobody = () => answered.resolve(undefined);
  const abort = () => {
    port.postMessage({ type: "abort" } satisfies AbortMessage);
    nobody();
  };
  const timer = setTimeout(nobody, TAKEN_MS);
  const taken = () => {
    clearTimeout(timer);
    lost.removeEventListener("abort", nobody);
  };
  const watch = setInterval(
    () => void isGone(event.clientId).then((gone) => gone && abort()),
    GONE_MS,
  );
  lost.addEventListener("abort", nobody);
  request.signal.addEventListener("abort", abort);
  port.onmessage = ({ data }: MessageEvent<AnswerMessage>) => {
    if (data.type === "taken") taken();
    else answered.resolve(data);
  };
  const message: RequestMessage = {
    type: "request",
    worker: LIFE,
    method: request.method,
    target,
    headers: [...request.headers],
    navigation: request.mode === "navigate",
    answer,
    body,
  };
  if (lost.aborted || request.signal.aborted) nobody();
  else client.postMessage(message, body ? [answer, body] : [answer]);
  const given = await answered.promise;
  taken();
  clearInterval(watch);
  request.signal.removeEventListener("abort", abort);
  port.close();
  if (!given) giveUp.abort();
  return given;
}

/** Chromium does not abort the request of a page that is gone. A navigation has no page yet. */
async function isGone(clientId: string): Promise<boolean> {
  return clientId !== "" && (await scope.clients.get(clientId)) === undefined;
}

async function bodyPort(request: Request, signal: AbortSignal): Promise<MessagePort | null> {
  if (request.method === "GET" || request.method === "HEAD") return null;
  // Firefox has no `Request.body`.
  const body = request.body ?? (await request.blob()).stream();
  const { port1, port2 } = new MessageChannel();
  // The page gives up what breaks off.
  sendStream(port1, body, { signal }).catch(() => undefined);
  return port2;
}

async function toResponse(
  head: Extract<Answer, { type: "head" }>,
  event: FetchEvent,
): Promise<Response> {
  const { status, statusText } = head;
  await showCookies(head.cookies);
  const headers = new Headers();
  for (const [name, value] of head.headers) headers.append(name, value);
  if (!head.body) return new Response(null, { status, statusText, headers });
  const lost = () => new TypeError("The router cut the connection.");
  const body = receiveStream(head.body, { lost }).readable;
  const { readable, writable } = new TransformStream<Bytes, Bytes>();
  const { signal } = event.request;
  // Until the body is through, the browser must not take this worker for idle.
  event.waitUntil(body.pipeTo(writable, { signal }).catch(() => undefined));
  return new Response(readable, { status, statusText, headers });
}

/** Lets scripts of the router's pages read the cookies they may, where the browser can. */
async function showCookies(cookies: readonly ScriptCookie[]): Promise<void> {
  const { cookieStore } = scope;
  if (!cookieStore) return;
  for (const { name, value, path, expires } of cookies)
    await cookieStore
      .set({ name, value, path, expires, sameSite: "none", partitioned: !SHARED })
      .catch(() => undefined);
}
