/**
 * The frame with the router's pages, inside the bridge: shows a path, tells where it is, and keeps it at home.
 *
 * The bridge's policy (`frame-src 'self'`) is what keeps it at home; here links that lead out are told, not just dead.
 */
import { destinationOf } from "../web-pane/destination.js";
import { type BridgeMessage, PROBLEM_META } from "../web-pane/messages.js";

/** How often the frame's place is looked at, in milliseconds: pushState makes no event that all browsers have. */
const LOOK_MS = 250;
/** The mouse button that asks for a new tab (UI Events, MouseEvent.button). */
const MIDDLE = 1;

export class GuestFrame {
  readonly #frame = document.createElement("iframe");
  readonly #watched = new WeakSet<Document>();
  #reported = "";
  #order = 0;
  /** the page that the frame is about to leave */
  #left: Document | undefined;

  /** @param tell what happens in the frame */
  constructor(private readonly tell: (message: BridgeMessage) => void) {
    this.#frame.title = document.title;
    this.#frame.addEventListener("load", () => this.#look());
    setInterval(() => this.#look(), LOOK_MS);
  }

  /** @param order tells in every report which call of this it follows */
  show(path: string, order: number): void {
    this.#order = order;
    if (this.#frame.isConnected) this.#replace(path);
    else {
      this.#frame.src = path;
      document.body.append(this.#frame);
    }
  }

  reload(): void {
    this.#leave();
    this.#frame.contentWindow?.location.reload();
  }

  /** What was asked for became no page. */
  stay(): void {
    this.#left = undefined;
    this.#look();
  }

  #replace(path: string): void {
    const { href } = new URL(path, location.origin);
    const here = this.#frame.contentDocument?.location.href;
    const within = href.includes("#") && here?.replace(/#.*/s, "") === href.replace(/#.*/s, "");
    if (!within) this.#leave();
    this.#frame.contentWindow?.location.replace(href);
  }

  /** Until another page is there, where the frame is tells nothing. */
  #leave(): void {
    this.#left = this.#frame.contentDocument ?? undefined;
    this.#reported = "";
  }

  #look(): void {
    const page = this.#frame.contentDocument;
    // Without a document: the browser's own page about a frame that may not go there.
    if (!page || page.location.origin !== location.origin) return;
    if (page === this.#left) return;
    this.#watch(page);
    if (page.readyState === "loading") return;
    const { pathname, search, hash } = page.location;
    const path = pathname + search + hash;
    const problem = page.querySelector(`meta[name="${PROBLEM_META}"]`) !== null;
    const report = `${path} ${String(problem)}`;
    if (report === this.#reported) return;
    this.#reported = report;
    this.tell({ type: "location", path, problem, order: this.#order });
  }

  /** Turns links into replacements, so that the embedding page's history stays its own, and keeps the others. */
  #watch(page: Document): void {
    if (this.#watched.has(page)) return;
    this.#watched.add(page);
    page.addEventListener("click", (event) => this.#newWindow(event));
    page.addEventListener("auxclick", (event) => {
      if (event.button === MIDDLE) this.#newWindow(event);
    });
    // Not every browser has `navigation`; there, links make entries in the embedding page's history.
    const { navigation } = page.defaultView as Partial<Pick<Window, "navigation">>;
    navigation?.addEventListener("navigate", (event) => {
      const { destination, navigationType, formData, hashChange, downloadRequest } = event;
      if (navigationType !== "push" || formData || hashChange || downloadRequest !== null) return;
      if (destination.sameDocument || !event.cancelable) return;
      event.preventDefault();
      this.#lead(destination.url);
    });
  }

  /** Links that ask for a window of their own get none; the router's lead on in the frame. */
  #newWindow(event: MouseEvent): void {
    const link = event.composedPath().find((node): node is HTMLAnchorElement => isLink(node));
    if (!link || link.hasAttribute("download") || event.defaultPrevented) return;
    const target = link.target.toLowerCase();
    const name = target === "_blank" || target === "_top" || target === "_parent";
    const aside = event.button === MIDDLE || event.ctrlKey || event.metaKey || event.shiftKey;
    const outside = this.#to(link.href).kind !== "router";
    if (!name && !aside && !outside) return;
    event.preventDefault();
    this.#lead(link.href);
  }

  #to(address: string) {
    return destinationOf(address, this.#frame.contentDocument?.baseURI ?? location.href);
  }

  #lead(address: string): void {
    const to = this.#to(address);
    if (to.kind === "router") {
      this.tell({ type: "leaving" });
      this.#replace(to.path);
    } else this.tell({ type: "outside", url: to.url });
  }
}

/** Nodes of the frame are no instances of this window's classes. */
function isLink(node: EventTarget): node is HTMLAnchorElement {
  return "nodeName" in node && node.nodeName === "A" && "href" in node && node.href !== "";
}
