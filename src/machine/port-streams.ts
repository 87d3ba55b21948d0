/** A command's input and output as web streams, on serial ports that it is given later: it may have to wait for them. */
import { deferred } from "../common/deferred.js";
import { MachineError } from "./errors.js";
import { DISCARD, type PortEnd, type SerialPort } from "./serial-port.js";

/** How many bytes wait for a reader before the router's writers have to. */
const WINDOW_BYTES = 64 * 1024;
/** Largest piece that waits in a port for the router's buffers. */
const PIECE_BYTES = 64 * 1024;

/** What a command writes. */
export class CommandOutput implements PortEnd {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #port: SerialPort | undefined;
  #isDraining = false;
  #isOver = false;

  /** @param onOpened called when the command has it */
  constructor(private readonly onOpened: () => void = () => undefined) {
    this.stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => this.#port?.resume(),
        cancel: () => {
          // Who writes on gets an error, as from a pipe that nobody reads.
          this.#isOver = true;
          this.#port?.hangUp();
        },
      },
      { highWaterMark: WINDOW_BYTES, size: (bytes) => bytes.length },
    );
  }

  /** The port that the command writes to. */
  attach(port: SerialPort): void {
    this.#port = port;
    port.use(this);
  }

  wants(): boolean {
    return this.#isOver || this.#isDraining || (this.#controller.desiredSize ?? 0) > 0;
  }

  receive(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.#isOver) this.#controller.enqueue(bytes);
  }

  sent(): void {
    // Nothing is sent here.
  }

  opened(): void {
    this.onOpened();
  }

  closed(): void {
    this.#end();
  }

  /** The command is over: gives the reader what there is by now, and the end. What others write there is discarded. */
  drain(): void {
    this.#isDraining = true;
    this.#port?.resume();
    this.#end();
    this.#detach();
  }

  fail(reason: unknown): void {
    if (!this.#isOver) this.#controller.error(reason);
    this.#isOver = true;
    this.#detach();
  }

  /** From here on the port may be another command's. */
  #detach(): void {
    this.#port?.use(DISCARD);
    this.#port = undefined;
  }

  #end(): void {
    if (!this.#isOver) this.#controller.close();
    this.#isOver = true;
  }
}

/** What a command reads. */
export class CommandInput implements PortEnd {
  readonly stream: WritableStream<Uint8Array<ArrayBuffer>>;
  #controller!: WritableStreamDefaultController;
  readonly #attached = deferred<SerialPort>();
  #sent = deferred();
  /** why nothing is read any more */
  #over: Error | undefined;

  constructor() {
    this.stream = new WritableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => {
          this.#controller = controller;
          // A write that waits for the router must not keep the stream from being aborted.
          controller.signal.addEventListener("abort", () =>
            this.#sent.reject(new MachineError("The input was aborted.")),
          );
        },
        write: (bytes) => this.#write(bytes),
        close: () => this.#finish(),
        abort: () => this.#finish(),
      },
      { highWaterMark: WINDOW_BYTES, size: (bytes) => bytes.length },
    );
  }

  /** The port that the command reads from. */
  attach(port: SerialPort): void {
    port.use(this);
    this.#attached.resolve(port);
  }

  wants(): boolean {
    return true;
  }

  receive(): void {
    // Nobody writes here.
  }

  sent(): void {
    this.#sent.resolve();
  }

  opened(): void {
    // What waits goes out by itself.
  }

  closed(): void {
    this.fail(new MachineError("The command reads no more input."));
  }

  /** The command reads no more. */
  fail(reason: Error): void {
    if (this.#over) return;
    this.#over = reason;
    this.#controller.error(reason);
    this.#attached.reject(reason);
    this.#sent.reject(reason);
  }

  async #write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const port = await this.#attached.promise;
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      if (this.#over) throw this.#over;
      this.#sent = deferred();
      port.send(bytes.subarray(at, at + PIECE_BYTES));
      await this.#sent.promise;
    }
  }

  async #finish(): Promise<void> {
    const port = await this.#attached.promise;
    if (!this.#over) port.finish();
  }
}
