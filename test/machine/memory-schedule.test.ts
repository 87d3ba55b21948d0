import { expect } from "chai";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MemorySchedule } from "../../src/machine/memory-schedule.js";
import { VirtualClock } from "../common/virtual-clock.js";

const SECOND = 1000;
const TEN_MINUTES = 600 * SECOND;
/** What a save of the demo takes: the first, and one of what changed since. */
const BASE_BYTES = 15_000_000;
const CHANGES_BYTES = 800_000;
/** How long the store takes, in milliseconds. */
const STORE_MS = 100;

/** A router whose saves are written down, with their times. */
class Fake {
  readonly clock = new VirtualClock();
  readonly saves: { at: number; bytes: number }[] = [];
  /** how often the disk was changed, and what of that is in what is kept */
  disk = 0;
  kept: number | undefined;
  bytes: () => number = () => (this.saves.length === 0 ? BASE_BYTES : CHANGES_BYTES);
  failure: Error | undefined;
  underWay = 0;
  overlaps = 0;
  readonly schedule: MemorySchedule;

  constructor(isOn = true) {
    const { clock } = this;
    this.schedule = new MemorySchedule(
      { clock, save: () => this.#save(), isCurrent: () => this.kept === this.disk },
      isOn,
    );
  }

  /** Something is stored on the disk. */
  write(): void {
    this.disk++;
    this.schedule.stored();
  }

  /** Somebody changes a file, and the router stores it a moment later, as it is asked to. */
  async change(): Promise<void> {
    this.schedule.used();
    await this.clock.pass(250);
    this.write();
    await this.clock.pass(20);
    this.schedule.synced();
  }

  /** Somebody types something that changes no file. */
  async type(): Promise<void> {
    this.schedule.used();
    await this.clock.pass(250);
    this.schedule.synced();
  }

  /** Times of all saves, counted from the first event. */
  get times(): number[] {
    return this.saves.map(({ at }) => at);
  }

  /** Bytes written in the ten minutes that end now. */
  get recentBytes(): number {
    const from = this.clock.now() - TEN_MINUTES;
    return this.saves.reduce((sum, { at, bytes }) => sum + (at >= from ? bytes : 0), 0);
  }

  async #save(): Promise<number | undefined> {
    if (this.underWay++ > 0) this.overlaps++;
    const taken = this.disk;
    const bytes = this.bytes();
    this.saves.push({ at: this.clock.now(), bytes });
    await new Promise<void>((resolve) => this.clock.after(STORE_MS, resolve));
    this.underWay--;
    if (this.failure) throw this.failure;
    this.kept = taken;
    return bytes;
  }
}

describe("when a router's memory is saved", () => {
  it("within a second of what somebody did, once it is on the disk", async () => {
    const router = new Fake();
    await router.change();
    await router.clock.pass(60 * SECOND);
    expect(router.saves.length).to.equal(1);
    expect(router.times[0]).to.be.within(270, SECOND);
  });

  it("not before the router stored what it held back, for it would be in vain", async () => {
    const router = new Fake();
    router.schedule.used();
    await router.clock.pass(5 * SECOND);
    expect(router.saves.length).to.equal(0);
    router.write();
    router.schedule.synced();
    await router.clock.pass(SECOND);
    expect(router.saves.length).to.equal(1);
  });

  it("also when the router never says that it stored everything", async () => {
    const router = new Fake();
    router.schedule.used();
    await router.clock.pass(20 * SECOND);
    expect(router.saves.length).to.equal(1);
  });

  it("again soon when what somebody did goes on to change the disk", async () => {
    const router = new Fake();
    await router.change();
    await router.clock.pass(3 * SECOND);
    router.write();
    await router.clock.pass(SECOND);
    expect(router.saves.length).to.equal(2);
    expect(router.kept).to.equal(router.disk);
    router.write();
    await router.clock.pass(2 * SECOND);
    expect(router.kept).to.equal(router.disk);
  });

  it("when somebody typed and stopped, though the disk did not change", async () => {
    const router = new Fake();
    await router.change();
    await router.clock.pass(20 * SECOND);
    await router.type();
    await router.clock.pass(2 * SECOND);
    expect(router.saves.length).to.equal(2);
  });

  it("every few seconds while somebody types on and on", async () => {
    const router = new Fake();
    await router.change();
    await router.clock.pass(5 * SECOND);
    for (let key = 0; key < 200; key++) await router.type();
    const typed = router.saves.length - 1;
    expect(typed).to.be.within(4, 11);
  });

  it("seldom while a router prints a line a second, and with at most 60 MB in ten minutes", async () => {
    const router = new Fake();
    router.write();
    for (let second = 0; second < 600; second++) {
      router.schedule.printed();
      await router.clock.pass(SECOND);
    }
    expect(router.saves.length).to.be.within(10, 21);
    expect(router.recentBytes).to.be.at.most(60e6);
  });

  it("also when a router prints without a pause", async () => {
    const router = new Fake();
    router.write();
    await router.clock.pass(3 * SECOND);
    for (let line = 0; line < 1000; line++) {
      router.schedule.printed();
      await router.clock.pass(60);
    }
    expect(router.saves.length).to.be.at.least(2);
  });

  it("at once when nobody looks any more, if anything changed", async () => {
    const router = new Fake();
    router.schedule.hidden();
    await router.clock.pass(60 * SECOND);
    expect(router.saves.length).to.equal(0);
    router.schedule.printed();
    router.schedule.hidden();
    await router.clock.pass(0);
    expect(router.saves.length).to.equal(1);
    await router.clock.pass(SECOND);
    router.schedule.hidden();
    await router.clock.pass(60 * SECOND);
    expect(router.saves.length).to.equal(1);
  });

  it("once more when somebody turns away while it is being saved, and one at a time", async () => {
    const router = new Fake();
    router.write();
    router.schedule.hidden();
    await router.clock.pass(10);
    router.write();
    router.schedule.hidden();
    await router.clock.pass(10);
    expect(router.saves.length).to.equal(1);
    await router.clock.pass(SECOND);
    expect(router.saves.length).to.equal(2);
    expect(router.overlaps).to.equal(0);
    expect(router.kept).to.equal(router.disk);
  });

  it("later when it could not be, less and less often, and soon again when it could", async () => {
    const router = new Fake();
    router.failure = new Error("too busy");
    await router.change();
    await router.clock.pass(300 * SECOND);
    const gaps = router.times.slice(1).map((at, i) => at - (router.times[i] ?? 0));
    expect(gaps.slice(0, 3)).to.deep.equal([...gaps.slice(0, 3)].sort((a, b) => a - b));
    expect(router.saves.length).to.be.within(5, 12);
    router.failure = undefined;
    await router.clock.pass(61 * SECOND);
    expect(router.kept).to.equal(router.disk);
    await router.change();
    await router.clock.pass(2 * SECOND);
    expect(router.kept).to.equal(router.disk);
  });

  it("not for a while after it gave way to changes", async () => {
    const router = new Fake();
    router.schedule.putOff();
    await router.change();
    await router.clock.pass(50 * SECOND);
    expect(router.saves.length).to.equal(0);
    await router.clock.pass(20 * SECOND);
    expect(router.saves.length).to.equal(1);
  });

  it("never while it is switched off, and then as soon as it is on", async () => {
    const router = new Fake(false);
    await router.change();
    router.schedule.printed();
    router.schedule.hidden();
    await router.clock.pass(60 * SECOND);
    expect(router.saves.length).to.equal(0);
    router.schedule.on = true;
    await router.clock.pass(5 * SECOND);
    expect(router.saves.length).to.equal(1);
    router.write();
    router.schedule.on = false;
    expect(router.clock.pending).to.equal(0);
  });

  const KINDS = ["printed", "write", "write", "hidden", "used", "synced"] as const;
  const events = (kinds: readonly (typeof KINDS)[number][]) =>
    fc.array(
      fc.record({
        wait: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 20_000 })),
        kind: fc.constantFrom(...kinds),
        bytes: fc.oneof(fc.integer({ max: 2_000_000, min: 1 }), fc.constant(BASE_BYTES)),
      }),
      { minLength: 50, maxLength: 150 },
    );

  it("with at most 60 MB in any ten minutes, whatever a router does by itself", () =>
    fc.assert(
      fc.asyncProperty(events(["printed", "write"]), async (sequence) => {
        const router = new Fake();
        for (const { wait, kind, bytes } of sequence) {
          router.bytes = () => bytes;
          if (kind === "write") router.write();
          else router.schedule.printed();
          await router.clock.pass(wait);
          expect(router.recentBytes).to.be.at.most(60e6);
        }
      }),
      { numRuns: 100 },
    ));

  it("in time after whatever somebody did, one at a time, and all of it in the end", () =>
    fc.assert(
      fc.asyncProperty(events(KINDS), async (sequence) => {
        const router = new Fake();
        /** when somebody first did something that no save has begun after */
        let since: number | undefined;
        let counted = 0;
        for (const { wait, kind } of sequence) {
          if (kind === "write") router.write();
          else router.schedule[kind]();
          if (kind === "used") since ??= router.clock.now();
          await router.clock.pass(wait);
          if (router.saves.length > counted) since = undefined;
          counted = router.saves.length;
          if (since !== undefined)
            expect(router.clock.now() - since, "somebody waits").to.be.at.most(22_000);
        }
        await router.clock.pass(TEN_MINUTES);
        expect(router.overlaps).to.equal(0);
        if (router.disk > 0) expect(router.kept).to.equal(router.disk);
      }),
      { numRuns: 100 },
    ));
});
