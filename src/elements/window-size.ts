/**
 * Tells the router how large its console's window is, for a serial line does not: once it is quiet, and only what it
 * does not know yet.
 */
import type { Clock } from "../common/clock.js";
import type { ConsoleMachine } from "./console-machine.js";

const QUIET_MS = 300;
/** Exit status of a shell that does not find a program. */
const NO_SUCH_PROGRAM = 127;

export class WindowSize {
  /** the size that the router was told since it started */
  #told = "";
  /** OpenWrt's busybox has no `stty`; it goes on with 80 columns */
  #deaf = false;
  #callOff: (() => void) | undefined;

  constructor(private readonly clock: Clock) {}

  /** The router has started, and knows nothing. */
  forget(): void {
    this.#told = "";
    this.#deaf = false;
  }

  /** @param size asked when it is quiet; `undefined` where there is none to tell */
  tell(
    size: () => { readonly cols: number; readonly rows: number } | undefined,
    to: ConsoleMachine,
  ) {
    this.#callOff?.();
    this.#callOff = this.clock.after(QUIET_MS, () => {
      const now = size();
      if (now && to.state === "running") void this.#tell(`cols ${now.cols} rows ${now.rows}`, to);
    });
  }

  async #tell(size: string, to: ConsoleMachine): Promise<void> {
    if (this.#told === size || this.#deaf) return;
    this.#told = size;
    const answer = to.exec(`stty -F /dev/ttyS0 ${size} 2>/dev/null`);
    const exitCode = await answer.then(
      (result) => result.exitCode,
      () => undefined,
    );
    if (this.#told === size) this.#deaf = exitCode === NO_SUCH_PROGRAM;
  }
}
