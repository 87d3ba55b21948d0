/**
 * xterm.js, loaded when it is needed and opened when there is room for it.
 *
 * Until then it takes what is written all the same. It is opened once, for what it measures while nothing is seen is
 * wrong for ever; where the element goes later does not matter.
 */
import type { Terminal } from "@xterm/xterm";
import type { TerminalLook } from "./terminal-look.js";

const SCROLLBACK_LINES = 10_000;

/** A box smaller than this, in CSS pixels, is one that is not shown, or is on its way to its size. */
const SMALLEST = { width: 100, height: 40 };

export class TerminalScreen {
  #opened = false;

  private constructor(
    readonly terminal: Terminal,
    /** what the terminal needs in the tree that it is opened in */
    readonly styles: CSSStyleSheet,
    private readonly fitting: { fit(): void },
  ) {}

  static async load(look: TerminalLook): Promise<TerminalScreen> {
    const [{ Terminal }, { FitAddon }, { default: css }] = await Promise.all([
      import("@xterm/xterm"),
      import("@xterm/addon-fit"),
      import("@xterm/xterm/css/xterm.css"),
    ]);
    // Its code has just run for the first time: the page gets a turn before the terminal is made.
    await new Promise((resolve) => setTimeout(resolve));
    const terminal = new Terminal({
      ...look,
      scrollback: SCROLLBACK_LINES,
      cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      minimumContrastRatio: 4.5,
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    const styles = new CSSStyleSheet();
    styles.replaceSync(css);
    return new TerminalScreen(terminal, styles, fit);
  }

  /** Whether it has been seen, and so has the size of what it is in. */
  get opened(): boolean {
    return this.#opened;
  }

  /**
   * Makes it fill its box, and opens it there when it is the first one that can be seen.
   *
   * @returns whether it was opened now
   */
  fill(box: HTMLElement, size: { readonly width: number; readonly height: number }): boolean {
    if (size.width < SMALLEST.width || size.height < SMALLEST.height) return false;
    const first = !this.#opened;
    if (first) this.terminal.open(box);
    this.#opened = true;
    this.fitting.fit();
    return first;
  }

  set look({ theme, fontFamily, fontSize }: TerminalLook) {
    const { options } = this.terminal;
    options.theme = theme;
    options.fontFamily = fontFamily;
    options.fontSize = fontSize;
    if (this.#opened) this.fitting.fit();
  }

  /** @returns when the terminal has taken it, or the signal is aborted */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const aborted = () => resolve();
      signal.addEventListener("abort", aborted, { once: true });
      this.terminal.write(bytes, () => {
        signal.removeEventListener("abort", aborted);
        resolve();
      });
    });
  }

  /** All lines it holds, scrollback included; lines it wrapped are joined. */
  text(): string {
    const buffer = this.terminal.buffer.normal;
    let text = "";
    for (let row = 0; row < buffer.length; row++) {
      const line = buffer.getLine(row);
      if (row > 0 && !line?.isWrapped) text += "\n";
      text += line?.translateToString(true) ?? "";
    }
    return text;
  }

  dispose(): void {
    this.terminal.dispose();
  }
}
