/**
 * The bridge: the guest origin's own page inside the embedding one. It brings the service worker into being, is the
 * one it asks (by a Web Lock), passes requests on to the page, and holds the frame with the router's pages.
 *
 * The router's pages share its origin, so it guards nothing and knows no secret.
 */
import {
  BRIDGE_LOCK,
  type BridgeAddress,
  type BridgeCommand,
  type BridgeMessage,
  type HelloMessage,
  lockOf,
  type PortMessage,
  readBridgeAddress,
  type RequestMessage,
  SERVICE_WORKER,
  workerLock,
} from "../web-pane/messages.js";
import { GuestFrame } from "./guest-frame.js";

const address = readBridgeAddress(location.href);
let connected = false;

if (address && parent !== window) {
  const { host } = address;
  addEventListener("message", (event: MessageEvent<PortMessage | null>) => {
    if (event.source !== parent || event.origin !== host || connected) return;
    const [port] = event.ports;
    if (event.data?.type !== "openwrt-bridge-port" || !port) return;
    connected = true;
    connect(address, port, event.data.takeOver);
  });
  const hello: HelloMessage = { type: "openwrt-bridge-hello" };
  parent.postMessage(hello, host);
}

function connect(address: BridgeAddress, port: MessagePort, takeOver: boolean): void {
  const tell = (message: BridgeMessage, transfer: Transferable[] = []) =>
    port.postMessage(message, transfer);
  const frame = new GuestFrame(tell);
  navigator.serviceWorker.addEventListener("message", ({ data }: MessageEvent<RequestMessage>) => {
    watchWorker(data.worker, tell);
    tell(data, data.body ? [data.answer, data.body] : [data.answer]);
  });
  navigator.serviceWorker.startMessages();
  port.addEventListener("message", ({ data }: MessageEvent<BridgeCommand>) => {
    if (data.type === "show") frame.show(data.path, data.order);
    else if (data.type === "reload") frame.reload();
    else if (data.type === "stay") frame.stay();
    else void serve(address, tell, true);
  });
  port.start();
  void serve(address, tell, takeOver);
}

const watched = new Set<string>();

/** Tells when the browser has killed a service worker that asked for something. */
function watchWorker(worker: string, tell: (message: BridgeMessage) => void): void {
  if (watched.has(worker)) return;
  watched.add(worker);
  void navigator.locks.request(workerLock(worker), () => {
    watched.delete(worker);
    tell({ type: "worker-gone", worker });
  });
}

/** Becomes the bridge of this origin, until another one takes it. */
async function serve(
  address: BridgeAddress,
  tell: (message: BridgeMessage) => void,
  takeOver: boolean,
): Promise<void> {
  const lost = new AbortController();
  try {
    await startServiceWorker(address.host === location.origin);
    await navigator.locks.request(
      BRIDGE_LOCK,
      takeOver ? { steal: true } : { ifAvailable: true },
      async (lock) => {
        if (!lock) return tell({ type: "busy" });
        await navigator.locks.request(lockOf(address), async () => {
          tell({ type: "ready" });
          await new Promise((resolve) => lost.signal.addEventListener("abort", resolve));
        });
      },
    );
  } catch (error) {
    const stolen = error instanceof DOMException && error.name === "AbortError";
    tell(stolen ? { type: "taken-over" } : { type: "broken", reason: String(error) });
  } finally {
    lost.abort();
  }
}

/** @throws {Error} the browser refuses, or the origin has a service worker that is not ours */
async function startServiceWorker(shared: boolean): Promise<void> {
  const script = new URL(`/${SERVICE_WORKER}${shared ? "?shared" : ""}`, location.href);
  const there = await navigator.serviceWorker.getRegistration("/");
  const active = there?.active?.scriptURL;
  if (shared && active !== undefined && active !== script.href)
    throw new Error(`This site has a service worker of its own: ${active}`);
  const registration = await navigator.serviceWorker.register(script, {
    scope: "/",
    updateViaCache: "none",
  });
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  if (!worker || worker.state === "activated") return;
  await new Promise<void>((resolve, reject) => {
    worker.addEventListener("statechange", () => {
      if (worker.state === "activated") resolve();
      if (worker.state === "redundant") reject(new Error("The service worker did not start."));
    });
  });
}
