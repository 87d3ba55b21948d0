/**
 * The router's second console, hvc0, where unmodified OpenWrt images offer a root shell to whoever presses Enter. There is
 * no `stty` in it, and no telling when it listens: all that is done here is to type a line.
 */
import { deferred } from "../common/deferred.js";
import type { ShellConsole } from "./failsafe-console.js";
import { DISCARD, type SerialPort } from "./serial-port.js";

/** What procd's askfirst and busybox's init print. */
const ACTIVATE = "Please press Enter to activate this console";

export class LoginConsole implements ShellConsole {
  readonly #port: SerialPort;
  readonly #printed = deferred();
  /** the end of what it printed */
  #tail = "";

  /** Resolves when it printed something: before that, what is typed would pile up until somebody reads it. */
  readonly printed: Promise<void> = this.#printed.promise;

  /** @param hasPrinted whether it did before: it was restored */
  constructor(port: SerialPort, hasPrinted: boolean) {
    this.#port = port;
    if (hasPrinted) this.#printed.resolve();
    const decoder = new TextDecoder("latin1");
    port.use({ ...DISCARD, receive: (bytes) => this.#receive(decoder.decode(bytes)) });
  }

  /** @param line ASCII without its end */
  type(line: string): void {
    this.#port.send(new TextEncoder().encode(`${line}\n`));
  }

  #receive(text: string): void {
    this.#printed.resolve();
    this.#tail += text;
    if (this.#tail.includes(ACTIVATE)) {
      this.#tail = "";
      this.type("");
    }
    this.#tail = this.#tail.slice(-ACTIVATE.length);
  }
}
