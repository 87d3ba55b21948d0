/**
 * OpenWrt's failsafe has a root shell on the first console, and none on the second: the host's own shell is started from
 * there. The line that does it is typed when a prompt is seen, and neither it nor its echo is shown to anybody.
 */
import type { Clock } from "../common/clock.js";
import { deferred } from "../common/deferred.js";

/** Where the line that starts the host's shell is typed. */
export interface ShellConsole {
  /** Resolves when somebody reads what is typed. */
  readonly printed: Promise<void>;
  /** @param line ASCII without its end */
  type(line: string): void;
}

/** What a root shell prints last when it waits. */
const PROMPT = /# $/;
const TAIL_CHARACTERS = 200;
/** How long what is printed may be withheld, in milliseconds. */
const UNSEEN_MS = 3000;

export class FailsafeConsole implements ShellConsole {
  readonly #prompted = deferred();
  readonly printed: Promise<void> = this.#prompted.promise;
  #tail = "";
  #shows = true;
  #callOff: () => void = () => undefined;

  /** @param send types on the first console */
  constructor(
    private readonly clock: Clock,
    private readonly send: (bytes: Uint8Array) => void,
  ) {}

  /** Takes what the router prints. @returns whether it is for people */
  print(bytes: Uint8Array): boolean {
    this.#tail = (this.#tail + new TextDecoder("latin1").decode(bytes)).slice(-TAIL_CHARACTERS);
    if (PROMPT.test(this.#tail)) this.#prompted.resolve();
    return this.#shows;
  }

  type(line: string): void {
    this.#shows = false;
    this.#callOff();
    this.#callOff = this.clock.after(UNSEEN_MS, () => this.show());
    // In the background, or nobody could use this shell any more; twice, or it would tell of a job.
    this.send(new TextEncoder().encode(`(${line} &)\n`));
  }

  /** The host's shell answers, or there is none: everything is shown again, with a fresh prompt. */
  show(): void {
    this.#callOff();
    if (this.#shows) return;
    this.#shows = true;
    this.send(new TextEncoder().encode("\n"));
  }
}
