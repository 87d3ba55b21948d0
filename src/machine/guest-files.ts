/**
 * Files of the router, read and written byte for byte over the control channel.
 *
 * A file is written beside the one it replaces and renamed over it when all of it is there, so that a reader sees the old
 * content or the new one, also when the input is cut off. Owner and mode stay; a symbolic link stays one, and its target is
 * replaced. Devices and what is in /proc, /sys and /dev have no beside: they are written in place.
 */
import { quote } from "./control-script.js";
import type { ControlShell } from "./control-shell.js";
import { MachineError } from "./errors.js";

export type FileData = Blob | Uint8Array | string | ReadableStream<Uint8Array<ArrayBuffer>>;

export interface FileOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface WriteFileOptions extends FileOptions {
  /** permissions, 0 to 0o7777; by default those of the file that is replaced, or 0o644 */
  readonly mode?: number | undefined;
}

/** Larger files are read as streams. */
const MAX_READ_BYTES = 256 * 1024 * 1024;
const MAX_MODE = 0o7777;
/** Statuses of our own scripts. */
const NOT_THERE = 64;
const DIRECTORY = 65;

/** What is at a path before it is written. */
interface Target {
  /** without symbolic links */
  readonly path: string;
  /** `undefined`: nothing */
  readonly old: { readonly mode: number; readonly owner: string } | undefined;
  readonly inPlace: boolean;
}

export class GuestFiles {
  constructor(private readonly shell: ControlShell) {}

  /**
   * @param path absolute
   * @throws {MachineError} there is no such file, it is a directory, or larger than 256 MiB; or the signal's reason
   */
  async readFile(path: string, { signal }: FileOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array[] = [];
    let total = 0;
    for await (const part of chunksOf(this.readFileAsStream(path, { signal }))) {
      parts.push(part);
      total += part.length;
      if (total > MAX_READ_BYTES)
        throw new MachineError(`${path} is larger than 256 MiB; read it as a stream.`);
    }
    const content = new Uint8Array(total);
    let at = 0;
    for (const part of parts) {
      content.set(part, at);
      at += part.length;
    }
    return content;
  }

  /**
   * The same as a stream, which holds the router back when it is not read and fails as {@link readFile} does.
   *
   * @throws {MachineError} the path is not absolute
   */
  readFileAsStream(
    path: string,
    { signal }: FileOptions = {},
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    checkPath(path);
    const file = quote(path);
    const script = `[ -d ${file} ]&&exit ${DIRECTORY};[ -e ${file} ]||exit ${NOT_THERE};exec cat <${file}`;
    const stop = new AbortController();
    const either = AbortSignal.any(signal ? [signal, stop.signal] : [stop.signal]);
    const { stdout, stderr, exited } = this.shell.spawn(script, { signal: either, input: false });
    const complaint = textOf(stderr);
    const reader = stdout.getReader();
    return new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        async pull(controller) {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          const status = await exited;
          if (status !== 0) throw problem(path, "read", status, await complaint);
          controller.close();
        },
        cancel: () => stop.abort(new MachineError(`${path} is not read any more.`)),
      },
      { highWaterMark: 0 },
    );
  }

  /**
   * Writes a file, or replaces it.
   *
   * @param path absolute; its directory exists
   * @throws {MachineError} there is no such directory, it is a directory itself, or there is no room: then the old file is
   * as it was; or the signal's reason
   */
  async writeFile(
    path: string,
    data: FileData,
    { mode, signal }: WriteFileOptions = {},
  ): Promise<void> {
    checkPath(path);
    if (mode !== undefined && !(Number.isInteger(mode) && mode >= 0 && mode <= MAX_MODE))
      throw new MachineError(`${mode} is not a mode of a file.`);
    const target = await this.#look(path, signal);
    if (target.inPlace) return void (await this.#fill(path, target.path, data, signal));
    const folder = target.path.slice(0, target.path.lastIndexOf("/") + 1);
    const beside = `${folder}.playground-${crypto.randomUUID().slice(0, 8)}`;
    const remove = () => void this.shell.status(`rm -f ${quote(beside)}`).catch(() => undefined);
    const bytes = await this.#fill(path, beside, data, signal, remove);
    try {
      await this.#replace(path, beside, target, bytes, mode, signal);
    } catch (error) {
      remove();
      throw error;
    }
  }

  async #look(path: string, signal: AbortSignal | undefined): Promise<Target> {
    const file = quote(path);
    // busybox knows the target of a link that leads nowhere, if there is a directory for it.
    const { stdout, stderr, exitCode } = await this.shell.exec(
      `f=${file};[ -d "$f" ]&&exit ${DIRECTORY}
[ -d "\${f%/*}/" ]||exit ${NOT_THERE}
t=$(readlink -f "$f");[ -n "$t" ]||{ [ -L "$f" ]&&exit ${NOT_THERE};t=$f;};printf '%s\\000' "$t"
[ ! -e "$t" ]||exec ls -lnd "$t"`,
      { signal },
    );
    if (exitCode !== 0) throw problem(path, "write", exitCode, stderr);
    const end = stdout.indexOf("\0");
    const resolved = stdout.slice(0, end);
    const listing = stdout.slice(end + 1);
    const old = parseListing(listing);
    return {
      path: resolved,
      old,
      inPlace: /^\/(?:proc|sys|dev)\//.test(resolved) || (listing !== "" && !old),
    };
  }

  /**
   * @param remove called when it failed and nobody writes to the file any more
   * @returns how many bytes were sent
   */
  async #fill(
    path: string,
    to: string,
    data: FileData,
    signal: AbortSignal | undefined,
    remove: () => void = () => undefined,
  ): Promise<number> {
    const writing = this.shell.spawn(`exec cat >${quote(to)}`, { signal });
    const complaint = textOf(writing.stderr);
    let bytes = 0;
    const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (part, controller) => {
        bytes += part.length;
        controller.enqueue(part);
      },
    });
    // A program that ends early says why itself.
    const fed = streamOf(data).pipeThrough(counted).pipeTo(writing.stdin);
    fed.catch(() => undefined);
    try {
      const status = await writing.exited;
      if (status !== 0) throw problem(path, "write", status, await complaint);
      await fed;
      return bytes;
    } catch (error) {
      void writing.gone.then(remove);
      throw error;
    }
  }

  async #replace(
    path: string,
    beside: string,
    { path: target, old }: Target,
    bytes: number,
    mode: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const file = quote(beside);
    const wanted = mode ?? old?.mode;
    const steps = [
      `set -f;set -- $(ls -ln ${file});[ "$5" = ${bytes} ]`,
      ...(old ? [`chown ${old.owner} ${file}`] : []),
      ...(wanted === undefined ? [] : [`chmod ${wanted.toString(8)} ${file}`]),
      `mv -f ${file} ${quote(target)}`,
    ];
    const { exitCode, stderr } = await this.shell.exec(steps.join("&&"), { signal });
    if (exitCode !== 0) throw problem(path, "write", exitCode, stderr);
  }
}

/** @throws {MachineError} it is none that both sides understand in the same way */
function checkPath(path: string): void {
  if (!path.startsWith("/"))
    throw new MachineError(`"${path}" is not an absolute path: it has to begin with "/".`);
}

function problem(
  path: string,
  what: "read" | "write",
  status: number,
  complaint: string,
): MachineError {
  const text = complaint.trim();
  const details = text === "" ? [] : [text];
  const reason = () => {
    if (status === DIRECTORY) return `${path} is a directory.`;
    if (status === NOT_THERE)
      return what === "read"
        ? `There is no file ${path} in the router.`
        : `There is no directory for ${path} in the router.`;
    if (/No space left|File too large/.test(text)) return `The router has no room for ${path}.`;
    if (/Read-only file ?system/i.test(text)) return `${path} cannot be changed: it is read-only.`;
    return `The router could not ${what} ${path}.`;
  };
  return new MachineError(reason(), details);
}

/** @returns what `ls -lnd` says of a regular file; `undefined` for everything else */
function parseListing(listing: string): Target["old"] {
  const [, permissions = "", user, group] =
    /^-([-rwxsStT]{9})\S*\s+\d+\s+(\d+)\s+(\d+)\s/.exec(listing) ?? [];
  if (permissions === "") return undefined;
  const bits = [...permissions].reduce((sum, letter, at) => {
    const isSet = letter !== "-" && letter !== "S" && letter !== "T";
    const special = /[sStT]/.test(letter) ? 0o4000 >> Math.floor(at / 3) : 0;
    return sum | (isSet ? 0o400 >> at : 0) | special;
  }, 0);
  return { mode: bits, owner: `${user}:${group}` };
}

function streamOf(data: FileData): ReadableStream<Uint8Array<ArrayBuffer>> {
  if (data instanceof ReadableStream) return data;
  // A copy, for a Blob takes no views of shared memory.
  return new Blob([data instanceof Uint8Array ? new Uint8Array(data) : data]).stream();
}

async function textOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  try {
    for await (const part of chunksOf(stream)) text += decoder.decode(part, { stream: true });
  } catch {
    // The process was stopped, which is told elsewhere.
  }
  return text;
}

/** Safari cannot iterate over streams. */
async function* chunksOf<Chunk>(stream: ReadableStream<Chunk>): AsyncGenerator<Chunk> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
