/**
 * `<openwrt-web>`: the router's own web interface, in a frame of an origin of its own.
 *
 *     <openwrt-web guest-origin="https://router.example" path="/cgi-bin/luci/"></openwrt-web>
 *
 * What is in the frame comes from the router and is not trusted; it is never part of this page.
 */
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { destinationOf } from "../web-pane/destination.js";
import { guestOrigin } from "../web-pane/guest-origin.js";
import { isPath } from "../web-pane/messages.js";
import type { WebMachine } from "../web-pane/web-machine.js";
import { WebPane } from "../web-pane/web-pane.js";
import type { Notice } from "./notices.js";
import "./openwrt-notice.js";
import { brokenText, outsideText, REQUEST_TEXT, WEB_TEXT } from "./strings.js";
import { buttonStyles, colours, textStyles } from "./styles.js";
import "./web-bar.js";
import type { GoEvent } from "./web-bar.js";
import "./web-sign-in.js";
import type { SignInEvent } from "./web-sign-in.js";

/** The web interface of a machine's router. */
@customElement("openwrt-web")
export class OpenwrtWeb extends LitElement {
  static override styles = [
    colours,
    textStyles,
    buttonStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-width: 0;
        min-height: 0;
        overflow: hidden;
        color: var(--playground-text);
        background: var(--playground-surface);
      }
      :host([hidden]) {
        display: none;
      }
      .outside {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 6px 12px;
        padding: 6px 14px;
        border-bottom: 1px solid var(--playground-line);
        font-size: 0.875em;
      }
      .outside button {
        font-size: 1em;
      }
      .outside span {
        flex: 1 1 16em;
        overflow-wrap: anywhere;
        max-height: 6em;
        overflow-y: auto;
      }
      .outside a {
        color: var(--playground-accent);
      }
      .page {
        position: relative;
        flex: 1;
        min-height: 0;
      }
      iframe {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        border: 0;
      }
      .cover {
        position: absolute;
        inset: 0;
        display: flex;
        align-items: center;
        justify-content: center;
        gap: 12px;
        padding: 16px;
        text-align: center;
        line-height: 1.5;
        background: var(--playground-surface);
      }
      .cover:empty {
        display: none;
      }
      openwrt-notice {
        background: var(--playground-surface);
      }
      .spinner {
        flex: none;
        width: 18px;
        height: 18px;
        border: 3px solid var(--playground-line);
        border-top-color: var(--playground-accent);
        border-radius: 50%;
        animation: turn 1s linear infinite;
      }
      @keyframes turn {
        to {
          rotate: 1turn;
        }
      }
      @media (prefers-reduced-motion: reduce) {
        .spinner {
          animation-duration: 6s;
        }
      }
    `,
  ];

  /** Whose web interface is shown. */
  @property({ attribute: false }) accessor machine: WebMachine | undefined;

  /**
   * What tells this machine from every other one in this browser; it fills the `*` of `guest-origin`. Default: nothing
   * else has it, and what the router's pages store in the browser is forgotten with the element.
   */
  @property({ attribute: false }) accessor machineKey = randomKey();

  /**
   * Origin on which the router's pages are shown; a `*` as its first label stands for one origin for each machine.
   * Default "": the pane stays off.
   */
  @property({ attribute: "guest-origin" }) accessor guestOrigin = "";

  /**
   * Show the router's pages on this page's own origin when there is no `guest-origin`. They can then read and change
   * all that this origin stores, this page included. Default false.
   */
  @property({ type: Boolean, attribute: "allow-same-origin-guest" })
  accessor allowSameOriginGuest = false;

  /** Path that is shown first. Default "/". */
  @property() accessor path = "/";

  @state() private accessor problem: string | undefined;
  #pane: WebPane | undefined;
  /** each setting of the pane, so that an older one that is late gives up */
  #setting = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) void this.#set();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#discard();
  }

  protected override updated(changed: PropertyValues): void {
    const settings = ["machine", "machineKey", "guestOrigin", "allowSameOriginGuest"];
    if (settings.some((name) => changed.has(name))) void this.#set();
  }

  protected override render() {
    const pane = this.#pane;
    const { status, history } = pane ?? {};
    return html`
      <openwrt-web-bar
        .path=${history?.current ?? this.path}
        .canGoBack=${history?.canGoBack ?? false}
        .canGoForward=${history?.canGoForward ?? false}
        .disabled=${status !== "shown"}
        @back=${() => pane?.back()}
        @forward=${() => pane?.forward()}
        @reload=${() => pane?.reload()}
        @go=${this.#go}
      ></openwrt-web-bar>
      ${this.#outside()}
      <div class="page">
        ${pane?.bridge.frame ?? nothing}
        ${
          pane?.signingIn
            ? html`<openwrt-web-sign-in
                @signin=${({ user, password }: SignInEvent) => pane.signIn(user, password)}
                @dismiss=${() => pane.dismiss()}
              ></openwrt-web-sign-in>`
            : nothing
        }
        <div class="cover" role="status">${this.#waiting()}</div>
        ${this.#notice()}
      </div>
    `;
  }

  #waiting() {
    const status = this.#pane?.status;
    if (this.problem !== undefined || !this.#pane) return nothing;
    if (status === "off") return html`<span>${WEB_TEXT.off}</span>`;
    if (status !== "starting") return nothing;
    return html`<span class="spinner" aria-hidden="true"></span><span>${WEB_TEXT.starting}</span>`;
  }

  #notice() {
    const notice = this.#noticeText();
    return notice ? html`<openwrt-notice .notice=${notice}></openwrt-notice>` : nothing;
  }

  #noticeText(): Notice | undefined {
    const pane = this.#pane;
    const takeOver = { label: WEB_TEXT.takeOver, run: () => pane?.takeOver() };
    if (this.problem !== undefined)
      return {
        heading: WEB_TEXT.unconfiguredTitle,
        text: this.problem,
        actions: [],
        urgent: false,
      };
    switch (pane?.status) {
      case "busy":
        return {
          heading: WEB_TEXT.busyTitle,
          text: WEB_TEXT.busyText,
          actions: [takeOver],
          urgent: true,
        };
      case "taken":
        return {
          heading: WEB_TEXT.takenTitle,
          text: WEB_TEXT.busyText,
          actions: [takeOver],
          urgent: true,
        };
      case "broken":
        return {
          heading: WEB_TEXT.brokenTitle,
          text: brokenText(pane.origin, pane.reason),
          actions: [{ label: REQUEST_TEXT.retry, run: () => void this.#set() }],
          urgent: true,
        };
      default:
        return undefined;
    }
  }

  #outside() {
    const pane = this.#pane;
    const url = pane?.outside;
    if (!pane || url === undefined) return nothing;
    const to = destinationOf(url, pane.origin);
    const text =
      to.kind !== "other-port"
        ? outsideText(url)
        : to.tls
          ? REQUEST_TEXT.tlsText(url)
          : REQUEST_TEXT.otherPortText(url);
    // An address of the router's LAN means another device, or none, in the LAN of the person.
    const openable = to.kind === "outside" && /^https?:/.test(url);
    return html`<div class="outside" role="status">
      <span>${text}</span>
      ${
        openable
          ? html`<a href=${url} target="_blank" rel="noopener noreferrer">${WEB_TEXT.open}</a>`
          : nothing
      }
      <button @click=${() => pane.dismiss()}>${WEB_TEXT.dismiss}</button>
    </div>`;
  }

  readonly #go = ({ path: typed }: GoEvent): void => {
    const pane = this.#pane;
    if (!pane) return;
    const web = /^https?:\/\//.test(typed);
    const to = destinationOf(web || typed.startsWith("/") ? typed : `/${typed}`, pane.origin);
    if (to.kind === "router") pane.show(to.path);
  };

  /** Makes the pane that the properties ask for. */
  async #set(): Promise<void> {
    const setting = ++this.#setting;
    this.#discard();
    this.problem = undefined;
    const { machine } = this;
    if (!machine) return;
    const origin = await this.#origin();
    if (setting !== this.#setting || !this.isConnected || origin === undefined) return;
    const pane = new WebPane({
      machine,
      origin,
      path: isPath(this.path) ? this.path : "/",
      title: WEB_TEXT.frame,
      exclusive: this.guestOrigin.includes("*"),
      texts: REQUEST_TEXT,
    });
    pane.addEventListener("change", () => this.requestUpdate());
    this.#pane = pane;
    this.requestUpdate();
  }

  /** @returns `undefined`, and a sentence in `problem`, where the pane has to stay off */
  async #origin(): Promise<string | undefined> {
    const { guestOrigin: pattern, allowSameOriginGuest: shared, machineKey } = this;
    if (!isSecureContext || !("serviceWorker" in navigator)) {
      this.problem = WEB_TEXT.unsupportedText;
      return undefined;
    }
    if (!pattern && shared) return location.origin;
    if (!pattern) this.problem = WEB_TEXT.unconfiguredText;
    else {
      const origin = await guestOrigin(pattern, machineKey);
      if (origin === undefined) this.problem = WEB_TEXT.badOriginText;
      else if (origin === location.origin && !shared) this.problem = WEB_TEXT.ownOriginText;
      else return origin;
    }
    return undefined;
  }

  #discard(): void {
    this.#pane?.destroy();
    this.#pane = undefined;
  }
}

function randomKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join(" ");
}

declare global {
  interface HTMLElementTagNameMap {
    "openwrt-web": OpenwrtWeb;
  }
}
