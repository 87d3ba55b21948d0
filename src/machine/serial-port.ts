/**
 * A serial port of the router as the host holds it: raw bytes both ways, each way held back by whoever does not read, and
 * each end told when the other one closes.
 */

/** Who uses a port on the host's side. Nothing of it may throw. */
export interface PortEnd {
  /** Whether more of what the router writes is taken just now; while not, those who write wait. */
  wants(): boolean;
  /** Bytes that the router wrote, the receiver's own. */
  receive(bytes: Uint8Array<ArrayBuffer>): void;
  /** All bytes to send are in the router's buffers. */
  sent(): void;
  /** A process opened the port. */
  opened(): void;
  /** No process has it open any more, and all that was written is received; what was not sent is dropped. */
  closed(): void;
}

/** Takes everything, and does nothing. */
export const DISCARD: PortEnd = {
  wants: () => true,
  receive: () => undefined,
  sent: () => undefined,
  opened: () => undefined,
  closed: () => undefined,
};

export interface SerialPort {
  readonly number: number;
  /** whether a process has it open, or something that was written is not received yet */
  readonly isOpen: boolean;
  /**
   * Has the router make a device of it, if it has not yet.
   *
   * @returns when processes find the device, and the host's end of it open
   */
  ready(): Promise<void>;
  /** Who receives from now on, and takes what waits; until then everything is discarded. */
  use(end: PortEnd): void;
  /** Bytes for whoever reads, after those sent before. They wait here until a process has it open and there is room. */
  send(bytes: Uint8Array): void;
  /** Takes what waits, when it is wanted again. */
  resume(): void;
  /** Whoever reads gets what was sent and then the end of the file. Until all processes have closed it. */
  finish(): void;
  /** Takes the device away from the processes that have it open: they get errors. Afterwards it is as new. */
  hangUp(): void;
}
