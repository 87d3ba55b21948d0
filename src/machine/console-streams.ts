/** The router's first console (ttyS0) as web streams. Any number of readers; each sees what comes after its first read. */

/** Bytes a reader may lag behind before its stream fails; output cannot be held back in the guest. */
const MAX_LAG_BYTES = 8 * 1024 * 1024;

type Bytes = Uint8Array<ArrayBuffer>;

export interface ConsoleStreams {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

export class ConsoleHub {
  readonly #readers = new Set<ReadableStreamDefaultController<Uint8Array>>();

  /** @param input takes what is typed */
  constructor(private readonly input: (bytes: Bytes) => void) {}

  /** Hands output to every reader. */
  output(bytes: Bytes): void {
    for (const reader of this.#readers) {
      reader.enqueue(bytes.slice());
      if ((reader.desiredSize ?? 0) > -MAX_LAG_BYTES) continue;
      this.#readers.delete(reader);
      reader.error(new Error("The console's reader fell more than 8 MiB behind and was cut off."));
    }
  }

  /** A pair of streams of its own for each caller; they outlive reboots and end with the machine. */
  open(): ConsoleStreams {
    let controller: ReadableStreamDefaultController<Uint8Array>;
    const readable = new ReadableStream<Uint8Array>(
      {
        start: (given) => void (controller = given),
        pull: () => void this.#readers.add(controller),
        cancel: () => void this.#readers.delete(controller),
      },
      // Nothing is kept for a stream that nobody reads.
      { highWaterMark: 0, size: (bytes?: Uint8Array) => bytes?.length ?? 0 },
    );
    const writable = new WritableStream<Uint8Array>({
      write: (bytes) => this.input(new Uint8Array(bytes)),
    });
    return { readable, writable };
  }

  /** Ends every reader. */
  close(): void {
    for (const reader of this.#readers) reader.close();
    this.#readers.clear();
  }
}
