/**
 * The host's own channel into the router: a shell that reads its commands from a serial port. It only starts things, so
 * that any number of commands run side by side, each on serial ports of its own, and nothing waits for another.
 *
 * One line typed on the second console begins it. When somebody in the router ends it, what runs goes on and is told as
 * before, and another one begins what was not begun.
 */
import { type Clock, REAL_CLOCK } from "../common/clock.js";
import { type Deferred, deferred } from "../common/deferred.js";
import { Command, type CommandHost } from "./command.js";
import {
  BOOTSTRAP,
  checkCommand,
  inlineLine,
  isScript,
  killLine,
  parseAnswer,
  scriptLine,
  setupLines,
  startLine,
} from "./control-script.js";
import { MachineError } from "./errors.js";
import { collectResult, type ExecOptions, type ExecResult } from "./exec.js";
import type { ShellConsole } from "./failsafe-console.js";
import { Lanes } from "./lanes.js";
import { LoginConsole } from "./login-console.js";
import { CONSOLE_PORT, CONTROL_PORT, type LanePort } from "./serial-layout.js";
import type { PortEnd, SerialPort } from "./serial-port.js";

export interface SpawnOptions {
  /** ends the command, and everything that it started */
  readonly signal?: AbortSignal | undefined;
  /** whether it has an input; if not, it reads an empty one. Default true */
  readonly input?: boolean | undefined;
}

export interface ScriptOptions {
  /** milliseconds from the call, after which it is no longer waited for; none by default */
  readonly timeout?: number | undefined;
  /** run it in the control shell itself: sooner, but everything else waits for it */
  readonly inline?: boolean | undefined;
}

/** How long the console may take to start the shell before the line is typed again, in milliseconds: at first, and at most. */
const START_MS = 700;
const MAX_START_MS = 10_000;
/** Longest line of the shell that is looked at. */
const MAX_LINE = 4096;

/** What the machine that is there has. */
interface Attached {
  readonly console: LoginConsole;
  readonly control: SerialPort;
  readonly lanes: Lanes;
}

export class ControlShell {
  readonly #clock: Clock;
  readonly #attached = deferred<Attached>();
  /** a console that has a shell where the second one has none */
  readonly #instead = deferred<ShellConsole>();
  /** resolves when the shell answers; there is none while it is `undefined` */
  #connected: Promise<void> | undefined;
  /** resolves when somebody opens the control port */
  #opened = deferred();
  readonly #answers = new Map<number, Deferred<number>>();
  #nextId = 1;
  readonly #commands = new Set<Command>();
  /** how the shell that is there was told to begin a command */
  readonly #told = new Map<Command, string>();
  #line = "";
  readonly #ended = new AbortController();
  /** rejects when it ended */
  readonly #over = deferred<never>();
  #isRestored = false;

  constructor(clock: Clock = REAL_CLOCK) {
    this.#clock = clock;
    this.#attached.promise.catch(() => undefined);
  }

  /** The machine's serial ports exist, as they were left if it was restored. */
  attach(ports: readonly SerialPort[]): void {
    const console = ports[CONSOLE_PORT];
    const control = ports[CONTROL_PORT];
    if (!console || !control) throw new RangeError("The machine has no serial ports.");
    control.use(this.#controlEnd());
    const lanes = new Lanes(ports, this.#clock);
    if (control.isOpen) this.#stopForgotten(control, lanes);
    const login = new LoginConsole(console, this.#isRestored);
    this.#attached.resolve({ console: login, control, lanes });
  }

  /** The router has a shell there, and may have none on its second console. */
  useInstead(console: ShellConsole): void {
    void console.printed.then(() => this.#instead.resolve(console));
  }

  /** Resolves when the shell answers; starts it if there is none. */
  connect(): Promise<void> {
    if (!this.#connected) {
      const connected = Promise.race([this.#connect(), this.#over.promise]);
      this.#connected = connected;
      connected.catch(() => {
        if (this.#connected === connected) this.#connected = undefined;
      });
    }
    return this.#connected;
  }

  /** The router is one that was saved with a shell that answered. To be called before {@link attach}. */
  resume(): void {
    this.#isRestored = true;
    this.#connected = this.#attached.promise.then(({ control }) =>
      control.isOpen ? undefined : this.#connect(),
    );
    this.#connected.catch(() => undefined);
  }

  /** Takes the port away from a shell that does not answer any more; the next call starts another one. */
  async restart(): Promise<void> {
    const { control } = await this.#attached.promise;
    control.hangUp();
  }

  /**
   * Runs a command beside whatever else runs. While the router boots it waits.
   *
   * @param command what `sh -c` would take
   * @throws {MachineError} it contains a NUL character
   */
  spawn(command: string, { signal, input = true }: SpawnOptions = {}): Command {
    checkCommand(command);
    const running = new Command(this.#host);
    this.#commands.add(running);
    const stop = () => running.stop(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    const over = () => {
      this.#commands.delete(running);
      this.#told.delete(running);
      signal?.removeEventListener("abort", stop);
    };
    running.ended.then(over, over);
    if (signal?.aborted) stop();
    else if (this.#ended.signal.aborted) running.fail(this.#ended.signal.reason);
    else this.#begin(running, command, input).catch((error: unknown) => running.fail(error));
    return running;
  }

  /**
   * Runs a command to its end; what it leaves behind in the background is not waited for.
   *
   * @param command what `sh -c` would take
   * @throws {MachineError} a signal killed it, it printed more than 16 MiB, or the router could not run it
   * @throws {DOMException} `TimeoutError` when the time is over, counted from the call, or the signal's reason; then the
   * command is ended, and everything that it started
   */
  async exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    const { timeout, signal, stdin } = options;
    const stop = new AbortController();
    const abort = () => stop.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    const late = () => stop.abort(new DOMException("The command timed out.", "TimeoutError"));
    const callOff = timeout === undefined ? undefined : this.#clock.after(timeout, late);
    try {
      const running = this.spawn(command, { signal: stop.signal, input: stdin !== undefined });
      return await collectResult(running, stdin, (reason) => running.stop(reason));
    } finally {
      callOff?.();
      signal?.removeEventListener("abort", abort);
    }
  }

  /**
   * Runs a script of the host's own, of which only the status is of interest. Cheaper than a command.
   *
   * @param script may not end its shell
   * @returns its exit status
   * @throws {MachineError} the shell ended; {@link DOMException} `TimeoutError`
   */
  async status(script: string, { timeout, inline = false }: ScriptOptions = {}): Promise<number> {
    const late = deferred<never>();
    const expire = () => late.reject(new DOMException("The router is slow.", "TimeoutError"));
    const callOff = timeout === undefined ? undefined : this.#clock.after(timeout, expire);
    try {
      const ask = this.connect().then(() =>
        this.#ask((id) => (inline ? inlineLine(id, script) : scriptLine(id, script))),
      );
      ask.catch(() => undefined);
      return await Promise.race([ask, late.promise]);
    } finally {
      callOff?.();
    }
  }

  /** No answer will ever come: everything pending rejects. */
  end(reason: MachineError): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(reason);
    this.#over.reject(reason);
    this.#attached.reject(reason);
    this.#opened.reject(reason);
    for (const answer of this.#answers.values()) answer.reject(reason);
    for (const command of [...this.#commands]) command.fail(reason);
  }

  async #begin(command: Command, text: string, hasInput: boolean): Promise<void> {
    const given = new AbortController();
    command.ended.catch((reason: unknown) => given.abort(reason));
    const { lanes, control } = await this.#attached.promise;
    await this.connect();
    const input: LanePort[] = hasInput ? ["stdin"] : [];
    const script: LanePort[] = isScript(text) ? ["script"] : [];
    const lane = await lanes.take(
      ["status", "stdout", "stderr", ...input, ...script],
      given.signal,
    );
    if (given.signal.aborted) return lanes.release(lane);
    command.attach(lane, hasInput, isScript(text) ? text : undefined);
    const line = startLine(lane, text, hasInput);
    // The shell may have ended in the meantime.
    await this.connect().catch((error: unknown) => command.abandon(error));
    if (!command.isWaiting) return;
    this.#told.set(command, line);
    control.send(new TextEncoder().encode(line));
  }

  /** Tells a new shell what the one before did not begin; once, for it may have ended of that. */
  async #tellAgain(commands: readonly Command[]): Promise<void> {
    const lines = commands.map((command) => this.#told.get(command) ?? "");
    for (const command of commands) this.#told.delete(command);
    try {
      await this.connect();
      const { control } = await this.#attached.promise;
      for (const [at, command] of commands.entries())
        if (command.isWaiting) control.send(new TextEncoder().encode(lines[at]));
    } catch (error) {
      for (const command of commands) command.abandon(error);
    }
  }

  readonly #host: CommandHost = {
    clock: { now: () => this.#clock.now(), after: (ms, run) => this.#clock.after(ms, run) },
    signal: async (lane, signal) => {
      // A shell that was started since knows nothing of it.
      if (this.#connected) await this.#ask((id) => killLine(id, lane.status.number, signal));
    },
    release: (lane) => void this.#attached.promise.then(({ lanes }) => lanes.release(lane)),
  };

  async #connect(): Promise<void> {
    const { console, control, lanes } = await this.#attached.promise;
    await control.ready();
    const second = console.printed.then((): ShellConsole => console);
    const speaks = await Promise.race([second, this.#instead.promise]);
    for (let wait = START_MS; !control.isOpen; wait = Math.min(2 * wait, MAX_START_MS)) {
      speaks.type(BOOTSTRAP);
      await Promise.race([this.#opened.promise, this.#sleep(wait)]);
    }
    this.#ended.signal.throwIfAborted();
    this.#line = "";
    await this.#ask(setupLines);
    lanes.prepare();
  }

  /** @returns the status that the shell says */
  async #ask(line: (id: number) => string): Promise<number> {
    this.#ended.signal.throwIfAborted();
    const id = this.#nextId++;
    const answer = deferred<number>();
    this.#answers.set(id, answer);
    try {
      const { control } = await this.#attached.promise;
      control.send(new TextEncoder().encode(line(id)));
      return await answer.promise;
    } finally {
      this.#answers.delete(id);
    }
  }

  #controlEnd(): PortEnd {
    const decoder = new TextDecoder();
    return {
      wants: () => true,
      receive: (bytes) => this.#receive(decoder.decode(bytes, { stream: true })),
      sent: () => undefined,
      opened: () => {
        this.#opened.resolve();
        this.#opened = deferred();
      },
      closed: () => this.#shellEnded(),
    };
  }

  #receive(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = (lines.pop() ?? "").slice(-MAX_LINE);
    for (const line of lines) {
      const answer = parseAnswer(line);
      if (answer?.type === "done") this.#answers.get(answer.id)?.resolve(answer.status);
      if (answer?.type === "failed") this.#noDevice(answer.statusPort);
    }
  }

  #noDevice(statusPort: number): void {
    const reason = new MachineError(
      "The router could not run the command: it has no device for it.",
    );
    for (const command of [...this.#commands])
      if (command.statusPort === statusPort) command.abandon(reason);
  }

  /** Commands that run do not need it; those that did not begin by now will not by themselves. */
  #shellEnded(): void {
    this.#connected = undefined;
    this.#line = "";
    const reason = new MachineError(
      "The router's control shell was ended, by somebody or for want of memory. Try again.",
    );
    for (const answer of this.#answers.values()) answer.reject(reason);
    const waiting = [...this.#commands].filter((command) => command.isWaiting);
    const again = waiting.filter((command) => this.#told.has(command));
    for (const command of waiting)
      if (command.statusPort !== undefined && !this.#told.has(command)) command.abandon(reason);
    if (again.length > 0) void this.#tellAgain(again);
  }

  /** Nobody reads any more what these commands print. */
  #stopForgotten(control: SerialPort, lanes: Lanes): void {
    for (const { status } of lanes.forgotten) {
      const line = killLine(0, status.number, "TERM");
      control.send(new TextEncoder().encode(line));
    }
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(milliseconds, resolve));
  }
}
