/** Runs a command to its end and gives what it printed as text. */
import type { CommandEnd, Process } from "./command.js";
import { MachineError } from "./errors.js";

export interface ExecResult {
  /** standard output, decoded as UTF-8 */
  readonly stdout: string;
  /** standard error, decoded as UTF-8 */
  readonly stderr: string;
  /** exit status, 0 to 255 */
  readonly exitCode: number;
}

export interface ExecOptions {
  /** milliseconds from the call, after which the command is ended; none by default */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** standard input, sent as UTF-8; without it the command reads an empty input */
  readonly stdin?: string | undefined;
}

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/**
 * @param stop ends the command
 * @throws {MachineError} it was killed by a signal, or printed too much; or whatever it was stopped with
 */
export async function collectResult(
  command: Process & { readonly ended: Promise<CommandEnd> },
  stdin: string | undefined,
  stop: (reason: MachineError) => void,
): Promise<ExecResult> {
  let room = MAX_OUTPUT_BYTES;
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    let text = "";
    const reader = stream.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      room -= value.length;
      if (room < 0) stop(new MachineError("The command printed more than 16 MiB and was stopped."));
      text += decoder.decode(value, { stream: true });
    }
  };
  const outputs = Promise.all([collect(command.stdout), collect(command.stderr)]);
  outputs.catch(() => undefined);
  if (stdin !== undefined) void feed(command.stdin, stdin);
  const { status, signal } = await command.ended;
  if (signal !== undefined)
    throw new MachineError(`The command was killed by a signal: ${signal}.`);
  const [stdout, stderr] = await outputs;
  return { stdout, stderr, exitCode: status };
}

/** A command need not read all of its input, or any. */
async function feed(stdin: Process["stdin"], text: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // It ended before.
  }
}
