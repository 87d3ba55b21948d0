/**
 * The router's first console in a terminal: xterm.js, loaded when the element is first shown.
 *
 * What the guest prints is untrusted and goes to the terminal only, never into HTML.
 */
import type { ITheme, Terminal } from "@xterm/xterm";
import { css, html, LitElement, unsafeCSS, type PropertyValues } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import xtermCss from "@xterm/xterm/css/xterm.css";
import type { Machine } from "../machine/machine.js";
import { TEXT } from "./strings.js";

const SCROLLBACK_LINES = 10_000;
const RESIZE_QUIET_MS = 300;
/** Exit status of a shell that does not find a program. */
const NO_SUCH_PROGRAM = 127;

const DARK: ITheme = {
  background: "#10151c",
  foreground: "#d9e1ea",
  cursor: "#7fd1ff",
  cursorAccent: "#10151c",
  selectionBackground: "#2f5d86",
};
const LIGHT: ITheme = {
  background: "#fbfcfe",
  foreground: "#1c2733",
  cursor: "#0b63a5",
  cursorAccent: "#fbfcfe",
  selectionBackground: "#b9d8f2",
  black: "#1c2733",
  red: "#b3261e",
  green: "#1a6e2e",
  yellow: "#7a5900",
  blue: "#0b57a4",
  magenta: "#8a2a86",
  cyan: "#00687a",
  white: "#5b6773",
  brightBlack: "#4d5864",
  brightRed: "#b3261e",
  brightGreen: "#1a6e2e",
  brightYellow: "#7a5900",
  brightBlue: "#0b57a4",
  brightMagenta: "#8a2a86",
  brightCyan: "#00687a",
  brightWhite: "#1c2733",
};

@customElement("openwrt-terminal")
export class OpenwrtTerminal extends LitElement {
  static override styles = [
    unsafeCSS(xtermCss),
    css`
      :host {
        display: block;
        min-height: 0;
        overflow: hidden;
        background: var(--terminal-background, #10151c);
      }
      #screen {
        height: 100%;
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
    `,
  ];

  /** Whose console is shown. */
  @property({ attribute: false }) accessor machine: Machine | undefined;

  /** Whether the terminal keeps an accessible copy of its lines for screen readers. Default false. */
  @property({ type: Boolean }) accessor screenReader = false;

  @query("#screen") private accessor screenElement!: HTMLElement;
  #terminal: Terminal | undefined;
  #fit: (() => void) | undefined;
  #resizeTimer: ReturnType<typeof setTimeout> | undefined;
  /** the size that the router was told since it started; `undefined` when it has no program for that */
  #told: string | undefined = "";
  #attached: AbortController | undefined;
  readonly #resizes = new ResizeObserver(() => this.#fit?.());
  readonly #dark = matchMedia("(prefers-color-scheme: dark)");
  /** whether anything was typed since the last call of {@link takeTyped} */
  #typed = false;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#dark.addEventListener("change", this.#applyTheme);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#dark.removeEventListener("change", this.#applyTheme);
    this.#resizes.disconnect();
    this.#attached?.abort();
    this.#attached = undefined;
    this.#terminal?.dispose();
    this.#terminal = undefined;
  }

  override focus(): void {
    this.#terminal?.focus();
  }

  /** Writes a line of the page's own, between lines of the router. */
  note(text: string): void {
    this.#terminal?.write(`\r\n\x1b[0;2m${text}\x1b[0m\r\n`);
  }

  /** All lines the terminal holds, scrollback included; lines it wrapped are joined. */
  text(): string {
    const buffer = this.#terminal?.buffer.normal;
    let text = "";
    for (let row = 0; row < (buffer?.length ?? 0); row++) {
      const line = buffer?.getLine(row);
      if (row > 0 && !line?.isWrapped) text += "\n";
      text += line?.translateToString(true) ?? "";
    }
    return text;
  }

  /** Types on the router's console. */
  type(text: string): void {
    this.#terminal?.input(text, false);
  }

  /** Whether the person typed since the last call. */
  takeTyped(): boolean {
    const typed = this.#typed;
    this.#typed = false;
    return typed;
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has("screenReader") && this.#terminal)
      this.#terminal.options.screenReaderMode = this.screenReader;
    if (changed.has("machine")) void this.#attach();
  }

  protected override render() {
    return html`<div id="screen"></div>`;
  }

  async #attach(): Promise<void> {
    this.#attached?.abort();
    const { machine } = this;
    if (!machine) return;
    const { signal } = (this.#attached = new AbortController());
    // Read from the first byte on, also while the terminal is still loading.
    const { readable, writable } = machine.console;
    const reader = readable.getReader();
    signal.addEventListener("abort", () => void reader.cancel());
    const first = reader.read();
    const terminal = await this.#open();
    if (signal.aborted) return;
    this.#takeTyping(terminal, writable.getWriter(), signal);
    for (let read = await first; !read.done; read = await reader.read()) {
      const bytes = read.value;
      // Waiting for the terminal keeps what is queued on our side bounded by the stream's own limit.
      await new Promise<void>((resolve) => terminal.write(bytes, resolve));
    }
  }

  #takeTyping(
    terminal: Terminal,
    writer: WritableStreamDefaultWriter<Uint8Array>,
    signal: AbortSignal,
  ): void {
    const encoder = new TextEncoder();
    const listeners = [
      terminal.onData((text) => void writer.write(encoder.encode(text))),
      terminal.onBinary(
        (text) => void writer.write(Uint8Array.from(text, (char) => char.charCodeAt(0))),
      ),
      terminal.onKey(() => (this.#typed = true)),
    ];
    signal.addEventListener("abort", () => listeners.forEach((listener) => listener.dispose()));
  }

  async #open(): Promise<Terminal> {
    if (this.#terminal) return this.#terminal;
    const [{ Terminal }, { FitAddon }] = await Promise.all([
      import("@xterm/xterm"),
      import("@xterm/addon-fit"),
    ]);
    // Its code has just run for the first time: the page gets a turn before the terminal is made.
    await new Promise((resolve) => setTimeout(resolve));
    const terminal = new Terminal({
      scrollback: SCROLLBACK_LINES,
      screenReaderMode: this.screenReader,
      fontFamily: "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace",
      fontSize: 13,
      cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      minimumContrastRatio: 4.5,
      theme: this.#theme(),
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.attachCustomKeyEventHandler((event) => {
      if (event.key !== "F6") return true;
      if (event.type === "keydown") this.dispatchEvent(new Event("leave"));
      event.preventDefault();
      return false;
    });
    terminal.open(this.screenElement);
    terminal.textarea?.setAttribute("aria-label", `${TEXT.terminal}. ${TEXT.leaveHint}`);
    terminal.onResize(() => this.#tellSizeSoon());
    this.#terminal = terminal;
    this.#fit = () => fit.fit();
    this.#fit();
    this.#resizes.observe(this);
    return terminal;
  }

  /** The router has started: it knows no window size yet, for a serial line carries none. */
  tellSize(): void {
    this.#told = "";
    this.#tellSizeSoon();
  }

  #tellSizeSoon(): void {
    clearTimeout(this.#resizeTimer);
    this.#resizeTimer = setTimeout(() => void this.#tellSizeNow(), RESIZE_QUIET_MS);
  }

  /** Sets the size in the router where its busybox has `stty`. OpenWrt's has not, and goes on with 80 columns. */
  async #tellSizeNow(): Promise<void> {
    const { machine } = this;
    const terminal = this.#terminal;
    if (!terminal || machine?.state !== "running") return;
    const size = `cols ${terminal.cols} rows ${terminal.rows}`;
    if (this.#told === size || this.#told === undefined) return;
    this.#told = size;
    const answer = machine.exec(`stty -F /dev/ttyS0 ${size} 2>/dev/null`);
    const exitCode = await answer.then(
      (result) => result.exitCode,
      () => undefined,
    );
    if (exitCode === NO_SUCH_PROGRAM && this.#told === size) this.#told = undefined;
  }

  #theme(): ITheme {
    const theme = this.#dark.matches ? DARK : LIGHT;
    this.style.setProperty("--terminal-background", theme.background ?? "");
    return theme;
  }

  readonly #applyTheme = (): void => {
    const theme = this.#theme();
    if (this.#terminal) this.#terminal.options.theme = theme;
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "openwrt-terminal": OpenwrtTerminal;
  }
}
