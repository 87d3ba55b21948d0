/** One round of the kill test: a browser starts, the last kill's damage is looked for, work goes on, and a kill ends it. */
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CHUNK_BYTES } from "../../src/disk/chunk-store.js";
import { recover, type Recovered } from "./ext4.js";
import { merged, type TestFirmware } from "./firmware.js";
import { type Files, md5, type Operation, PATHS, plan } from "./operations.js";
import type { Random } from "./random.js";
import { Router } from "./router.js";
import { judge } from "./verdict.js";
import { Acknowledgements, startWriter } from "./writer.js";

/** When the kill comes: while small files are written, in a large write, in a boot, in a first boot that formats. */
export type Moment = "writing" | "large" | "boot" | "format";

const PREINIT_MS = 60_000;
const OPERATIONS = 120;
/** Share of large writes of a hundred, at that moment. */
const LARGE_SHARE = 40;
/** How long after its last awaited acknowledgement a kill may come, in milliseconds: a few small writes, a large one. */
const AFTER_MS = { writing: 600, large: 3000 };
const ACKNOWLEDGEMENT_MS = 120_000;

/** What is known of the disk when a round begins. */
interface Expectation {
  readonly before: Files;
  readonly operations: readonly Operation[];
  readonly acknowledged: number;
}

export interface Survey {
  /** one line about what was found */
  readonly text: string;
  readonly checked: number;
  readonly lost: readonly string[];
  readonly unclean: readonly string[];
  /** boot, console or checksum failures of the running router */
  readonly failures: readonly string[];
}

export interface Kill {
  readonly moment: Moment;
  /** one line about when it came */
  readonly text: string;
  readonly acknowledged: number;
}

/** The profile, the overlay in it, and what must be there. Lives over all kills. */
export class Rounds {
  #overlayNumber = 1;
  #expected: Expectation | undefined;
  /** how long the last boot took: to the overlay's mount, from there to the services, and to the shell */
  #boot = { preinit: 3000, services: 3000, shell: 10_000 };

  /**
   * @param url address of the page
   * @param profile directory that the browser stores in
   */
  constructor(
    private readonly firmware: TestFirmware,
    private readonly url: string,
    private readonly profile: string,
  ) {}

  /**
   * Starts the browser, looks at what the last kill left, and, when a moment is given, works on and kills then.
   *
   * @param onSurvey told what was found, before the work goes on; not called when nothing was killed yet
   */
  async next(
    moment: Moment | undefined,
    random: Random,
    onSurvey: (survey: Survey) => void,
  ): Promise<Kill | undefined> {
    const router = await Router.open(this.profile, this.url);
    try {
      if (this.#expected) onSurvey(await this.#survey(router, this.#expected));
      return moment && { ...(await this.#work(router, moment, random)), moment };
    } finally {
      await router.kill();
    }
  }

  get #overlay(): string {
    return `kill-${this.#overlayNumber}`;
  }

  async #survey(router: Router, expected: Expectation): Promise<Survey> {
    const found = await this.#recovered(router);
    const files = merged(this.firmware.rom, found);
    const verdict = judge(
      files,
      expected.before,
      expected.operations,
      expected.acknowledged,
      this.firmware.pool,
    );
    // What is there counts from here on, also after a loss, so that each loss is reported once.
    this.#expected = { before: files, operations: [], acknowledged: 0 };
    const failures = await this.#boots(router, files);
    return {
      checked: verdict.checked,
      lost: verdict.lost,
      unclean: found.problems,
      failures,
      text:
        found.kind === "blank"
          ? "not formatted yet"
          : `${found.replayed ? "journal replayed" : "no journal to replay"}${found.orphans ? ", orphans freed" : ""}`,
    };
  }

  /** The overlay as a file, straight from IndexedDB, with its journal replayed. */
  async #recovered(router: Router): Promise<Recovered> {
    const folder = await mkdtemp(join(tmpdir(), "playground-kill-"));
    const path = join(folder, "overlay");
    try {
      const chunks = Buffer.from(await router.chunks(this.#overlay), "base64");
      const image = await open(path, "w");
      const { diskBytes, overlayStart } = this.firmware;
      await image.truncate(diskBytes - overlayStart);
      for (let at = 0; at < chunks.length; at += 4 + CHUNK_BYTES) {
        const position = chunks.readUInt32LE(at) * CHUNK_BYTES - overlayStart;
        if (position < 0) throw new Error("A chunk of the ROM was written.");
        await image.write(chunks, at + 4, CHUNK_BYTES, position);
      }
      await image.close();
      return await recover(path, PATHS);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Starts the router on what the kill left. @returns what it did not do as it should */
  async #boots(router: Router, files: Files): Promise<string[]> {
    try {
      await this.#start(router);
      const failures: string[] = [];
      const kernel = await router.exec(
        "dmesg | grep -iE 'EXT4-fs (error|warning)|EXT4-fs [^:]*: (error|warning)|corrupt|JBD2: .*(error|fail)|I/O error'",
      );
      if (kernel.stdout !== "") failures.push(`the kernel says: ${kernel.stdout.trim()}`);
      const { stdout } = await router.exec(
        'while read -r f; do if [ -f "$f" ]; then md5sum "$f"; else echo "none  $f"; fi; done',
        `${PATHS.join("\n")}\n`,
      );
      const wanted = PATHS.map((path) => `${md5(files.get(path))}  ${path}`);
      const wrong = stdout
        .trimEnd()
        .split("\n")
        .filter((line) => !wanted.includes(line));
      if (wrong.length > 0) failures.push(`the router shows other files: ${wrong.join("; ")}`);
      return failures;
    } catch (error) {
      return [`the router did not boot: ${String(error)}`];
    }
  }

  async #start(router: Router): Promise<void> {
    const begin = performance.now();
    const preinit = router.stage("preinit").then(() => performance.now() - begin);
    const services = router.stage("services").then(() => performance.now() - begin);
    await router.start(this.firmware.name, this.#overlay);
    const shell = performance.now() - begin;
    const timeless = { preinit: shell, services: shell };
    const known = await Promise.race([
      Promise.all([preinit, services]).then(([one, two]) => ({ preinit: one, services: two })),
      sleep(0, timeless),
    ]);
    this.#boot = { ...known, shell };
  }

  async #work(router: Router, moment: Moment, random: Random): Promise<Omit<Kill, "moment">> {
    switch (moment) {
      case "boot":
        return this.#killInBoot(router, random);
      case "format":
        return this.#killInFormat(router, random);
      case "writing":
      case "large":
        return this.#killInWriting(router, random, moment);
    }
  }

  async #killInBoot(router: Router, random: Random): Promise<Omit<Kill, "moment">> {
    await router.destroy();
    this.#expected ??= { before: this.firmware.rom, operations: [], acknowledged: 0 };
    const after = random.next() * this.#boot.shell;
    router.startAndForget(this.firmware.name, this.#overlay);
    await sleep(after);
    return { text: `${seconds(after)} into a boot`, acknowledged: 0 };
  }

  /** From the moment when the overlay is about to be mounted until the services start. */
  async #killInFormat(router: Router, random: Random): Promise<Omit<Kill, "moment">> {
    await router.destroy();
    await router.forget(this.#overlay);
    this.#overlayNumber++;
    this.#expected = { before: this.firmware.rom, operations: [], acknowledged: 0 };
    const after = random.next() * (this.#boot.services - this.#boot.preinit) * 1.5;
    const preinit = router.stage("preinit");
    router.startAndForget(this.firmware.name, this.#overlay);
    await Promise.race([preinit, sleep(PREINIT_MS)]);
    await sleep(after);
    return { text: `${seconds(after)} into a first boot's preinit`, acknowledged: 0 };
  }

  async #killInWriting(
    router: Router,
    random: Random,
    moment: "writing" | "large",
  ): Promise<Omit<Kill, "moment">> {
    if (!router.isOn) await this.#start(router);
    const before = this.#expected?.before ?? this.firmware.rom;
    const share = moment === "large" ? LARGE_SHARE : undefined;
    const operations = plan(random, before, this.firmware.pool, OPERATIONS, share);
    const awaited = random.between(1, moment === "large" ? 12 : 60);
    const after = random.next() * AFTER_MS[moment];

    const acknowledgements = new Acknowledgements(before, operations, this.firmware.pool);
    const enough = new Promise<void>((resolve) => {
      router.onOutput = (text) => {
        acknowledgements.receive(text);
        if (acknowledgements.count >= awaited) resolve();
      };
    });
    // Whatever happens from here on, these may be on the disk.
    const expect = () =>
      (this.#expected = { before, operations, acknowledged: acknowledgements.count });
    expect();
    await startWriter((command, stdin) => router.exec(command, stdin), operations);
    // A slow machine gets its kill all the same.
    await Promise.race([enough, sleep(ACKNOWLEDGEMENT_MS)]);
    expect();
    await sleep(after);
    // What arrives while the processes die counts as well: it was said.
    const died = await router.kill();
    expect();
    if (acknowledgements.count === 0) throw new Error("The router acknowledged nothing.");
    if (acknowledgements.problems.length > 0) throw new Error(acknowledgements.problems.join("; "));
    return {
      text: `${acknowledgements.count} acknowledged and ${seconds(after)}, ${died} processes`,
      acknowledged: acknowledgements.count,
    };
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
