/**
 * Runs commands in a router in stock v86, whose only way in is a console: the router's root shell on hvc0.
 *
 * There is no `stty` and no agent in the router: commands are typed into an interactive busybox ash, which echoes
 * them and edits lines of at most 512 characters. What comes back is told from the echo by a control character (RS)
 * that is typed only as its octal escape, followed by a token drawn anew for every command.
 */
import { latin1 } from "../src/common/bytes.js";
import { deferred } from "../src/common/deferred.js";
import { decodeByteString } from "../src/machine/console-text.js";
import { MachineError } from "../src/machine/errors.js";
import type { ExecOptions, ExecResult } from "../src/machine/exec.js";

/** Longest command that is typed as it is; with what stands around it, a line of at most 512 (FEATURE_EDITING_MAX_LEN in OpenWrt's busybox). */
const TYPED_COMMAND = 360;
/** Longest line of a canonical-mode terminal that arrives whole is 4,095 (N_TTY_BUF_SIZE, drivers/tty/n_tty.c). */
const BULK_LINE = 2000;
const MAX_INPUT_BYTES = 1024 * 1024;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** How long an answer may take before the question is typed again, in milliseconds: at first, and at most. */
const PROBE_MS = 700;
const MAX_PROBE_MS = 10_000;
/** How long an interrupted command may take to die before it is quit, in milliseconds. */
const INTERRUPT_MS = 2000;
const RS = "\x1e";
const ACTIVATE = "Please press Enter to activate this console";
const FILES = "/tmp/.playground";

/**
 * Defines `_pg TOKEN COMMAND [STDIN-FILE]` in the shell. Marks on the output, after RS and the token: `{` output
 * begins, `=N}` exit status and standard error begins, `.` end. Output goes through `cat`, so that no program takes
 * it for a terminal and colours it. A program costs an emulated router 10 to 50 ms, so what the shell has built in is
 * used instead.
 */
const SETUP = [
  ` _pg(){ local _pgs;printf '\\036%s{' "$1";{ (eval "$2") <"\${3:-/dev/null}" 2>${FILES}.err;echo $? >${FILES}.st;}|cat;`,
  `read -r _pgs <${FILES}.st;printf '\\036%s=%d}' "$1" "$_pgs";[ ! -s ${FILES}.err ]||cat ${FILES}.err;`,
  `printf '\\036%s.' "$1";rm -f ${FILES}.*;}`,
].join("");

interface Wait {
  readonly mark: string;
  readonly resolve: () => void;
  readonly reject: (reason: MachineError) => void;
}

export class RouterShell {
  #output = "";
  #wait: Wait | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #connected: Promise<void> | undefined;
  #isConnected = false;
  readonly #ended = new AbortController();
  /** resolves when the console printed something */
  readonly #open = deferred();

  /** @param type types bytes on the console */
  constructor(private readonly type: (text: string) => void) {}

  /** Takes what the console printed. */
  receive(bytes: Uint8Array): void {
    this.#open.resolve();
    const text = latin1(bytes);
    this.#output += text;
    if (this.#showsActivation()) {
      // A shell that ended, or has not begun: whatever we knew about it is gone.
      if (this.#isConnected) this.#connected = undefined;
      this.#isConnected = false;
      this.#output = "";
      this.type("\n");
    }
    const wait = this.#wait;
    if (!wait) this.#output = this.#output.slice(-ACTIVATE.length);
    else if (this.#output.length > MAX_OUTPUT_BYTES)
      wait.reject(new MachineError("The command printed more than 16 MiB and was stopped."));
    else if (this.#output.includes(wait.mark, this.#output.length - text.length - wait.mark.length))
      wait.resolve();
  }

  /** The same sentence in a command's own output (a log, say) must not count: that stands behind a mark. */
  #showsActivation(): boolean {
    const head = this.#output.slice(0, 4096);
    return head.includes(ACTIVATE) && !head.includes(RS);
  }

  /** Resolves when the shell answers. Asks again and again: a shell that just starts may swallow what is typed. */
  connect(): Promise<void> {
    this.#connected ??= this.#probe();
    return this.#connected;
  }

  /** Believes that the shell is as an earlier {@link connect} left it: its router was saved and restored since. */
  resume(): void {
    this.#open.resolve();
    this.#connected = Promise.resolve();
    this.#isConnected = true;
  }

  /** No answer will ever come: everything pending rejects. */
  end(reason: MachineError): void {
    this.#ended.abort(reason);
  }

  /**
   * Runs one command after all earlier ones, in a subshell, from the shell's working directory.
   *
   * @param command what `sh -c` would take
   * @throws {MachineError} the input is too large, the output exceeds 16 MiB, or the machine ended
   * @throws {DOMException} `TimeoutError` after `timeout`, or the signal's reason
   */
  exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    const run = this.#queue.then(() => this.#exec(command, options));
    this.#queue = run.catch(() => undefined);
    return run;
  }

  async #probe(): Promise<void> {
    // Nothing is typed before something was printed: it would pile up until somebody reads it.
    await this.#abortable(this.#open.promise, new AbortController().signal);
    // One token for all of them: on a slow computer every answer comes after its question was given up.
    const token = randomToken();
    for (let wait = PROBE_MS; ; wait = Math.min(2 * wait, MAX_PROBE_MS)) {
      // In one line, and only when the function is there: who waits for Enter takes the first line that is typed, and
      // the shell that follows may see the end of it only.
      this.type(`${SETUP};type _pg >/dev/null 2>&1&&printf '\\036%s.' ${token}\n`);
      try {
        await this.#until(`${RS}${token}.`, AbortSignal.timeout(wait));
        this.#isConnected = true;
        return;
      } catch (error) {
        if (this.#ended.signal.aborted) throw error;
      }
    }
  }

  async #exec(command: string, options: ExecOptions): Promise<ExecResult> {
    const signals = [options.signal].filter((signal) => signal !== undefined);
    if (options.timeout !== undefined) signals.push(AbortSignal.timeout(options.timeout));
    const signal = AbortSignal.any(signals);
    signal.throwIfAborted();
    await this.#abortable(this.connect(), signal);
    const token = randomToken();
    try {
      const quoted = quote(command);
      const script = quoted.length > TYPED_COMMAND || !/^[ -~]*$/.test(command);
      if (script) await this.#upload(`${FILES}.cmd`, command, signal);
      if (options.stdin !== undefined) await this.#upload(`${FILES}.in`, options.stdin, signal);
      const what = script ? `". ${FILES}.cmd"` : quoted;
      const input = options.stdin === undefined ? "" : ` ${FILES}.in`;
      this.type(` _pg ${token} ${what}${input}\n`);
      await this.#until(`${RS}${token}.`, signal);
    } catch (error) {
      if (!this.#ended.signal.aborted) await this.#interrupt();
      throw error;
    }
    return parseResult(this.#takeOutput(), token);
  }

  /** Writes a file in the router: octal escapes, typed into `cat` in pieces, decoded by printf. */
  async #upload(path: string, text: string, signal: AbortSignal): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > MAX_INPUT_BYTES)
      throw new MachineError("The command and its input may have at most 1 MiB each.");
    const ready = randomToken();
    this.type(` printf '\\036%s.' ${ready};cat >${FILES}.enc\n`);
    await this.#until(`${RS}${ready}.`, signal);
    for (const line of octalLines(bytes)) this.type(`${line}\n`);
    const done = randomToken();
    this.type(
      `\x04 while IFS= read -r _l;do printf '%b' "$_l";done <${FILES}.enc >${path};printf '\\036%s.' ${done}\n`,
    );
    await this.#until(`${RS}${done}.`, signal);
  }

  /** Stops whatever runs in the foreground; afterwards the shell must be found again. */
  async #interrupt(): Promise<void> {
    this.#isConnected = false;
    for (const key of ["\x03", "\x03", "\x1c"]) {
      this.type(key);
      this.#connected = undefined;
      const answered = this.connect().then(
        () => true,
        () => true,
      );
      const late = new Promise<boolean>((resolve) => setTimeout(resolve, INTERRUPT_MS, false));
      if (await Promise.race([answered, late])) return;
    }
  }

  /** Waits for a mark; only one waits at a time. */
  async #until(mark: string, signal: AbortSignal): Promise<void> {
    this.#output = "";
    const found = new Promise<void>((resolve, reject) => {
      this.#wait = { mark, resolve, reject };
    });
    try {
      await this.#abortable(found, signal);
    } finally {
      this.#wait = undefined;
    }
  }

  #takeOutput(): string {
    const output = this.#output;
    this.#output = "";
    return output;
  }

  #abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
    const either = AbortSignal.any([signal, this.#ended.signal]);
    return new Promise((resolve, reject) => {
      const abort = () => reject(either.reason as Error);
      if (either.aborted) abort();
      either.addEventListener("abort", abort, { once: true });
      promise.then(resolve, reject).finally(() => either.removeEventListener("abort", abort));
    });
  }
}

function parseResult(output: string, token: string): ExecResult {
  const mark = RS + token;
  const begin = output.indexOf(`${mark}{`) + mark.length + 1;
  const status = output.indexOf(`${mark}=`, begin);
  const close = output.indexOf("}", status);
  const end = output.indexOf(`${mark}.`, close);
  if (begin === mark.length || status < 0 || close < 0 || end < 0)
    throw new MachineError("The router's shell answered something unexpected.", [
      output.slice(-200),
    ]);
  // The terminal turns every "\n" into "\r\n" (ONLCR).
  const plain = (part: string) => decodeByteString(part.replaceAll("\r\n", "\n"));
  return {
    stdout: plain(output.slice(begin, status)),
    stderr: plain(output.slice(close + 1, end)),
    exitCode: Number(output.slice(status + mark.length + 1, close)),
  };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Lines of text for `printf '%b'`: printable ASCII stands for itself, all else is an octal escape. */
function* octalLines(bytes: Uint8Array): Generator<string> {
  let line = "";
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    line += /[ -[\]-~]/.test(char) ? char : `\\0${byte.toString(8).padStart(3, "0")}`;
    if (line.length > BULK_LINE) {
      yield line;
      line = "";
    }
  }
  if (line !== "") yield line;
}

function randomToken(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
