import { expect } from "@esm-bundle/chai";
import { SyncSchedule } from "../../src/machine/sync-schedule.js";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("when a router is asked to store what it holds back", () => {
  let asked: number;
  let schedule: SyncSchedule;
  /** Resolves when it was asked so often; the test's own timeout ends it else. */
  const until = async (times: number) => {
    while (asked < times) await sleep(10);
  };

  beforeEach(() => {
    asked = 0;
    schedule = new SyncSchedule(() => {
      asked++;
      return Promise.resolve();
    });
  });
  afterEach(() => schedule.end());

  it("once after many key presses, and once more for what they set going", async () => {
    for (let key = 0; key < 50; key++) schedule.touched();
    await until(2);
    await sleep(2500);
    expect(asked).to.equal(2);
  }).timeout(20_000);

  it("again when a command prints something later", async () => {
    schedule.touched();
    await until(1);
    schedule.printed();
    await until(2);
  });

  it("also while somebody goes on and on", async () => {
    while (asked === 0) {
      schedule.touched();
      await sleep(20);
    }
  }).timeout(20_000);

  it("seldom when it only prints by itself", async () => {
    schedule.printed();
    await until(1);
    for (let line = 0; line < 100; line++) {
      schedule.printed();
      await sleep(10);
    }
    expect(asked).to.equal(1);
  }).timeout(20_000);

  it("not at all after its end", async () => {
    schedule.touched();
    schedule.end();
    schedule.touched();
    await sleep(500);
    expect(asked).to.equal(0);
  });

  it("once at a time", async () => {
    let finish: () => void = () => undefined;
    const slow = new SyncSchedule(() => {
      asked++;
      return new Promise((resolve) => (finish = resolve));
    });
    slow.touched();
    await until(1);
    slow.touched();
    await sleep(1000);
    expect(asked).to.equal(1);
    finish();
    await until(2);
    slow.end();
  }).timeout(20_000);
});
