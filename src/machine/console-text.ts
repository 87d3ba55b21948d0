/** Text helpers for what a guest prints: bytes in, lines out, escape sequences removed. */
import { fromLatin1, latin1 } from "../common/bytes.js";

/** @param text one character a byte; what is not UTF-8 becomes U+FFFD */
export function decodeByteString(text: string): string {
  return new TextDecoder().decode(fromLatin1(text));
}

/** Control sequences of ECMA-48 (CSI …, OSC …) and other control characters. */
const CONTROLS = new RegExp(
  [
    String.raw`\x1b\[[0-?]*[ -/]*[@-~]`,
    String.raw`\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)`,
    String.raw`\x1b.`,
    String.raw`[\x00-\x08\x0b-\x1f\x7f]`,
  ].join("|"),
  "g",
);

/** Calls back for every whole line, without controls; keeps the last ones. */
export class LineReader {
  #partial = "";
  readonly #recent: string[] = [];

  /**
   * @param onLine called with each line as it ends
   * @param keep how many of the last lines to keep
   */
  constructor(
    private readonly onLine: (line: string) => void,
    private readonly keep = 20,
  ) {}

  push(bytes: Uint8Array): void {
    const lines = (this.#partial + latin1(bytes)).split("\n");
    // A guest that never ends its line must not fill our memory.
    this.#partial = (lines.pop() ?? "").slice(-4096);
    for (const raw of lines) {
      const line = decodeByteString(raw).replace(CONTROLS, "").trimEnd();
      this.#recent.push(line);
      if (this.#recent.length > this.keep) this.#recent.shift();
      this.onLine(line);
    }
  }

  /** The line that has not ended yet. */
  get partial(): string {
    return this.#partial;
  }

  /** The last lines that were not empty. */
  get recent(): string[] {
    return this.#recent.filter((line) => line !== "");
  }
}
