/**
 * The router's first console (ttyS0) as web streams. Any number of readers; each sees what comes after it was taken.
 *
 * The guest cannot be held back: it prints into a serial line. So a reader that is slow (a terminal in a background
 * tab, whose timers hardly run) loses the oldest output and is told how much, and nobody's memory grows without bounds.
 */
import { ByteRing } from "./byte-ring.js";

/**
 * Bytes kept for each reader: about 6,500 full lines, so that a terminal with 10,000 still shows where some are missing.
 */
export const MAX_LAG_BYTES = 512 * 1024;

/** Bytes handed over at most in one piece, so that a terminal can draw between two. */
const PIECE_BYTES = 64 * 1024;

/** Within so many bytes the next line is looked for, to go on with a whole one. */
const LINE_BYTES = 4096;

const LINE_FEED = 0x0a;

type Bytes = Uint8Array<ArrayBuffer>;

export interface ConsoleStreams {
  /** What the router prints from now on. Cancel it when it is no longer read: up to 512 KiB are kept for it. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What is typed. */
  readonly writable: WritableStream<Uint8Array>;
}

/** One reader of the console, and the output it has not read yet. */
class Reader {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #unread = new ByteRing(MAX_LAG_BYTES);
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #waiting = false;
  #leftOut = 0;
  #ended = false;

  /** @param onEnd called when it is cancelled, or has read the last output of a console that was closed */
  constructor(private readonly onEnd: (reader: Reader) => void) {
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => this.#pull(),
        cancel: () => this.onEnd(this),
      },
      // The ring is the queue; the stream's own has no bounds.
      { highWaterMark: 0 },
    );
  }

  output(bytes: Bytes): void {
    if (this.#waiting) {
      this.#waiting = false;
      this.#controller.enqueue(bytes.slice());
      return;
    }
    const dropped = this.#unread.push(bytes);
    if (dropped > 0) this.#leftOut += dropped + this.#dropPartialLine();
  }

  /** Ends it behind the output that is still unread; at once when there is none. */
  end(): void {
    this.#ended = true;
    if (this.#unread.length === 0) this.#close();
  }

  #pull(): void {
    if (this.#unread.length > 0) {
      if (this.#leftOut > 0) this.#controller.enqueue(leftOutMark(this.#leftOut));
      this.#leftOut = 0;
      this.#controller.enqueue(this.#unread.take(PIECE_BYTES));
    } else if (this.#ended) this.#close();
    else this.#waiting = true;
  }

  #close(): void {
    this.#controller.close();
    this.onEnd(this);
  }

  /** A line, an escape sequence or a character must not begin in its middle. @returns how many bytes were dropped */
  #dropPartialLine(): number {
    const ring = this.#unread;
    let count = 0;
    while (count < LINE_BYTES && ring.at(count) !== undefined && ring.at(count) !== LINE_FEED)
      count++;
    if (ring.at(count) === LINE_FEED) count++;
    // No line ends here. Of UTF-8 at least a whole character is wanted.
    else for (count = 0; ((ring.at(count) ?? 0) & 0xc0) === 0x80;) count++;
    ring.drop(count);
    return count;
  }
}

export class ConsoleHub {
  readonly #readers = new Set<Reader>();
  #closed = false;

  /** @param input takes what is typed */
  constructor(private readonly input: (bytes: Bytes) => void) {}

  /** Hands output to every reader. */
  output(bytes: Bytes): void {
    for (const reader of this.#readers) reader.output(bytes);
  }

  /** Makes a pair of streams of its own for each caller; they outlive reboots and end with the machine. */
  open(): ConsoleStreams {
    let reader: Reader | undefined;
    const read = () => (reader ??= this.#read()).stream;
    const writable = new WritableStream<Uint8Array>({
      write: (bytes) => this.input(new Uint8Array(bytes)),
    });
    return {
      // Made when it is asked for: who only types leaves no reader behind.
      get readable() {
        return read();
      },
      writable,
    };
  }

  #read(): Reader {
    const reader = new Reader((ended) => void this.#readers.delete(ended));
    this.#readers.add(reader);
    if (this.#closed) reader.end();
    return reader;
  }

  /** Ends every reader, those included that have not read yet, behind the output they were given. */
  close(): void {
    this.#closed = true;
    for (const reader of [...this.#readers]) reader.end();
  }
}

/**
 * What stands in the stream for output that was left out. It is terminal output like the rest: CAN ends an escape
 * sequence that was cut (ECMA-48), SGR 0 ends colours that were on.
 */
export function leftOutMark(bytes: number): Bytes {
  const count = bytes.toLocaleString("en");
  return new TextEncoder().encode(`\x18\x1b[0m\r\n[… ${count} bytes of output left out …]\r\n`);
}
