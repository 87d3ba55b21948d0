/**
 * What `<openwrt-web>` does, without its drawing: one machine's pages on one guest origin.
 *
 * Everything that changes is told by the event "change".
 */
import { BridgeFrame } from "./bridge-frame.js";
import { CookieJar } from "./cookie-jar.js";
import { GuestRequests, type RequestTexts } from "./guest-requests.js";
import type { BridgeMessage } from "./messages.js";
import { PaneHistory } from "./pane-history.js";
import { serverAnswers, untilServerAnswers } from "./server-probe.js";
import type { WebMachine } from "./web-machine.js";

/**
 * - `off`: the machine does not run
 * - `starting`: it does, and its web server does not answer yet
 * - `busy`: another pane has the guest origin; `taken`: it took it from this one
 * - `broken`: the guest origin does not work; see {@link WebPane.reason}
 * - `shown`
 */
export type PaneStatus = "off" | "starting" | "busy" | "taken" | "broken" | "shown";

export interface PaneOptions {
  readonly machine: WebMachine;
  readonly origin: string;
  /** path to begin with */
  readonly path: string;
  /** accessible name of the frame */
  readonly title: string;
  /** whether only this machine uses the origin, so that another pane there is its own in a tab that lost it */
  readonly exclusive: boolean;
  readonly texts: RequestTexts;
}

export class WebPane extends EventTarget {
  readonly bridge: BridgeFrame;
  readonly history = new PaneHistory();
  readonly origin: string;
  status: PaneStatus = "off";
  /** what the browser said about a `broken` guest origin; "" when its host did not answer */
  reason = "";
  /** where a page wanted to lead, out of the router */
  outside: string | undefined;
  /** whether a page asks for a name and a password */
  signingIn = false;

  readonly #options: PaneOptions;
  readonly #jar = new CookieJar();
  readonly #listening = new AbortController();
  #requests: GuestRequests | undefined;
  #waiting: AbortController | undefined;
  #authorization = "";
  #bridgeState: "connecting" | "ready" | "busy" | "taken" | "broken" = "connecting";
  /** whether the frame shows a page of this boot */
  #loaded = false;
  /** whether the next place is where a path we asked for led to */
  #asked = false;
  #order = 0;

  constructor(options: PaneOptions) {
    super();
    this.#options = options;
    this.origin = options.origin;
    const { machine, origin, path, title, exclusive } = options;
    this.history.arrive(path);
    this.bridge = new BridgeFrame(origin, title, exclusive, (message) => this.#take(message));
    const { signal } = this.#listening;
    machine.addEventListener("statechange", () => this.#consider(), { signal });
    this.#consider();
  }

  show(path: string): void {
    this.history.arrive(path);
    this.#show();
  }
  back(): void {
    this.history.back();
    this.#show();
  }
  forward(): void {
    this.history.forward();
    this.#show();
  }
  reload(): void {
    this.outside = undefined;
    this.signingIn = false;
    this.#requests?.leave();
    this.bridge.send({ type: "reload" });
    this.#changed();
  }
  takeOver(): void {
    this.#bridgeState = "connecting";
    this.bridge.send({ type: "take-over" });
    this.#consider();
  }
  /** Goes on without what the pane asks or tells above the page. */
  dismiss(): void {
    this.outside = undefined;
    this.signingIn = false;
    this.#changed();
  }
  /** Name and password go along from here on, and the page is asked for again. */
  signIn(name: string, password: string): void {
    const bytes = new TextEncoder().encode(`${name}:${password}`);
    this.#authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
    this.#show();
  }

  destroy(): void {
    this.#listening.abort();
    this.#waiting?.abort();
    this.#requests?.stop();
    this.bridge.destroy();
  }

  /** The one place that decides the status. */
  #consider(): void {
    const { state } = this.#options.machine;
    const on = state === "booting" || state === "running";
    if (on) this.#requests ??= this.#newRequests();
    else this.#end();
    if (!on) this.status = state === "loading" ? "starting" : "off";
    else if (this.#bridgeState === "connecting") this.status = this.#loaded ? "shown" : "starting";
    else if (this.#bridgeState !== "ready") this.status = this.#bridgeState;
    else if (this.#loaded) this.status = "shown";
    else {
      this.status = "starting";
      void this.#awaitServer();
    }
    this.#changed();
  }

  /** The machine's boot is over: nothing of it goes on. */
  #end(): void {
    this.#waiting?.abort();
    this.#waiting = undefined;
    this.#requests?.stop();
    this.#requests = undefined;
    this.#loaded = false;
    this.signingIn = false;
  }

  async #awaitServer(): Promise<void> {
    if (this.#waiting) return;
    const waiting = (this.#waiting = new AbortController());
    const answered = await untilServerAnswers(this.#options.machine.exchange, waiting.signal);
    if (this.#waiting === waiting) this.#waiting = undefined;
    if (!answered || this.#bridgeState !== "ready") return;
    this.#loaded = true;
    this.#show();
    this.#consider();
  }

  /** An error page is shown: when that is because no server answers, the page comes back when one does. */
  async #recover(): Promise<void> {
    if (this.#waiting) return;
    const { signal } = (this.#waiting = new AbortController());
    const answered = await serverAnswers(this.#options.machine.exchange, signal);
    if (signal.aborted) return;
    this.#waiting = undefined;
    if (!answered) await this.#awaitServer();
  }

  #show(): void {
    this.outside = undefined;
    this.signingIn = false;
    const { current } = this.history;
    if (this.#loaded && current !== undefined) {
      this.#asked = true;
      this.#requests?.leave();
      this.bridge.send({ type: "show", path: current, order: ++this.#order });
    }
    this.#changed();
  }

  #take(message: BridgeMessage): void {
    switch (message.type) {
      case "request":
        return this.#request(message);
      case "location":
        // What was said before it knew what we asked for.
        if (message.order !== this.#order) return;
        if (this.#asked) this.history.replace(message.path);
        else this.history.arrive(message.path);
        this.#asked = false;
        if (message.problem && this.#loaded) void this.#recover();
        return this.#changed();
      case "worker-gone":
        return this.#requests?.workerGone(message.worker);
      case "leaving":
        return this.#requests?.leave();
      case "outside":
        this.outside = message.url;
        return this.#changed();
      case "ready":
        this.#loaded = false;
        this.#bridgeState = "ready";
        break;
      case "busy":
        this.#bridgeState = "busy";
        break;
      case "taken-over":
        this.#bridgeState = "taken";
        this.#loaded = false;
        break;
      case "broken":
        this.#bridgeState = "broken";
        this.reason = message.reason;
    }
    this.#consider();
  }

  #request(message: Extract<BridgeMessage, { type: "request" }>): void {
    // Without a machine that runs, one that is stopped says so.
    const requests = this.#requests ?? this.#newRequests();
    if (!this.#requests) requests.stop();
    requests.take(message);
  }

  #newRequests(): GuestRequests {
    const { machine, origin, texts } = this.#options;
    return new GuestRequests({
      exchange: (request, signal) => machine.exchange(request, signal),
      jar: this.#jar,
      origin,
      ancestors: ancestors(),
      texts,
      authorization: () => this.#authorization,
      stays: () => this.bridge.send({ type: "stay" }),
      signIn: () => {
        this.signingIn = true;
        this.#changed();
      },
    });
  }

  #changed(): void {
    this.dispatchEvent(new Event("change"));
  }
}

/** Origins of this page and of those it is framed in, where the browser tells them. */
function ancestors(): string[] {
  const { ancestorOrigins = [] } = location as { ancestorOrigins?: Iterable<string> };
  return [...new Set([location.origin, ...ancestorOrigins])];
}
