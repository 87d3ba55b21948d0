import { expect } from "@esm-bundle/chai";
import "../../src/elements/openwrt-terminal.js";
import type { OpenwrtTerminal } from "../../src/elements/openwrt-terminal.js";
import { deferred } from "../../src/common/deferred.js";
import type { ExecResult } from "../../src/machine/exec.js";
import type { Process } from "../../src/machine/command.js";
import { FakeConsole, ready, until } from "./fake-console.js";

const MIB = 1024 * 1024;

/** A router with a /tmp that knows the few commands that are used on it. */
class FakeRouter extends FakeConsole {
  readonly files = new Map<string, Uint8Array>();
  free = 60 * MIB;
  refuses = false;
  /** from this many bytes on nothing is taken until `goOn` is called */
  pauseAt = Infinity;
  goOn: () => void = () => undefined;

  override spawn(command: string): Process {
    const path = /^exec cat > (\S+)$/.exec(command)![1]!;
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let taken = 0;
    const ended = deferred<number>();
    this.files.set(path, new Uint8Array());
    const stdin = new WritableStream<Uint8Array<ArrayBuffer>>({
      write: async (part) => {
        taken += part.length;
        parts.push(part);
        if (taken >= this.pauseAt) await new Promise<void>((resolve) => (this.goOn = resolve));
      },
      close: async () => {
        if (this.refuses) return;
        this.files.set(path, new Uint8Array(await new Blob(parts).arrayBuffer()));
        ended.resolve(0);
      },
    });
    if (this.refuses) ended.resolve(1);
    const complaint = this.refuses ? ["cat: write error: No space left on device\n"] : [];
    const output = (text: string[]) => new Blob(text).stream();
    const kill = () => {
      ended.resolve(143);
      return Promise.resolve();
    };
    return { stdin, stdout: output([]), stderr: output(complaint), exited: ended.promise, kill };
  }

  override exec(command: string): Promise<ExecResult> {
    const done = (stdout = "", exitCode = 0, stderr = "") =>
      Promise.resolve({ stdout, stderr, exitCode });
    if (command.startsWith("df -k /tmp"))
      return done(
        `Filesystem           1K-blocks      Used Available Use% Mounted on\ntmpfs ${64 * 1024} 4096 ${this.free / 1024} 7% /tmp\n`,
      );
    const remove = /^rm (?:-f )?(.+)$/.exec(command);
    if (remove) {
      for (const path of remove[1]!.split(" ")) this.files.delete(path);
      return done();
    }
    const move = /^p='([^']*)'[^]*p='([^']*)'-\$n'([^']*)'[^]*mv (\S+) /.exec(command);
    if (move) {
      const [, path = "", stem = "", extension = "", whole = ""] = move;
      let free = path;
      for (let n = 2; this.files.has(free); n++) free = `${stem}-${n}${extension}`;
      this.files.set(free, this.files.get(whole)!);
      this.files.delete(whole);
      return done(free);
    }
    return super.exec(command);
  }
}

describe("files that are dropped on the console", () => {
  let router: FakeRouter;
  let terminal: OpenwrtTerminal;
  beforeEach(async () => {
    router = new FakeRouter();
    terminal = await ready(router);
  });
  afterEach(() => {
    terminal.remove();
    router.end();
  });

  function drag(type: string, files: File[]): DragEvent {
    const transfer = new DataTransfer();
    for (const file of files) transfer.items.add(file);
    const event = new DragEvent(type, {
      ...{ dataTransfer: transfer, bubbles: true, composed: true, cancelable: true },
    });
    terminal.renderRoot.querySelector("#screen")!.dispatchEvent(event);
    return event;
  }
  function drop(...files: File[]): void {
    expect(drag("dragover", files).defaultPrevented).to.equal(true);
    drag("drop", files);
  }
  const list = () => terminal.renderRoot.querySelector("openwrt-uploads");
  const items = () => [...(list()?.renderRoot.querySelectorAll("li") ?? [])];
  const texts = () => items().map((item) => item.querySelector("span")!.textContent);
  const says = (text: string) => until(`it says “${text}”`, () => texts().includes(text));
  const file = (name: string, bytes: number) =>
    new File([Uint8Array.from({ length: bytes }, (_, at) => (at * 7) % 251)], name);
  const onlyFiles = () => [...router.files.keys()].sort();

  it("are put into /tmp, and it is said where", async () => {
    drop(file("größe.bin", 3 * MIB + 5));
    await says("/tmp/größe.bin is in the router (3.1 MB).");
    expect(onlyFiles()).to.deep.equal(["/tmp/größe.bin"]);
    const expected = new Uint8Array(await file("", 3 * MIB + 5).arrayBuffer());
    expect(router.files.get("/tmp/größe.bin")!.every((byte, at) => byte === expected[at])).to.equal(
      true,
    );
    expect(router.files.get("/tmp/größe.bin")!.length).to.equal(expected.length);
  });

  it("may be empty, several, and named like one that is there", async () => {
    router.files.set("/tmp/a.txt", new Uint8Array([1]));
    drop(file("a.txt", 0), file("b", 10), file("b", MIB));
    await says("/tmp/a-2.txt is in the router (0 B).");
    await says("/tmp/b is in the router (10 B).");
    await says("/tmp/b-2 is in the router (1.0 MB).");
    expect(router.files.get("/tmp/a.txt")).to.deep.equal(new Uint8Array([1]));
    expect(router.files.get("/tmp/b-2")!.length).to.equal(MIB);
  });

  it("can be called off, and nothing of them stays", async () => {
    router.pauseAt = 2 * MIB;
    drop(file("large.bin", 8 * MIB), file("small.txt", 1));
    const progress = () => items()[0]?.querySelector("progress");
    await until("a part is written", () => (progress()?.value ?? 0) >= 2 * MIB);
    items()[0]!.querySelector("button")!.click();
    router.pauseAt = Infinity;
    router.goOn();
    await says("“large.bin” was not put into the router.");
    await says("/tmp/small.txt is in the router (1 B).");
    expect(onlyFiles()).to.deep.equal(["/tmp/small.txt"]);
    items()[0]!.querySelector("button")!.click();
    await list()!.updateComplete;
    expect(items()).to.have.length(1);
  });

  it("are refused with a sentence when they do not fit, and when the router says no", async () => {
    router.free = MIB;
    drop(file("large.bin", 2 * MIB));
    await says("“large.bin” (2.1 MB) does not fit into the router's /tmp, which has 1.0 MB left.");
    router.refuses = true;
    drop(file("small.bin", 2));
    await says("The router could not store “small.bin”: cat: write error: No space left on device");
    expect(onlyFiles()).to.deep.equal([]);
  });

  it("are refused while the router does not run, and when they are too many", async () => {
    router.state = "off";
    drop(file("a.txt", 1));
    await says("“a.txt” was not taken: the router has to be running. Start it first.");
    drop(...Array.from({ length: 21 }, (_, at) => file(`${at}`, 1)));
    await says("At most 20 files are taken at a time. Drop an archive of them.");
    expect(onlyFiles()).to.deep.equal([]);
  });

  it("are refused when they are folders", async () => {
    // A folder cannot be dropped by a script; a file loads the list.
    drop(file("a", 0));
    await says("/tmp/a is in the router (0 B).");
    list()!.add({ files: [], folders: ["photos"] });
    await says("“photos” is a folder. Drop its files, or an archive of it.");
  });

  it("are announced while they are held over it, and not where there is no router", async () => {
    drag("dragover", [file("a", 1)]);
    await terminal.updateComplete;
    expect(terminal.renderRoot.querySelector(".drop")).to.not.equal(null);
    drag("dragleave", []);
    await terminal.updateComplete;
    expect(terminal.renderRoot.querySelector(".drop")).to.equal(null);
    terminal.machine = undefined;
    await terminal.updateComplete;
    expect(drag("dragover", [file("a", 1)]).defaultPrevented).to.equal(false);
  });

  it("do not concern text that is dragged", () => {
    const transfer = new DataTransfer();
    transfer.setData("text/plain", "text");
    const event = new DragEvent("dragover", { dataTransfer: transfer, cancelable: true });
    terminal.dispatchEvent(event);
    expect(event.defaultPrevented).to.equal(false);
  });
});
