/** The console's keyboard: which keys are the router's, which copy, paste and leave, and where they stop. */
import type { Terminal } from "@xterm/xterm";
import { copyText } from "./clipboard.js";
import { keepKeys } from "./key-border.js";
import { isMac, type KeyUse, useOfKey } from "./terminal-keys.js";

/** Keys that type nothing by themselves. */
const SILENT = /^(?:Shift|Control|Alt|Meta|AltGraph|CapsLock|Tab)$/;

export interface InputEvents {
  /** the person moves on, behind the console or before it */
  leave(way: "leave" | "leaveback"): void;
  /** @param copied whether the browser let the page write to the clipboard */
  copied(copied: boolean): void;
}

export class TerminalInput {
  readonly mac = isMac();
  #passing = true;
  #typed = false;

  constructor(
    private readonly terminal: Terminal,
    private readonly events: InputEvents,
  ) {
    terminal.attachCustomKeyEventHandler((event) => this.#handle(event));
    terminal.onKey(() => this.typing());
  }

  /** The terminal has its input element now. */
  keepKeys(): void {
    if (this.terminal.textarea) keepKeys(this.terminal.textarea, (event) => this.keeps(event));
  }

  /** Whether a key stays within the console. */
  keeps(event: KeyboardEvent): boolean {
    return event.type !== "keydown" || this.#useOf(event) !== "browser";
  }

  /** The person does something with the console: keys are the router's now, Tab included. */
  enter(): void {
    this.#passing = false;
  }

  /** The person is elsewhere: when the focus comes back by Tab, Tab moves it on. */
  left(): void {
    this.#passing = true;
  }

  /** Something is typed, by whatever means. */
  typing(): void {
    this.enter();
    this.#typed = true;
  }

  /** Whether anything was typed since the last call. */
  takeTyped(): boolean {
    const typed = this.#typed;
    this.#typed = false;
    return typed;
  }

  #useOf(event: KeyboardEvent): KeyUse {
    const { mac } = this;
    return useOfKey(event, {
      mac,
      selected: this.terminal.hasSelection(),
      passing: this.#passing,
    });
  }

  /** @returns whether the terminal should take the key */
  #handle(event: KeyboardEvent): boolean {
    const use = this.#useOf(event);
    if (event.type !== "keydown") return use === "router";
    switch (use) {
      case "router":
        if (!SILENT.test(event.key)) this.enter();
        return true;
      case "browser":
        return false;
      case "paste":
        this.typing();
        return false;
      case "copy":
      case "copy-once":
        this.#copy();
        if (use === "copy-once") this.terminal.clearSelection();
        break;
      case "leave":
        this.left();
        this.events.leave("leave");
        break;
      case "leave-back":
        this.left();
        this.events.leave("leaveback");
    }
    event.preventDefault();
    return false;
  }

  #copy(): void {
    const text = this.terminal.getSelection();
    if (text) void copyText(text).then((copied) => this.events.copied(copied));
  }
}
