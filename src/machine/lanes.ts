/**
 * Hands out lanes: groups of serial ports, one group for each command that runs.
 *
 * A lane is free when no process has any of its ports open. A command that is over may leave processes that hold its
 * output (a daemon that it started); when nothing else is free, the oldest of those lose it.
 */
import { type LanePort, LANES, portOf } from "./serial-layout.js";
import { DISCARD, type PortEnd, type SerialPort } from "./serial-port.js";

/** How many lanes the router is given before they are asked for, and what of them every command uses. */
const PREPARED = 2;
const ALWAYS_USED: readonly LanePort[] = ["status", "stdout", "stderr"];

export type Lane = Readonly<Record<LanePort, SerialPort>>;

interface Slot {
  readonly lane: Lane;
  readonly ports: readonly SerialPort[];
  /** handed out */
  isTaken: boolean;
  /** when it was handed back, in no unit */
  released: number;
}

export class Lanes {
  readonly #slots: readonly Slot[];
  #releases = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(ports: readonly SerialPort[]) {
    const port = (lane: number, role: LanePort) => {
      const number = portOf(lane, role);
      const found = ports[number];
      if (!found) throw new RangeError(`There is no serial port ${number}.`);
      return found;
    };
    this.#slots = Array.from({ length: LANES }, (_, at) => {
      const lane = {
        status: port(at, "status"),
        stdin: port(at, "stdin"),
        stdout: port(at, "stdout"),
        stderr: port(at, "stderr"),
        script: port(at, "script"),
      };
      return { lane, ports: Object.values(lane), isTaken: false, released: 0 };
    });
  }

  /** Lanes on which a command runs that nobody knows any more: the router was restored since. */
  get forgotten(): Lane[] {
    return this.#slots
      .filter(({ isTaken, lane }) => !isTaken && lane.status.isOpen)
      .map(({ lane }) => lane);
  }

  /** Has the router make ports for the first commands. */
  prepare(): void {
    for (const { lane } of this.#slots.slice(0, PREPARED))
      for (const role of ALWAYS_USED) lane[role].ready().catch(() => undefined);
  }

  /**
   * @param roles the ports of it that are used
   * @param signal ends the waiting
   * @returns a lane, when there is a free one and these ports are ready
   * @throws the signal's reason; {@link MachineError} the router could not make the ports
   */
  async take(roles: readonly LanePort[], signal: AbortSignal): Promise<Lane> {
    for (;;) {
      signal.throwIfAborted();
      const slot = this.#free();
      if (slot) {
        slot.isTaken = true;
        try {
          const ready = roles.map((role) => slot.lane[role].ready());
          await this.#unlessAborted(Promise.all(ready), signal);
          return slot.lane;
        } catch (error) {
          this.release(slot.lane);
          throw error;
        }
      }
      await this.#unlessAborted(
        new Promise<void>((resolve) => this.#waiting.push(resolve)),
        signal,
      );
    }
  }

  /** Its command is over; it is handed out again when its ports are closed. */
  release(lane: Lane): void {
    const slot = this.#slots.find((each) => each.lane === lane);
    if (!slot?.isTaken) return;
    slot.isTaken = false;
    slot.released = ++this.#releases;
    const look: PortEnd = { ...DISCARD, closed: () => this.#wake() };
    for (const port of slot.ports) {
      port.use(look);
    }
    this.#wake();
  }

  #free(): Slot | undefined {
    const idle = this.#slots.filter(({ isTaken }) => !isTaken);
    // The first one, for the router has made its ports already.
    const free = idle.find(({ ports }) => ports.every((port) => !port.isOpen));
    if (free) return free;
    const [oldest] = idle.sort((one, other) => one.released - other.released);
    for (const port of oldest?.ports ?? []) if (port.isOpen) port.hangUp();
    return oldest;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason as Error);
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
      promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    });
  }
}
