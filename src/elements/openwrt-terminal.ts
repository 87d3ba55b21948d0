/**
 * `<openwrt-terminal>`: the router's first console.
 *
 * It lives as long as its machine's console does, wherever in the page it is moved meanwhile, and reads on while it is
 * not in the page or not seen. What the guest prints is untrusted and goes to the terminal only, never into HTML.
 */
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { REAL_CLOCK } from "../common/clock.js";
import { readText } from "./clipboard.js";
import type { ConsoleMachine } from "./console-machine.js";
import { type Dropped, FileDrop } from "./dropped-files.js";
import { FlowControl } from "./flow-control.js";
import "./openwrt-keys.js";
import type { OpenwrtKeys, RowKeyEvent } from "./openwrt-keys.js";
import type { OpenwrtUploads } from "./openwrt-uploads.js";
import { coveredHeight } from "./soft-keyboard.js";
import { keysHint, TEXT } from "./strings.js";
import { buttonStyles, colours, textStyles } from "./styles.js";
import { TerminalInput } from "./terminal-input.js";
import { lookStyles, readLook } from "./terminal-look.js";
import { TerminalScreen } from "./terminal-screen.js";
import { WindowSize } from "./window-size.js";

/** XON, which Ctrl+Q sends */
const XON = "\x11";
/** RIS (ECMA-48), which comes after what is still to be drawn */
const RESET = "\x1bc";

/** Events that tell what is typed; like the keys themselves they are nobody's business outside. */
const INPUT_EVENTS = [
  ...["keydown", "keypress", "keyup", "beforeinput", "input", "paste", "copy", "cut"],
  ...["compositionstart", "compositionupdate", "compositionend"],
];

/** Fires "leave" and "leaveback" when the person moves on from the console, behind it or before it. */
@customElement("openwrt-terminal")
export class OpenwrtTerminal extends LitElement {
  static override styles = [
    colours,
    textStyles,
    buttonStyles,
    lookStyles,
    css`
      :host {
        display: block;
        min-height: 0;
        overflow: hidden;
        background: var(--terminal-background);
      }
      :host([hidden]) {
        display: none;
      }
      .frame {
        position: relative;
        box-sizing: border-box;
        height: 100%;
        display: flex;
        flex-direction: column;
        container-type: inline-size;
      }
      /* The page's text styles end here. What follows in this rule is not about text. */
      #screen {
        all: initial;
        direction: ltr;
        unicode-bidi: isolate;
        color-scheme: inherit;
        visibility: inherit;
        pointer-events: inherit;
        display: block;
        flex: 1;
        min-height: 0;
        overflow: hidden;
      }
      /* The fit addon counts padding only here. */
      .xterm {
        box-sizing: border-box;
        height: 100%;
        padding: 8px 0 4px 10px;
      }
      .xterm .xterm-viewport {
        background-color: var(--terminal-background);
      }
      .xterm .composition-view {
        color: var(--terminal-background);
        background: var(--terminal-text);
      }
      .notes {
        position: absolute;
        z-index: 20;
        inset: 8px 20px auto auto;
        max-width: min(26em, calc(100% - 28px));
        max-height: calc(100% - 16px);
        overflow-y: auto;
        display: grid;
        gap: 6px;
      }
      .note {
        display: flex;
        align-items: center;
        gap: 10px;
        padding: 6px 6px 6px 12px;
        border: 1px solid var(--playground-line);
        border-radius: 6px;
        font-size: 0.875em;
        color: var(--playground-text);
        background: var(--playground-surface);
        box-shadow: 0 2px 8px rgb(0 0 0 / 20%);
      }
      .note button {
        flex: none;
        font-size: 1em;
      }
      .drop {
        position: absolute;
        z-index: 30;
        inset: 6px;
        display: grid;
        place-items: center;
        padding: 12px;
        border: 2px dashed var(--playground-accent);
        border-radius: 8px;
        text-align: center;
        color: var(--playground-text);
        background: color-mix(in srgb, var(--playground-surface) 85%, transparent);
        pointer-events: none;
      }
      openwrt-keys {
        display: none;
        border-top: 1px solid var(--playground-line);
        background: var(--playground-surface);
      }
      @container (width < 600px) {
        openwrt-keys {
          display: block;
        }
      }
      @media (pointer: coarse) {
        openwrt-keys {
          display: block;
        }
      }
    `,
  ];

  /** Whose console is shown. */
  @property({ attribute: false }) accessor machine: ConsoleMachine | undefined;

  /** Whether the terminal keeps an accessible copy of its lines for screen readers. Default false. */
  @property({ type: Boolean }) accessor screenReader = false;

  @state() private accessor message = "";
  @state() private accessor outputStopped = false;
  /** whether files were dropped before: only then their list is loaded */
  @state() private accessor listsUploads = false;

  @query("#screen") private accessor box!: HTMLElement;
  @query("#look") private accessor look!: HTMLElement;
  @query(".frame") private accessor frame!: HTMLElement;
  @query("openwrt-keys") private accessor keys!: OpenwrtKeys;
  @query("openwrt-uploads") private accessor uploads!: OpenwrtUploads | null;
  #screen: TerminalScreen | undefined;
  #input: TerminalInput | undefined;
  #loading: Promise<TerminalScreen> | undefined;
  /** the console that is read, or was read to its end */
  #attached: { readonly machine: ConsoleMachine; readonly end: AbortController } | undefined;
  #type: (text: string) => void = () => undefined;
  #size = { width: 0, height: 0 };
  readonly #windowSize = new WindowSize(REAL_CLOCK);
  readonly #drop = new FileDrop(
    this,
    () => this.machine !== undefined,
    (dropped) => void this.#upload(dropped),
  );
  readonly #flow = new FlowControl(REAL_CLOCK, () => {
    // A program with the whole screen to itself has its own idea of Ctrl+S.
    const whole = this.#screen?.terminal.buffer.active.type === "alternate";
    this.outputStopped = this.#flow.stopped && !whole;
  });
  readonly #resizes = new ResizeObserver((entries) => {
    const { width = 0, height = 0 } = entries.at(-1)?.contentRect ?? {};
    // While nothing was seen no transition told of a new look.
    if (this.#size.width === 0) this.#applyLook();
    this.#size = { width, height };
    this.#fill();
  });

  override connectedCallback(): void {
    super.connectedCallback();
    window.visualViewport?.addEventListener("resize", this.#makeRoom);
    if (!this.hasUpdated) return;
    this.#resizes.observe(this.box);
    this.#attach();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.visualViewport?.removeEventListener("resize", this.#makeRoom);
    this.#resizes.disconnect();
    queueMicrotask(() => this.#disposeUnused());
  }

  /** Its being here means that `moveBefore` moves the element as it is. */
  connectedMoveCallback(): void {
    this.#fill();
  }

  /** Pages ask their event's target this before they take a key for a shortcut. */
  override get isContentEditable(): boolean {
    return this.isTyping || super.isContentEditable;
  }

  /** Whether keys go to the console now. */
  get isTyping(): boolean {
    const input = this.#screen?.terminal.textarea;
    return input !== undefined && this.shadowRoot?.activeElement === input;
  }

  /** What is typed from now on goes to the router, Tab included. */
  override focus(): void {
    this.#screen?.terminal.focus();
    this.#input?.enter();
  }

  /** Writes a line of the page's own, between lines of the router. */
  note(text: string): void {
    this.#screen?.terminal.write(`\r\n\x1b[0;2m${text}\x1b[0m\r\n`);
  }

  /** Tells the person something, over the console's lines. */
  say(message: string): void {
    this.message = message;
  }

  /** All lines the terminal holds, scrollback included; lines it wrapped are joined. */
  text(): string {
    return this.#screen?.text() ?? "";
  }

  /** Types on the router's console. */
  type(text: string): void {
    this.#type(text);
  }

  /** Whether the person typed since the last call. */
  takeTyped(): boolean {
    return this.#input?.takeTyped() ?? false;
  }

  /** The router has started: it knows no window size yet, for a serial line carries none. */
  tellSize(): void {
    this.#windowSize.forget();
    this.#tellSize();
  }

  protected override firstUpdated(): void {
    this.#resizes.observe(this.box);
    for (const name of INPUT_EVENTS)
      this.box.addEventListener(name, (event) => {
        if (!(event instanceof KeyboardEvent) || this.#input?.keeps(event)) event.stopPropagation();
      });
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("screenReader") && this.#screen)
      this.#screen.terminal.options.screenReaderMode = this.screenReader;
    if (changed.has("machine")) this.#attach();
  }

  protected override render() {
    return html`<div id="look" @transitionrun=${this.#applyLook}></div>
      <div class="frame">
        <div
          id="screen"
          @pointerdown=${() => this.#input?.enter()}
          @focusin=${this.#makeRoom}
          @focusout=${this.#focusLeaves}
        ></div>
        <div class="notes">
          <div aria-live="polite">${this.#notes()}</div>
          ${
            this.listsUploads
              ? html`<openwrt-uploads .machine=${this.machine}></openwrt-uploads>`
              : nothing
          }
        </div>
        ${this.#drop.over ? html`<div class="drop">${TEXT.dropHere}</div>` : nothing}
        <openwrt-keys @rowkey=${this.#rowKey} @paste=${this.#paste}></openwrt-keys>
      </div>`;
  }

  #notes() {
    if (this.outputStopped)
      return html`<div class="note">
        <span>${TEXT.outputStopped}</span>
        <button @click=${() => this.#send(XON)}>${TEXT.goOn}</button>
      </div>`;
    return this.message ? html`<div class="note"><span>${this.message}</span></div>` : nothing;
  }

  /** Reads the machine's console from now on, if that is not being done already. */
  #attach(): void {
    const { machine } = this;
    if (machine === this.#attached?.machine) return;
    this.#attached?.end.abort();
    this.#attached = undefined;
    this.#type = () => undefined;
    // Another router's lines would be taken for this one's.
    this.#screen?.terminal.write(RESET);
    this.#flow.reset();
    if (!machine) return;
    const end = new AbortController();
    this.#attached = { machine, end };
    machine.addEventListener("statechange", () => this.#flow.reset(), { signal: end.signal });
    void this.#read(machine, end);
  }

  async #read(machine: ConsoleMachine, end: AbortController): Promise<void> {
    const { signal } = end;
    // From the first byte on, also while the terminal is still loading.
    const { readable, writable } = machine.console;
    const reader = readable.getReader();
    signal.addEventListener("abort", () => void reader.cancel());
    const writer = writable.getWriter();
    const encoder = new TextEncoder();
    this.#type = (text) => void writer.write(encoder.encode(text));
    try {
      const screen = await this.#load();
      for (;;) {
        const { value, done } = await reader.read();
        if (done || signal.aborted) break;
        this.#flow.output();
        // Waiting for the terminal leaves what it cannot take in the console's own, bounded queue.
        await screen.write(value, signal);
      }
    } catch {
      // A part of the page that cannot be fetched; streams of a console do not fail.
      this.message = TEXT.terminalBroken;
    }
    // The machine's end. Its last lines stay as long as they can be read.
    end.abort();
    this.#disposeUnused();
  }

  #load(): Promise<TerminalScreen> {
    this.#loading ??= TerminalScreen.load(readLook(this.look)).then(
      (screen) => this.#use(screen),
      (error: unknown) => {
        this.#loading = undefined;
        throw error;
      },
    );
    return this.#loading;
  }

  #use(screen: TerminalScreen): TerminalScreen {
    const { terminal } = (this.#screen = screen);
    const { adoptedStyleSheets } = this.renderRoot as ShadowRoot;
    // Before ours, which change some of it.
    if (!adoptedStyleSheets.includes(screen.styles)) adoptedStyleSheets.unshift(screen.styles);
    terminal.options.screenReaderMode = this.screenReader;
    this.#input = new TerminalInput(terminal, {
      leave: (way) => this.dispatchEvent(new Event(way)),
      copied: (copied) => (this.message = copied ? "" : TEXT.noCopy),
    });
    terminal.onData((text) => this.#send(this.keys.typed(text)));
    terminal.onBinary((bytes) => this.#send(bytes));
    terminal.onResize(() => this.#tellSize());
    this.#fill();
    return screen;
  }

  #send(text: string): void {
    this.#flow.typed(text);
    this.#type(text);
  }

  /** A terminal out of the page whose console has ended is of no use to anybody any more. */
  #disposeUnused(): void {
    if (this.isConnected || this.#attached?.end.signal.aborted === false) return;
    this.#attached = undefined;
    this.#screen?.dispose();
    this.#screen = this.#input = this.#loading = undefined;
  }

  #fill(): void {
    const screen = this.#screen;
    if (!screen?.fill(this.box, this.#size)) return;
    const hint = keysHint(this.#input?.mac ?? false);
    screen.terminal.textarea?.setAttribute("aria-label", `${TEXT.terminal}. ${hint}`);
    this.#input?.keepKeys();
    this.#applyLook();
    this.#tellSize();
  }

  readonly #applyLook = (): void => {
    if (this.#screen) this.#screen.look = readLook(this.look);
  };

  /** Leaves the room below to the keyboard of a phone. */
  readonly #makeRoom = (): void => {
    const viewport = window.visualViewport;
    const covered =
      viewport && this.isTyping ? coveredHeight(this.getBoundingClientRect(), viewport) : 0;
    this.frame.style.paddingBottom = `${covered}px`;
  };

  readonly #focusLeaves = (): void => {
    this.#input?.left();
    this.message = "";
    this.#makeRoom();
  };

  readonly #rowKey = (event: RowKeyEvent): void => {
    this.#input?.typing();
    const application = this.#screen?.terminal.modes.applicationCursorKeysMode ?? false;
    this.#send(event.text(application, this.keys.takeControl()));
  };

  readonly #paste = async (): Promise<void> => {
    const text = await readText();
    this.#input?.typing();
    if (text === undefined) this.message = TEXT.noClipboard;
    else this.#screen?.terminal.paste(text);
  };

  async #upload(dropped: Dropped): Promise<void> {
    try {
      await import("./openwrt-uploads.js");
    } catch {
      this.message = TEXT.partMissing;
      return;
    }
    this.listsUploads = true;
    await this.updateComplete;
    this.uploads?.add(dropped);
  }

  #tellSize(): void {
    const { machine } = this;
    // One that was never seen has no size yet.
    if (machine)
      this.#windowSize.tell(
        () => (this.#screen?.opened ? this.#screen.terminal : undefined),
        machine,
      );
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "openwrt-terminal": OpenwrtTerminal;
  }
}
