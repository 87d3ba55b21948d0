/** A command that runs in the router, from the moment it was asked for to its end. */
import type { Clock } from "../common/clock.js";
import { deferred } from "../common/deferred.js";
import { MachineError } from "./errors.js";
import type { Lane } from "./lanes.js";
import { CommandInput, CommandOutput } from "./port-streams.js";
import { DISCARD } from "./serial-port.js";

export interface Process {
  /** Fails when the command reads no more. Closing it is the end of the command's input. */
  readonly stdin: WritableStream<Uint8Array<ArrayBuffer>>;
  /** Ends with the command. A reader that does not read holds the command back, one that cancels gives it an error. */
  readonly stdout: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly stderr: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Exit status of the command's shell, 0 to 255, as shells give it: 128 + n when signal n killed it. */
  readonly exited: Promise<number>;
  /**
   * Sends a signal to the command and what it started.
   *
   * @param signal name or number, with or without SIG; default "TERM"
   * @returns when it was sent, which is not before the command has begun; to a command that is over, nothing is sent
   */
  kill(signal?: string): Promise<void>;
}

/** How a command's shell ended. */
export interface CommandEnd {
  readonly status: number;
  /** what the router calls the signal that killed it; SIGINT and SIGPIPE it does not tell from a status of 130 and 141 */
  readonly signal: string | undefined;
}

/** What a command needs of the shell that runs it. */
export interface CommandHost {
  readonly clock: Clock;
  signal(lane: Lane, signal: string): Promise<void>;
  release(lane: Lane): void;
}

/** How long a command may take to end itself before it is killed, and then before its ports are taken, in milliseconds. */
const TERM_MS = 2000;
const KILL_MS = 1000;
/** Status of a shell that was killed by SIGKILL. */
const KILLED: CommandEnd = { status: 128 + 9, signal: "Killed" };
const MAX_STATUS_CHARACTERS = 4096;

export class Command implements Process {
  readonly #host: CommandHost;
  readonly #input = new CommandInput();
  readonly #outputs = {
    stdout: new CommandOutput(),
    // What it opens last: a signal from then on reaches the command itself.
    stderr: new CommandOutput(() => this.#started.resolve()),
  };
  readonly #ended = deferred<CommandEnd>();
  readonly #started = deferred();
  readonly #gone = deferred();
  #lane: Lane | undefined;
  /** what its status port said */
  #status = "";
  #isSettled = false;
  /** it was asked to end itself, and is killed soon */
  #isStopping = false;
  #callOff: () => void = () => undefined;

  /** Rejects when it could not run, or was stopped. */
  readonly ended: Promise<CommandEnd> = this.#ended.promise;
  /** Resolves when it is over and no longer runs: that is later when it was stopped. */
  readonly gone: Promise<void> = this.#gone.promise;
  readonly stdin = this.#input.stream;
  readonly stdout = this.#outputs.stdout.stream;
  readonly stderr = this.#outputs.stderr.stream;
  readonly exited: Promise<number>;

  constructor(host: CommandHost) {
    this.#host = host;
    this.exited = this.ended.then(({ status }) => status);
    this.exited.catch(() => undefined);
  }

  /** Whether it has not begun in the router, as far as is known. */
  get isWaiting(): boolean {
    return !this.#isSettled && this.#lane?.status.isOpen !== true;
  }

  /** Number of the port that tells how it ends, while it has one. */
  get statusPort(): number | undefined {
    return this.#lane?.status.number;
  }

  /**
   * The ports it runs on. Nothing was written to them yet, and nobody has them open.
   *
   * @param script what is read from the port for scripts
   */
  attach(lane: Lane, hasInput: boolean, script?: string): void {
    this.#lane = lane;
    lane.status.use({
      ...DISCARD,
      receive: (bytes) => this.#report(new TextDecoder().decode(bytes)),
      closed: () => this.#reporterGone(lane),
    });
    this.#outputs.stdout.attach(lane.stdout);
    this.#outputs.stderr.attach(lane.stderr);
    if (hasInput) this.#input.attach(lane.stdin);
    if (script === undefined) return;
    lane.script.use({ ...DISCARD, sent: () => lane.script.finish() });
    lane.script.send(new TextEncoder().encode(script));
  }

  async kill(signal = "TERM"): Promise<void> {
    const name = signal.toUpperCase().replace(/^SIG/, "");
    if (!/^[A-Z0-9]+$/.test(name)) throw new MachineError(`"${signal}" is not a signal.`);
    await Promise.race([this.#started.promise, this.ended]).catch(() => undefined);
    if (this.#lane && !this.#isSettled) await this.#host.signal(this.#lane, name);
  }

  /** Its caller wants no more of it: whatever of it runs in the router is ended, by force if need be. */
  stop(reason: unknown): void {
    if (this.#isSettled) return;
    const lane = this.#lane;
    this.fail(reason);
    if (!lane) return this.#gone.resolve();
    this.#isStopping = true;
    lane.stderr.use({ ...DISCARD, opened: () => this.#started.resolve() });
    const { clock } = this.#host;
    const signal = (name: string) => void this.#host.signal(lane, name).catch(() => undefined);
    void this.#started.promise.then(() => {
      if (this.#isStopping) signal("TERM");
    });
    // Who waits for the command may be gone before all that it started is: the group is killed in any case.
    clock.after(TERM_MS, () => {
      this.#isStopping = false;
      signal("KILL");
      if (!lane.status.isOpen) return this.#release();
      this.#callOff = clock.after(KILL_MS, () => {
        for (const port of Object.values(lane)) if (port.isOpen) port.hangUp();
        this.#release();
      });
    });
  }

  /** It did not begin, and will not. */
  abandon(reason: unknown): void {
    this.fail(reason);
    this.#release();
  }

  /** It will not run, or nobody can say how it ends. */
  fail(reason: unknown): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#ended.reject(reason as Error);
    this.#outputs.stdout.fail(reason);
    this.#outputs.stderr.fail(reason);
    this.#input.fail(reason as Error);
  }

  #report(text: string): void {
    this.#status = (this.#status + text).slice(-MAX_STATUS_CHARACTERS);
    const [, message = "", status] = /^(?:([^]*)\n)?(\d+)\n$/.exec(this.#status) ?? [];
    if (status === undefined) return;
    this.#over({ status: Number(status), signal: message.trim() || undefined });
  }

  /** Who waits for the command ends by telling how it ended, or is killed with it. */
  #reporterGone(lane: Lane): void {
    if (this.#lane !== lane) return;
    if (!this.#isSettled && this.#status !== "") this.#couldNotStart(this.#status);
    else this.#over(KILLED);
    if (!this.#isStopping) this.#release();
  }

  #over(end: CommandEnd): void {
    if (this.#isSettled) return;
    // A shell that was not killed has said why it did not run the command.
    if (end.signal !== undefined && end.status <= 128) return this.#couldNotStart(end.signal);
    this.#isSettled = true;
    this.#outputs.stdout.drain();
    this.#outputs.stderr.drain();
    this.#input.fail(new MachineError("The command reads no more input."));
    this.#release();
    this.#ended.resolve(end);
  }

  #couldNotStart(complaint: string): void {
    this.fail(new MachineError("The router could not run the command.", [complaint.trim()]));
  }

  #release(): void {
    this.#callOff();
    const lane = this.#lane;
    this.#lane = undefined;
    if (lane) this.#host.release(lane);
    this.#gone.resolve();
  }
}
