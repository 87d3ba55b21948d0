/**
 * A file of the person's computer, put into the router's /tmp.
 *
 * In parts, so that it can be watched and called off, under a name of its own that is given the final one when all of
 * it is there: a program that waits for the file never sees half of it.
 */
import type { ConsoleMachine } from "./console-machine.js";
import { safeFileName } from "./safe-name.js";
import { UPLOAD_TEXT } from "./strings.js";

const FOLDER = "/tmp";

/** What is written at a time, in bytes: a fraction of a second's work. */
const PART_BYTES = 1024 * 1024;

/** A machine that takes files. */
export type UploadMachine = Pick<ConsoleMachine, "exec"> &
  Required<Pick<ConsoleMachine, "writeFile">>;

export interface UploadOptions {
  readonly signal: AbortSignal;
  /** @param written bytes that are in the router */
  readonly onProgress: (written: number) => void;
}

/**
 * @returns the path in the router; another name than the file's where that is taken or not safe
 * @throws {Error} a sentence, when it does not fit or the router refuses; or the signal's reason
 */
export async function putIntoTmp(
  machine: UploadMachine,
  file: File,
  { signal, onProgress }: UploadOptions,
): Promise<string> {
  signal.throwIfAborted();
  const free = await freeBytes(machine);
  if (free !== undefined && file.size > free)
    throw new Error(UPLOAD_TEXT.tooLarge(file.name, file.size, free));
  // Hidden, and taken by nobody else.
  const whole = `${FOLDER}/.upload-${crypto.randomUUID()}`;
  try {
    await writeParts(machine, file, whole, { signal, onProgress });
    return await giveName(machine, whole, safeFileName(file.name));
  } catch (error) {
    await machine.exec(`rm -f ${whole} ${whole}.part`).catch(() => undefined);
    throw error;
  }
}

async function writeParts(
  machine: UploadMachine,
  file: File,
  whole: string,
  { signal, onProgress }: UploadOptions,
): Promise<void> {
  const part = `${whole}.part`;
  for (let at = 0; at === 0 || at < file.size; at += PART_BYTES) {
    signal.throwIfAborted();
    const data = file.slice(at, at + PART_BYTES);
    await machine.writeFile(at === 0 ? whole : part, data);
    if (at > 0) await succeed(machine, `cat ${part} >> ${whole}`, file);
    onProgress(at + data.size);
  }
  signal.throwIfAborted();
  if (file.size > PART_BYTES) await succeed(machine, `rm ${part}`, file);
}

async function succeed(machine: UploadMachine, command: string, file: File): Promise<void> {
  const { exitCode, stderr } = await machine.exec(command);
  if (exitCode !== 0) throw new Error(UPLOAD_TEXT.refused(file.name, stderr.trim()));
}

/** Gives it the name, or the first one of "name-2.txt", "name-3.txt" and so on that is free: nothing is overwritten. */
async function giveName(machine: UploadMachine, whole: string, name: string): Promise<string> {
  const dot = name.lastIndexOf(".");
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  const { exitCode, stdout, stderr } = await machine.exec(
    `p='${FOLDER}/${name}'; n=2
     while [ -e "$p" ] || [ -L "$p" ]; do p='${FOLDER}/${stem}'-$n'${extension}'; n=$((n + 1)); done
     mv ${whole} "$p" && printf %s "$p"`,
  );
  if (exitCode !== 0) throw new Error(UPLOAD_TEXT.refused(name, stderr.trim()));
  return stdout;
}

/** @returns what is free in /tmp; `undefined` when the router does not say it in the usual way */
async function freeBytes(machine: UploadMachine): Promise<number | undefined> {
  const { stdout } = await machine.exec(`df -k ${FOLDER}`);
  // Filesystem, 1K-blocks, Used, Available: POSIX, df -k
  const available = /^\S+\s+\d+\s+\d+\s+(\d+)\s/m.exec(stdout)?.[1];
  return available === undefined ? undefined : Number(available) * 1024;
}
