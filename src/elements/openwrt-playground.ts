/**
 * `<openwrt-playground>`: a router in a page, with its console, its state and its power buttons.
 *
 *     <openwrt-playground firmware="demo" overlay="default" autostart></openwrt-playground>
 */
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { StorageError } from "../machine/errors.js";
import { Machine } from "../host/browser.js";
import { MachineProgressEvent, StorageChangeEvent } from "../machine/events.js";
import type { StorageReport } from "../machine/storage-report.js";
import { firmwareWithRoot } from "../firmware/offered.js";
import { Overlay } from "../overlay/overlay.js";
import { Absence } from "./absence.js";
import "./confirm-dialog.js";
import type { ConfirmDialog } from "./confirm-dialog.js";
import { noticeFor, type NoticeChoices } from "./notices.js";
import "./openwrt-notice.js";
import "./openwrt-progress.js";
import type { OpenwrtStorageDialog } from "./openwrt-storage-dialog.js";
import type { StoredRouterEvent } from "./openwrt-stored-routers.js";
import "./openwrt-terminal.js";
import type { OpenwrtTerminal } from "./openwrt-terminal.js";
import "./openwrt-views.js";
import { FAILSAFE_TEXT, keysHint, ROUTERS_TEXT, savedText, STATE_TEXT, TEXT } from "./strings.js";
import { buttonStyles, colours, textStyles } from "./styles.js";
import { isMac } from "./terminal-keys.js";

/**
 * Event "openrouter": the person chose another router that is stored in this browser. The element's attributes change
 * to it, and it starts, unless the page does that in its own way and calls `preventDefault()`.
 */
export class OpenRouterEvent extends Event {
  constructor(
    readonly firmware: string,
    readonly overlay: string,
  ) {
    super("openrouter", { cancelable: true });
  }
}

/**
 * A router: its console, its web interface, its state, and what it takes to start, stop and reset it.
 *
 * @fires {OpenRouterEvent} openrouter - the person chose another router that is stored in this browser
 * @cssproperty [--playground-text] - text
 * @cssproperty [--playground-quiet] - text that matters less
 * @cssproperty [--playground-surface] - background
 * @cssproperty [--playground-line] - borders
 * @cssproperty [--playground-accent] - focus, and what is chosen
 * @cssproperty [--playground-on-accent] - text on that
 * @cssproperty [--playground-danger] - what cannot be undone, and failures
 * @cssproperty [--playground-on-danger] - text on that
 * @cssproperty [--playground-good] - a router that runs
 * @cssproperty [--playground-busy] - a router that starts
 * @cssproperty [--playground-terminal-background] - the console's background
 * @cssproperty [--playground-terminal-text] - the console's text
 * @cssproperty [--playground-terminal-cursor] - the console's cursor
 * @cssproperty [--playground-terminal-selection] - what is selected in the console
 * @cssproperty [--playground-terminal-font] - the console's font, of a fixed width
 * @cssproperty [--playground-terminal-font-size=13px] - its size
 */
@customElement("openwrt-playground")
export class OpenwrtPlayground extends LitElement {
  static override styles = [
    colours,
    textStyles,
    buttonStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        box-sizing: border-box;
        height: 32em;
        min-width: 0;
        border: 1px solid var(--playground-line);
        border-radius: 10px;
        overflow: hidden;
        color: var(--playground-text);
        background: var(--playground-surface);
      }
      :host([hidden]) {
        display: none;
      }
      .bar {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px 12px;
        padding: 8px 14px;
        border-bottom: 1px solid var(--playground-line);
      }
      .state {
        display: flex;
        align-items: center;
        gap: 8px;
        margin-right: auto;
        font-weight: 600;
      }
      .state small {
        font-weight: 400;
        color: var(--playground-quiet);
      }
      .dot {
        width: 10px;
        height: 10px;
        border-radius: 50%;
        background: var(--playground-quiet);
      }
      .running .dot {
        background: var(--playground-good);
      }
      .loading .dot,
      .booting .dot {
        background: var(--playground-busy);
      }
      .failed .dot {
        background: var(--playground-danger);
      }
      [role="toolbar"] {
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
      }
      .console {
        position: relative;
        min-height: 0;
        display: grid;
        grid-template: minmax(0, 1fr) / minmax(0, 1fr);
      }
      openwrt-terminal {
        min-width: 0;
      }
      openwrt-progress {
        border-bottom: 1px solid var(--playground-line);
      }
      .foot {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 2px 12px;
        padding: 6px 14px;
        border-top: 1px solid var(--playground-line);
        font-size: 0.8125em;
        color: var(--playground-quiet);
      }
      .foot button {
        font-size: calc(14em / 13);
      }
      .foot .hint {
        margin-left: auto;
      }
      /* A phone has none of these keys. Its keyboard leaves little room, which is the console's. */
      @media (pointer: coarse) {
        .foot .hint {
          display: none;
        }
      }
      @media (pointer: coarse) and (height < 480px) {
        .bar {
          flex-wrap: nowrap;
          overflow-x: auto;
        }
        [role="toolbar"] {
          flex-wrap: nowrap;
        }
        [role="toolbar"] button {
          white-space: nowrap;
        }
        .foot {
          display: none;
        }
      }
    `,
  ];

  /** Name of the firmware. Default "demo". */
  @property() accessor firmware = "demo";

  /** Name of the overlay in this origin's storage. Default "default". */
  @property() accessor overlay = "default";

  /** Start as soon as the element is in the page. Default false. */
  @property({ type: Boolean }) accessor autostart = false;

  /**
   * Whether the element is light or dark; "auto" is as the page's `color-scheme` says. Default "auto".
   */
  @property({ reflect: true, useDefault: true }) accessor theme: "auto" | "light" | "dark" = "auto";

  /** URL of the directory with the built files. Default: where this script came from. */
  @property() accessor assets = new URL("./", import.meta.url).href;

  /**
   * Origin on which the router's web interface is shown; see `<openwrt-web>`. Default "": only the console is shown.
   */
  @property({ attribute: "guest-origin" }) accessor guestOrigin = "";

  /** Show the router's web interface on this page's own origin; see `<openwrt-web>`. Default false. */
  @property({ type: Boolean, attribute: "allow-same-origin-guest" })
  accessor allowSameOriginGuest = false;

  @state() private accessor webLoaded = false;
  @state() private accessor storageLoaded = false;
  @state() private accessor progress: MachineProgressEvent | undefined;
  @state() private accessor storage: StorageReport | undefined;
  @state() private accessor screenReader = false;
  @state() private accessor problem: Error | undefined;

  @query("openwrt-terminal") private accessor terminal!: OpenwrtTerminal | null;
  @query("openwrt-confirm-dialog") private accessor confirmation!: ConfirmDialog;
  @query("openwrt-storage-dialog") private accessor storageDialog!: OpenwrtStorageDialog | null;
  #machine: Machine | undefined;
  /** what the machine was made for */
  #router = "";
  readonly #absence = new Absence(() => this.#discard());
  /** settles when nobody in this page has the router any more who left with it */
  #recalled: Promise<void> = Promise.resolve();
  #listening: AbortController | undefined;

  /**
   * The machine of this element; another one after `firmware` or `overlay` changed.
   *
   * @throws {MachineError} an attribute has a name that cannot be one
   */
  get machine(): Machine {
    return this.#ensureMachine();
  }

  constructor() {
    super();
    this.addEventListener("dragover", keepPage);
    this.addEventListener("drop", keepPage);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#absence.over();
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    if (this.#machine) this.#absence.begin(this.#router);
  }

  /** Its being here means that `moveBefore` moves the element as it is, the router's web interface included. */
  connectedMoveCallback(): void {
    this.requestUpdate();
  }

  /** Whether keys go to the console now: pages ask this before they take a key for a shortcut of theirs. */
  override get isContentEditable(): boolean {
    return (this.terminal?.isTyping ?? false) || super.isContentEditable;
  }

  protected override willUpdate(): void {
    try {
      if (this.#machine && this.#router !== this.#wanted) void this.#discard();
      if (this.isConnected) this.#ensureMachine();
      this.problem = undefined;
    } catch (error) {
      this.problem = error as Error;
    }
  }

  protected override updated(): void {
    const machine = this.#machine;
    if (!this.autostart || !machine || this.#autostarted.has(machine)) return;
    this.#autostarted.add(machine);
    // In a task of its own: the first drawing keeps the page busy for long enough.
    setTimeout(() => {
      void this.#recalled.then(() => {
        if (this.#machine === machine) this.#run(machine.start());
      });
    });
  }

  /** The router may have been started by the page's script before there was a console to be seen. */
  protected override firstUpdated(): void {
    const machine = this.#machine;
    if (machine?.state === "running")
      void this.terminal?.updateComplete.then(() => this.#greet(machine));
  }

  /** a machine starts by itself once, not each time the element is drawn */
  readonly #autostarted = new WeakSet<Machine>();

  protected override render() {
    const machine = this.#machine;
    const current = machine?.state ?? "failed";
    const { error } = machine ?? {};
    const elsewhere = error instanceof StorageError && error.problem === "in-use";
    const notice = noticeFor(machine, this.problem, this.#choices);
    const busy = current === "loading" || current === "booting";
    return html`
      <div class="bar ${current}">
        <div class="state" role="status">
          <span class="dot" aria-hidden="true"></span>
          <span>${elsewhere ? TEXT.elsewhere : this.#stateText(current)}</span>
          ${
            current === "running" && this.progress?.stage !== "ready"
              ? html`<small>${TEXT.servicesStarting}</small>`
              : nothing
          }
        </div>
        <div role="toolbar" aria-label=${TEXT.controls}>${this.#buttons(current)}</div>
      </div>
      ${
        busy
          ? html`<openwrt-progress
              .stage=${this.progress?.stage ?? "fetch"}
              .loaded=${this.progress?.loaded ?? 0}
              .total=${this.progress?.total ?? 0}
            ></openwrt-progress>`
          : nothing
      }
      <openwrt-views .web=${this.#hasWeb(machine)} @webshown=${this.#loadWeb}>
        <div class="console" slot="console">
          <openwrt-terminal
            .machine=${machine}
            .screenReader=${this.screenReader}
            @leave=${() => this.#focusFirst(".foot")}
            @leaveback=${() => this.#focusFirst(".bar")}
          ></openwrt-terminal>
          ${notice ? html`<openwrt-notice .notice=${notice}></openwrt-notice>` : nothing}
        </div>
        ${this.webLoaded && machine ? this.#web(machine) : nothing}
      </openwrt-views>
      <div class="foot">
        <span>${this.#storageText()}</span>
        <button ?disabled=${!machine} @click=${() => this.#inStorage((dialog) => dialog.show())}>
          ${TEXT.storage}…
        </button>
        <span class="hint">${keysHint(isMac())}</span>
      </div>
      <openwrt-confirm-dialog
        heading=${TEXT.resetTitle}
        text=${TEXT.resetText}
        action=${TEXT.resetConfirm}
      ></openwrt-confirm-dialog>
      ${
        this.storageLoaded
          ? html`<openwrt-storage-dialog
              .machine=${machine}
              .storage=${this.storage}
              .store=${Overlay}
              @open=${this.#openStored}
            ></openwrt-storage-dialog>`
          : nothing
      }
    `;
  }

  #stateText(current: Machine["state"]): string {
    const failsafe = current === "running" && this.storage?.upper === "none";
    return failsafe ? FAILSAFE_TEXT : STATE_TEXT[current];
  }

  #buttons(current: Machine["state"]) {
    const on = current === "running" || current === "booting";
    return html`
      ${
        current === "off" || current === "failed"
          ? html`<button ?disabled=${!this.#machine} @click=${this.#start}>${TEXT.start}</button>`
          : html`<button ?disabled=${!on} @click=${() => this.#run(this.machine.reboot())}>
                ${TEXT.reboot}</button
              ><button @click=${() => this.#run(this.machine.powerOff())}>${TEXT.powerOff}</button>`
      }
      <button ?disabled=${!this.#machine} @click=${this.#reset}>${TEXT.reset}…</button>
      <button
        aria-pressed=${this.screenReader ? "true" : "false"}
        @click=${() => (this.screenReader = !this.screenReader)}
      >
        ${TEXT.screenReader}
      </button>
    `;
  }

  #hasWeb(machine: Machine | undefined): boolean {
    return machine !== undefined && (this.guestOrigin !== "" || this.allowSameOriginGuest);
  }

  #web(machine: Machine) {
    return html`<openwrt-web
      slot="web"
      .machine=${machine}
      .machineKey=${`${this.firmware}\n${this.overlay}`}
      .guestOrigin=${this.guestOrigin}
      .allowSameOriginGuest=${this.allowSameOriginGuest}
    ></openwrt-web>`;
  }

  readonly #loadWeb = async (): Promise<void> => {
    try {
      await import("./openwrt-web.js");
      this.webLoaded = true;
    } catch {
      this.terminal?.say(TEXT.partMissing);
    }
  };

  #storageText(): string {
    if (!this.storage) return TEXT.storageUnknown;
    if (this.#machine?.state === "running") {
      if (this.storage.upper === "none") return TEXT.notMounted;
      if (this.storage.upper === "memory") return TEXT.inMemory;
    }
    if (this.storage.durability === "memory") return TEXT.notSaved;
    if (this.storage.pending) return TEXT.saving;
    return this.storage.bytes === 0 ? TEXT.savedNothing : savedText(this.storage.bytes);
  }

  readonly #start = (): void => {
    this.#run(this.machine.start());
    this.terminal?.focus();
  };

  readonly #choices: NoticeChoices = {
    start: () => this.#start(),
    failsafe: () => {
      this.#run(this.machine.start({ failsafe: true }));
      this.terminal?.focus();
    },
    takeOver: () => this.#run(this.machine.takeOver()),
    startWithoutSaving: () => this.#run(this.machine.startWithoutSaving()),
    reset: () => void this.#reset(),
    saveCopy: () => this.#inStorage((dialog) => dialog.saveCopy()),
  };

  /** Loads the dialog when it is first wanted. */
  #inStorage(use: (dialog: OpenwrtStorageDialog) => void): void {
    const load = async () => {
      await import("./openwrt-storage-dialog.js");
      this.storageLoaded = true;
      await this.updateComplete;
      if (this.storageDialog) use(this.storageDialog);
    };
    load().catch(() => this.terminal?.say(TEXT.partMissing));
  }

  readonly #openStored = async ({ router }: StoredRouterEvent): Promise<void> => {
    const assets = new URL(this.assets, document.baseURI);
    const firmware = await firmwareWithRoot(router.firmware, assets, this.firmware);
    if (firmware === undefined) {
      this.storageDialog?.say(ROUTERS_TEXT.notOffered(router.name));
      return;
    }
    this.storageDialog?.close();
    if (!this.dispatchEvent(new OpenRouterEvent(firmware, router.name))) return;
    this.firmware = firmware;
    this.overlay = router.name;
    await this.updateComplete;
    this.#start();
  };

  readonly #reset = async (): Promise<void> => {
    if (!(await this.confirmation.ask())) return;
    this.#run(this.machine.reset());
    this.terminal?.focus();
  };

  /** Failures show in the machine's state and error; nothing else waits for these. */
  #run(work: Promise<unknown>): void {
    work.catch(() => undefined);
  }

  /** What tells the router that the attributes name from others. */
  get #wanted(): string {
    return [new URL(this.assets, document.baseURI).href, this.firmware, this.overlay].join("\n");
  }

  #ensureMachine(): Machine {
    if (!this.#machine) {
      const { firmware, overlay, assets } = this;
      this.#router = this.#wanted;
      this.#recalled = Absence.recall(this.#router);
      this.#machine = new Machine({
        firmware,
        overlay,
        assets: new URL(assets, document.baseURI),
        warmUp: this.guestOrigin || this.allowSameOriginGuest ? "web" : "shell",
      });
      this.#listen(this.#machine);
    }
    return this.#machine;
  }

  #listen(machine: Machine): void {
    this.#listening?.abort();
    const { signal } = (this.#listening = new AbortController());
    const on = (name: string, listener: (event: Event) => void) =>
      machine.addEventListener(name, listener, { signal });
    on("statechange", () => this.#stateChanged(machine));
    on("progress", (event) => {
      if (event instanceof MachineProgressEvent) this.progress = event;
    });
    on("error", () => this.requestUpdate());
    on("storagechange", (event) => {
      if (event instanceof StorageChangeEvent) void this.#showStorage(machine, event.report);
    });
  }

  #stateChanged(machine: Machine): void {
    if (machine.state === "loading") {
      if (this.progress) this.terminal?.note(TEXT.rebooted);
      this.progress = undefined;
    }
    if (machine.state === "booting") this.terminal?.takeTyped();
    if (machine.state === "running") this.#greet(machine);
    this.requestUpdate();
  }

  /**
   * Presses Enter, for which the console waits; nobody who opens this page should have to know. What an earlier visit
   * left there may be an editor, or a question.
   */
  #greet(machine: Machine): void {
    const { terminal } = this;
    terminal?.tellSize();
    if (terminal && !terminal.takeTyped() && !machine.resumed) terminal.type("\r");
  }

  #focusFirst(place: string): void {
    this.renderRoot.querySelector<HTMLElement>(`${place} button:enabled`)?.focus();
  }

  /** @param report what is stored; `undefined` when a router that is off has to be asked */
  async #showStorage(machine: Machine, report: StorageReport | undefined): Promise<void> {
    this.requestUpdate();
    const storage = report ?? (await machine.storage().catch(() => undefined));
    if (storage && machine === this.#machine) this.storage = storage;
  }

  #discard(): Promise<void> {
    this.#listening?.abort();
    const ended = this.#machine?.destroy();
    this.#machine = undefined;
    this.progress = undefined;
    this.storage = undefined;
    return ended ?? Promise.resolve();
  }
}

/** A file that is dropped beside the console would take the place of the page. */
function keepPage(event: DragEvent): void {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "none";
}

declare global {
  interface HTMLElementTagNameMap {
    "openwrt-playground": OpenwrtPlayground;
  }
  interface HTMLElementEventMap {
    openrouter: OpenRouterEvent;
  }
}
