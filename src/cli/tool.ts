/** Runs the programs that the command line leans on: squashfs-tools, xz, zstd. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { hasCode, MissingToolError } from "./errors.js";

export interface ToolOptions {
  /** file that the program reads as its standard input */
  readonly input?: string;
  /** takes the program's standard output; when it throws, the program is ended and `runTool` throws the same */
  readonly output?: (chunks: AsyncIterable<Uint8Array>) => Promise<void>;
  readonly signal: AbortSignal;
  /** Debian package that has the program */
  readonly debianPackage: string;
}

export interface ToolResult {
  readonly exitCode: number;
  /** last line of what the program said on standard error */
  readonly complaint: string;
}

/** Kept of a program's standard error, in characters. */
const MAX_COMPLAINT = 4096;

/**
 * Runs a program to its end. Resolves whatever its exit code is.
 *
 * @throws {MissingToolError} the program is not installed
 * @throws the signal's reason, when it is aborted; the program has ended then
 */
export async function runTool(
  program: string,
  args: string[],
  { input, output, signal, debianPackage }: ToolOptions,
): Promise<ToolResult> {
  signal.throwIfAborted();
  const stdin = input === undefined ? undefined : await open(input);
  try {
    const child = spawn(program, args, {
      stdio: [stdin?.fd ?? "ignore", "pipe", "pipe"],
      env: toolEnvironment(),
    }) as ChildProcessByStdio<null, Readable, Readable>;
    const end = () => void child.kill("SIGKILL");
    signal.addEventListener("abort", end);
    try {
      const [exitCode, complaint] = await Promise.all([
        closed(child),
        collect(child.stderr),
        (output ?? drain)(begun(child.stdout)).catch(async (error: unknown) => {
          end();
          await closed(child).catch(() => undefined);
          throw error;
        }),
      ]);
      signal.throwIfAborted();
      return { exitCode, complaint: complaint.trim().split("\n").at(-1) ?? "" };
    } finally {
      signal.removeEventListener("abort", end);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!hasCode(error, "ENOENT")) throw error;
    throw new MissingToolError(
      `The program ${program} is missing. Install it: apt-get install ${debianPackage}`,
      { cause: error },
    );
  } finally {
    await stdin?.close();
  }
}

/** squashfs-tools refuse their time options while SOURCE_DATE_EPOCH is set; sentences are wanted in English. */
function toolEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: "C", SOURCE_DATE_EPOCH: undefined };
}

/** @returns the exit code, 128 when a signal ended it */
function closed(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 128));
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode ?? 128);
  });
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of chunks)
    text = (text + decoder.decode(chunk, { stream: true })).slice(-MAX_COMPLAINT);
  return text;
}

/**
 * What a stream gives, asked for at once: when a program ends, Node throws away what nobody has begun to read
 * (lib/internal/child_process.js, flushStdio).
 */
function begun(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const iterator = stream[Symbol.asyncIterator]();
  const first = iterator.next();
  first.catch(() => undefined);
  return (async function* () {
    try {
      for (let part = await first; !part.done; part = await iterator.next()) yield part.value;
    } finally {
      await iterator.return?.();
    }
  })();
}

async function drain(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]();
  while (!(await iterator.next()).done);
}
