/**
 * The page of the kill test: nothing but a machine, and a way to see what is stored before one is started.
 * Bundled by site.ts; `kill.ts` calls {@link harness} from outside.
 */
import type { Machine } from "../../src/elements/index.js";

declare global {
  /** Set by the harness in Node: the browser's end of a pipe to it. */
  function report(kind: "output" | "stage", text: string): Promise<void>;
}

const assets = new URL("playground/", location.href);
// Each survey is of a router that boots from what the kill left.
localStorage.setItem("openwrt-playground/keep-memory", "off");
let machine: Machine | undefined;
/**
 * What was looked at stays open until the machine has it: Chromium writes when a database is closed that nobody uses, and
 * what that does after a kill is for the machine to prevent (src/disk/leveldb-log.ts).
 */
let looked: IDBDatabase | undefined;

export const harness = {
  /**
   * @param overlay name of an overlay
   * @returns all stored chunks in base64, each behind its number as a little-endian u32; read without the project's code
   */
  async chunks(overlay: string): Promise<string> {
    const name = await databaseOf(overlay);
    if (name === undefined) return "";
    const database = await answer(indexedDB.open(name));
    const parts: BlobPart[] = [];
    const store = database.transaction("overlay").objectStore("overlay");
    for (const key of await answer(store.getAllKeys())) {
      if (typeof key !== "number") continue;
      const chunk: unknown = await answer(store.get(key));
      if (!(chunk instanceof Uint8Array)) throw new Error(`Chunk ${key} is no Uint8Array.`);
      parts.push(Uint32Array.of(key), chunk as Uint8Array<ArrayBuffer>);
    }
    looked = database;
    return base64(new Blob(parts));
  },

  async forget(overlay: string): Promise<void> {
    looked?.close();
    const name = await databaseOf(overlay);
    if (name !== undefined) await answer(indexedDB.deleteDatabase(name));
  },

  /** Resolves when a shell answers. */
  async start(firmware: string, overlay: string): Promise<void> {
    const { Machine } = (await import(new URL("openwrt-playground.js", assets).href)) as {
      Machine: new (options: object) => Machine;
    };
    machine = new Machine({ firmware, overlay, assets });
    machine.addEventListener("progress", (event) => {
      void report("stage", (event as Event & { stage: string }).stage);
    });
    void forward(machine.console.readable);
    await machine.start();
    looked?.close();
  },

  async exec(command: string, stdin?: string) {
    if (!machine) throw new Error("There is no router.");
    return machine.exec(command, stdin === undefined ? {} : { stdin });
  },

  async destroy(): Promise<void> {
    await machine?.destroy();
  },
};
Object.assign(globalThis, { harness });

async function forward(readable: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  const reader = readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    void report("output", decoder.decode(value, { stream: true }));
  }
}

async function databaseOf(overlay: string): Promise<string | undefined> {
  const names = (await indexedDB.databases()).map(({ name = "" }) => name);
  // The memory of a visit has a database of its own, one name deeper.
  return names.find((name) => new RegExp(`^openwrt-playground/${overlay}/[^/]*$`).test(name));
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB failed."));
  });
}

function base64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve((reader.result as string).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(reader.error ?? new Error("The blob cannot be read."));
    reader.readAsDataURL(blob);
  });
}
