/**
 * Hands out lanes: groups of serial ports, one group for each command that runs.
 *
 * A lane is free when no process has any of its ports open. A command that is over may leave processes that hold its
 * output (a daemon that it started); when nothing else is free, the oldest of those lose it.
 */
import type { Clock } from "../common/clock.js";
import { type LanePort, LANES, portOf } from "./serial-layout.js";
import { DISCARD, type PortEnd, type SerialPort } from "./serial-port.js";

/** How long the output of a command that is over may be held when somebody waits for a lane, in milliseconds. */
const HELD_MS = 100;
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

  constructor(
    ports: readonly SerialPort[],
    private readonly clock: Clock,
  ) {
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
      await this.#unlessAborted(this.#news(), signal);
    }
  }

  /** Its command is over; it is handed out again when its ports are closed. */
  release(lane: Lane): void {
    const slot = this.#slots.find((each) => each.lane === lane);
    if (!slot?.isTaken) return;
    slot.isTaken = false;
    slot.released = ++this.#releases;
    const look: PortEnd = { ...DISCARD, closed: () => this.#wake() };
    for (const port of slot.ports) port.use(look);
    this.#wake();
  }

  /** The first that is free, for the router has made its ports already. */
  #free(): Slot | undefined {
    return this.#slots.find(
      ({ isTaken, ports }) => !isTaken && ports.every((port) => !port.isOpen),
    );
  }

  /** Resolves when a lane may be free; sees to it that one will be, if none is in use. */
  async #news(): Promise<void> {
    const callOff = this.clock.after(HELD_MS, () => {
      const [oldest] = this.#slots
        .filter(({ isTaken }) => !isTaken)
        .sort((one, other) => one.released - other.released);
      for (const port of oldest?.ports ?? []) if (port.isOpen) port.hangUp();
      this.#wake();
    });
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    callOff();
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
