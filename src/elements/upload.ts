/**
 * A file of the person's computer, put into the router's /tmp.
 *
 * As a stream, so that it can be watched and called off, and under a name of its own that is exchanged for the final one
 * when all of it is there: a program that waits for the file never sees half of it.
 */
import type { ConsoleMachine } from "./console-machine.js";
import { safeFileName } from "./safe-name.js";
import { UPLOAD_TEXT } from "./strings.js";

const FOLDER = "/tmp";

export interface UploadOptions {
  readonly signal: AbortSignal;
  /** @param written bytes that the router has taken */
  readonly onProgress: (written: number) => void;
}

/**
 * @returns the path in the router; another name than the file's where that is taken or not safe
 * @throws {Error} a sentence, when it does not fit or the router refuses; or the signal's reason
 */
export async function putIntoTmp(
  machine: ConsoleMachine,
  file: File,
  options: UploadOptions,
): Promise<string> {
  options.signal.throwIfAborted();
  const free = await freeBytes(machine);
  if (free !== undefined && file.size > free)
    throw new Error(UPLOAD_TEXT.tooLarge(file.name, file.size, free));
  // Hidden, and taken by nobody else.
  const whole = `${FOLDER}/.upload-${crypto.randomUUID()}`;
  try {
    await write(machine, file, whole, options);
    return await giveName(machine, whole, file.name);
  } catch (error) {
    await machine.exec(`rm -f ${whole}`).catch(() => undefined);
    throw error;
  }
}

async function write(
  machine: ConsoleMachine,
  file: File,
  whole: string,
  { signal, onProgress }: UploadOptions,
): Promise<void> {
  const cat = machine.spawn(`exec cat > ${whole}`);
  const stop = () => void cat.kill().catch(() => undefined);
  signal.addEventListener("abort", stop);
  let written = 0;
  const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(part, controller) {
      controller.enqueue(part);
      onProgress((written += part.length));
    },
  });
  const fed = file.stream().pipeThrough(counted).pipeTo(cat.stdin, { signal });
  const complaint = new Response(cat.stderr).text().catch(() => "");
  // A program that ends early says why itself.
  fed.catch(() => undefined);
  try {
    const status = await cat.exited;
    signal.throwIfAborted();
    if (status !== 0) throw new Error(UPLOAD_TEXT.refused(file.name, (await complaint).trim()));
    await fed;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Gives it the name, or the first one of "name-2.txt", "name-3.txt" and so on that is free: nothing is overwritten. */
async function giveName(machine: ConsoleMachine, whole: string, wanted: string): Promise<string> {
  const name = safeFileName(wanted);
  const dot = name.lastIndexOf(".");
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  const { exitCode, stdout, stderr } = await machine.exec(
    `p='${FOLDER}/${name}'; n=2
     while [ -e "$p" ] || [ -L "$p" ]; do p='${FOLDER}/${stem}'-$n'${extension}'; n=$((n + 1)); done
     mv ${whole} "$p" && printf %s "$p"`,
  );
  if (exitCode !== 0) throw new Error(UPLOAD_TEXT.refused(wanted, stderr.trim()));
  return stdout;
}

/** @returns what is free in /tmp; `undefined` when the router does not say it in the usual way */
async function freeBytes(machine: ConsoleMachine): Promise<number | undefined> {
  const { stdout } = await machine.exec(`df -k ${FOLDER}`);
  // Filesystem, 1K-blocks, Used, Available: POSIX, df -k
  const available = /^\S+\s+\d+\s+\d+\s+(\d+)\s/m.exec(stdout)?.[1];
  return available === undefined ? undefined : Number(available) * 1024;
}
