/**
 * The page's end of the bridge: makes its iframe, and speaks with it over a port that only this iframe's own origin gets.
 */
import {
  bridgeAddress,
  type BridgeCommand,
  type BridgeMessage,
  type HelloMessage,
  type PortMessage,
  readBridgeMessage,
} from "./messages.js";

/** How long the guest origin's host may take to serve the bridge, in milliseconds. */
const HELLO_MS = 15_000;

/**
 * What the router's pages may do. They could take a sandbox off their own frame, for they share its parent's origin;
 * so it is here. It withholds other windows, and navigating this page.
 */
const SANDBOX = "allow-scripts allow-same-origin allow-forms allow-downloads allow-modals";

export class BridgeFrame {
  readonly frame = document.createElement("iframe");
  readonly #listening = new AbortController();
  #port: MessagePort | undefined;

  /**
   * @param origin the guest origin
   * @param title accessible name of the frame
   * @param takeOver whether to take the origin from another bridge
   * @param take called with what the bridge says, or with `broken` when it does not answer
   */
  constructor(
    private readonly origin: string,
    title: string,
    takeOver: boolean,
    private readonly take: (message: BridgeMessage) => void,
  ) {
    const { signal } = this.#listening;
    const timer = setTimeout(() => take({ type: "broken", reason: "" }), HELLO_MS);
    signal.addEventListener("abort", () => clearTimeout(timer));
    addEventListener(
      "message",
      (event: MessageEvent<HelloMessage | null>) => {
        if (event.source !== this.frame.contentWindow || event.origin !== origin) return;
        if (event.data?.type !== "openwrt-bridge-hello") return;
        clearTimeout(timer);
        // Whoever loads the bridge again has the origin already.
        this.#connect(takeOver || this.#port !== undefined);
      },
      { signal },
    );
    this.frame.title = title;
    this.frame.setAttribute("sandbox", SANDBOX);
    this.frame.referrerPolicy = "no-referrer";
    this.frame.src = bridgeAddress(crypto.randomUUID(), new URL(location.href), origin).href;
  }

  send(command: BridgeCommand): void {
    this.#port?.postMessage(command);
  }

  destroy(): void {
    this.#listening.abort();
    this.#port?.close();
    this.frame.remove();
  }

  /** A bridge that was loaded again gets a port of its own, and the old one is closed. */
  #connect(takeOver: boolean): void {
    const { port1: port, port2: theirs } = new MessageChannel();
    this.#port?.close();
    this.#port = port;
    port.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      const message = readBridgeMessage(data);
      if (message) this.take(message);
    });
    port.start();
    const message: PortMessage = { type: "openwrt-bridge-port", takeOver };
    this.frame.contentWindow?.postMessage(message, this.origin, [theirs]);
  }
}
