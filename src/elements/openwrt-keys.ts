/** The keys that phones lack, in a row: they type into the console and leave the focus, and so the keyboard, where it is. */
import { css, html, LitElement } from "lit";
import { customElement, state } from "lit/decorators.js";
import { KEYS_TEXT } from "./strings.js";
import { buttonStyles } from "./styles.js";

/** A key of the row, as the router gets it; arrows as letters, for programs choose how they are sent. */
const KEYS = {
  escape: "\x1b",
  tab: "\t",
  left: "D",
  down: "B",
  up: "A",
  right: "C",
} as const;
export type RowKey = keyof typeof KEYS;
type Arrow = Exclude<RowKey, "escape" | "tab">;

/** Event "rowkey": a key of the row was pressed. */
export class RowKeyEvent extends Event {
  /** @param key which one */
  constructor(readonly key: RowKey) {
    super("rowkey");
  }

  /**
   * What the router gets.
   *
   * @param application whether the program asked for application cursor keys (DECCKM)
   * @param control whether Ctrl is held
   */
  text(application: boolean, control: boolean): string {
    const { key } = this;
    if (!isArrow(key)) return KEYS[key];
    if (control) return `\x1b[1;5${KEYS[key]}`;
    return `\x1b${application ? "O" : "["}${KEYS[key]}`;
  }
}

/** Fires "rowkey", and "paste". */
@customElement("openwrt-keys")
export class OpenwrtKeys extends LitElement {
  static override styles = [
    buttonStyles,
    css`
      :host {
        display: block;
      }
      [role="toolbar"] {
        display: flex;
        gap: 4px;
        padding: 4px 6px;
      }
      button {
        flex: 1 1 auto;
        min-width: 0;
        min-height: 40px;
        padding: 0 3px;
        font-size: 0.8125em;
        touch-action: manipulation;
        user-select: none;
      }
    `,
  ];

  @state() private accessor control = false;

  /** Applies Ctrl to what is typed next, when it is held, and lets go of it. @returns what the router gets */
  typed(text: string): string {
    return text.length === 1 && this.takeControl() ? withControl(text) : text;
  }

  /** Lets go of Ctrl. @returns whether it was held */
  takeControl(): boolean {
    const { control } = this;
    this.control = false;
    return control;
  }

  protected override render() {
    return html`<div
      role="toolbar"
      aria-label=${KEYS_TEXT.row}
      @pointerdown=${keepFocus}
      @mousedown=${keepFocus}
    >
      ${this.#key("escape")}${this.#key("tab")}
      <button
        aria-label=${KEYS_TEXT.control}
        aria-pressed=${this.control ? "true" : "false"}
        @click=${() => (this.control = !this.control)}
      >
        Ctrl
      </button>
      ${this.#key("left")}${this.#key("down")}${this.#key("up")}${this.#key("right")}
      <button @click=${() => this.dispatchEvent(new Event("paste"))}>${KEYS_TEXT.paste}</button>
    </div>`;
  }

  #key(key: RowKey) {
    return html`<button
      aria-label=${KEYS_TEXT[key].name}
      @click=${() => this.dispatchEvent(new RowKeyEvent(key))}
    >
      ${KEYS_TEXT[key].sign}
    </button>`;
  }
}

/** A button that took the focus would close the keyboard. */
function keepFocus(event: Event): void {
  event.preventDefault();
}

function isArrow(key: RowKey): key is Arrow {
  return key !== "escape" && key !== "tab";
}

/** Ctrl and a key, as terminals send it (ECMA-48: the key's code without its upper bits); others are as they are. */
export function withControl(key: string): string {
  const code = key.toUpperCase().charCodeAt(0);
  if (key === " ") return "\0";
  if (key === "?") return "\x7f";
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code & 0x1f) : key;
}

declare global {
  interface HTMLElementTagNameMap {
    "openwrt-keys": OpenwrtKeys;
  }
}
