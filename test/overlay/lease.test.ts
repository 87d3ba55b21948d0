/** One writer an overlay: real Web Locks and channels; only the waiting is by hand. */
import { expect } from "@esm-bundle/chai";
import { OverlayBusyError } from "../../src/overlay/errors.js";
import { formerKeys, overlayKey, type OverlayNames } from "../../src/overlay/identity.js";
import { type LeaseOptions, type OverlayLease, takeLease } from "../../src/overlay/lease.js";
import { BROWSER_TABS, findHolder, type TabHost } from "../../src/overlay/tabs.js";
import { freshIdentity, rejection } from "../disk/helpers.js";

const PAGE = { title: "A page", path: "/path" };

const fresh = (): OverlayNames => ({
  ...freshIdentity(),
  former: ["d".repeat(64), "c".repeat(64)],
});

/** The browser's, with waits that last until somebody calls them off. */
function patientHost(): TabHost & { expire(): void } {
  const waits = new Set<AbortController>();
  return {
    locks: navigator.locks,
    openChannel: (name) => BROWSER_TABS.openChannel(name),
    timeout() {
      const wait = new AbortController();
      waits.add(wait);
      return wait.signal;
    },
    expire() {
      for (const wait of waits) wait.abort(new DOMException("too late", "TimeoutError"));
      waits.clear();
    },
  };
}

/** Takes a lease that is free. */
const take = (names: OverlayNames, options: Partial<LeaseOptions> = {}) =>
  takeLease(names, { page: PAGE, host: patientHost(), ...options });

/** Waits for what happens between contexts until it did. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function isWaitedFor(key: string): Promise<boolean> {
  const { pending = [] } = await navigator.locks.query();
  return pending.some(({ name }) => name === key);
}

async function heldKeys(names: OverlayNames): Promise<string[]> {
  const { held = [] } = await navigator.locks.query();
  const all = [overlayKey(names), ...formerKeys(names)];
  return all.filter((key) => held.some(({ name }) => name === key));
}

/** What taking it is refused with, when its holder has had all the time there is. */
async function refusal(names: OverlayNames): Promise<OverlayBusyError> {
  const host = patientHost();
  const refused = rejection(takeLease(names, { page: PAGE, host }));
  const all = [overlayKey(names), ...formerKeys(names)];
  await until(async () => (await Promise.all(all.map(isWaitedFor))).includes(true));
  host.expire();
  // Nobody may answer: then that wait is over too.
  const answered = await Promise.race([refused, new Promise((resolve) => setTimeout(resolve, 50))]);
  if (!answered) host.expire();
  const error = await refused;
  expect(error).to.be.instanceOf(OverlayBusyError);
  return error as OverlayBusyError;
}

describe("the lease of an overlay", () => {
  it("is held by one at a time, who says where it is in use", async () => {
    const names = fresh();
    const before = Date.now();
    const lease = await take(names);
    const { problem, holder, message } = await refusal(names);
    expect(problem).to.equal("in-use");
    expect(message).to.match(/already running in another tab/);
    expect(holder).to.deep.include(PAGE);
    expect(holder?.since).to.be.within(before, Date.now());
    lease.release();
    (await take(names)).release();
  });

  it("of one overlay is none of another", async () => {
    const one = fresh();
    const lease = await take(one);
    (await take({ ...one, root: "e".repeat(64), former: ["a".repeat(64)] })).release();
    (await take({ ...one, overlay: `${one.overlay}-2` })).release();
    lease.release();
  });

  it("waits for a holder that lets go by itself", async () => {
    const names = fresh();
    const lease = await take(names);
    const next = take(names);
    await until(() => isWaitedFor(overlayKey(names)));
    lease.release();
    (await next).release();
  });

  it("is given away by a holder that is asked to", async () => {
    const names = fresh();
    let asked = 0;
    const lease: OverlayLease = await take(names, {
      onYield() {
        asked++;
        lease.release();
        return undefined;
      },
    });
    (await take(names, { takeOver: true })).release();
    expect(asked).to.equal(1);
  });

  it("is not asked for without need", async () => {
    const names = fresh();
    let asked = 0;
    const onYield = () => (asked++, undefined);
    const lease = await take(names, { onYield });
    await refusal(names);
    expect(asked).to.equal(0);
    lease.release();
  });

  it("is kept by a holder that cannot save, which says so at once", async () => {
    const names = fresh();
    const lease = await take(names, { onYield: () => "unsaved" });
    const error = await rejection(take(names, { takeOver: true }));
    expect(error).to.be.instanceOf(OverlayBusyError);
    expect(error).to.have.property("problem", "unsaved-elsewhere");
    expect(error).to.have.property("holder").that.deep.includes(PAGE);
    expect(await heldKeys(names)).to.include(overlayKey(names));
    lease.release();
    (await take(names)).release();
  });

  it("is not waited for by who gives up, with the reason why", async () => {
    const names = fresh();
    const lease = await take(names);
    const giveUp = new AbortController();
    const reason = new Error("The person went away.");
    const refused = rejection(take(names, { signal: giveUp.signal }));
    await until(() => isWaitedFor(overlayKey(names)));
    giveUp.abort(reason);
    expect(await refused).to.equal(reason);
    expect(await isWaitedFor(overlayKey(names))).to.equal(false);
    lease.release();
    expect(await rejection(take(names, { signal: giveUp.signal }))).to.equal(reason);
    (await take(names)).release();
  });

  it("is not kept when it comes a moment after somebody gave up", async () => {
    const names = fresh();
    const giveUp = new AbortController();
    const host: TabHost = {
      ...patientHost(),
      locks: {
        query: () => navigator.locks.query(),
        request: ((key: string, _options: LockOptions, granted: LockGrantedCallback<unknown>) =>
          navigator.locks.request(key, (lock) => {
            giveUp.abort(new Error("too late"));
            return granted(lock);
          })) as LockManager["request"],
      },
    };
    await rejection(takeLease(names, { page: PAGE, host, signal: giveUp.signal }));
    await until(async () => (await heldKeys(names)).length === 0);
  });

  it("can be let go of more than once", async () => {
    const names = fresh();
    const lease = await take(names);
    lease.release();
    const next = await take(names);
    lease.release();
    expect(await heldKeys(names)).to.include(overlayKey(names));
    next.release();
  });

  it("says that the browser refuses it", async () => {
    const host = {
      ...patientHost(),
      locks: {
        query: () => navigator.locks.query(),
        request: () => Promise.reject(new DOMException("no storage here", "SecurityError")),
      },
    };
    const error = await rejection(takeLease(fresh(), { page: PAGE, host }));
    expect(error).to.have.property("problem", "unavailable");
  });

  it("is held by a worker as long as that lives", async () => {
    const names = fresh();
    const worker = new Worker(new URL("./lease-worker.ts", import.meta.url), { type: "module" });
    const held = new Promise((resolve) => (worker.onmessage = resolve));
    worker.postMessage(names);
    await held;
    expect((await refusal(names)).holder).to.deep.include({ path: "/worker" });
    worker.terminate();
    (await take(names)).release();
  });
});

describe("the lease of an overlay that an older page may use", () => {
  /** A page of an older version that runs a router: it holds the lock and answers on the channel of the old name. */
  function olderPage(key: string): Promise<{ end: () => void }> {
    return new Promise((resolve) => {
      void navigator.locks.request(key, () => {
        const channel = new BroadcastChannel(key);
        return new Promise<void>((letGo) => {
          const end = () => (channel.close(), letGo());
          channel.onmessage = ({ data }: MessageEvent<{ type: string }>) => {
            const holder = { title: "An older page", path: "/old", since: 1 };
            if (data.type === "who") channel.postMessage({ type: "holder", holder });
            if (data.type === "yield") end();
          };
          resolve({ end });
        });
      });
    });
  }

  for (const at of [0, 1])
    it(`is not taken while such a page runs it (name ${at + 1} of 2), and given away by it`, async () => {
      const names = fresh();
      const page = await olderPage(formerKeys(names)[at]!);
      const { problem, holder } = await refusal(names);
      expect(problem).to.equal("in-use");
      expect(holder).to.deep.equal({ title: "An older page", path: "/old", since: 1 });
      expect(await heldKeys(names)).to.deep.equal([formerKeys(names)[at]]);
      (await take(names, { takeOver: true })).release();
      page.end();
    });

  it("keeps such pages out until the overlay is of today's format", async () => {
    const names = fresh();
    const lease = await take(names);
    expect(await heldKeys(names)).to.have.length(3);
    lease.releaseFormer();
    await until(async () => (await heldKeys(names)).length === 1);
    expect(await heldKeys(names)).to.deep.equal([overlayKey(names)]);
    lease.release();
    await until(async () => (await heldKeys(names)).length === 0);
  });
});

describe("a question to other tabs", () => {
  /** Asks who holds an overlay, while these messages come from elsewhere. */
  async function holderAmong(...messages: unknown[]) {
    const names = fresh();
    const failures: unknown[] = [];
    const failed = (event: ErrorEvent) => (event.preventDefault(), void failures.push(event.error));
    addEventListener("error", failed);
    const channel = new BroadcastChannel(overlayKey(names));
    channel.onmessage = () => {
      for (const message of messages) channel.postMessage(message);
      channel.postMessage({ type: "holder", holder: { title: "last", path: "/", since: 0 } });
    };
    const holder = await findHolder(names, patientHost());
    channel.close();
    removeEventListener("error", failed);
    expect(failures).to.deep.equal([]);
    return holder;
  }

  it("is not answered by what has another form", async () => {
    const good = { title: "", path: "", since: 0 };
    const holder = await holderAmong(
      ...[null, undefined, 1, "holder", [], {}, new Date(), { type: "holder" }],
      ...[
        null,
        1,
        "x",
        [],
        { ...good, title: 1 },
        { ...good, path: null },
        { ...good, since: "" },
      ].flatMap((holder) => [
        { type: "holder", holder },
        { type: "refused", reason: "unsaved", holder },
      ]),
      { type: "refused", reason: "because", holder: good },
    );
    expect(holder).to.have.property("title", "last");
  });

  it("takes no more of a text than a person reads", async () => {
    const long = "x".repeat(1e6);
    const holder = await holderAmong({
      type: "holder",
      holder: { title: long, path: long, since: 1 },
    });
    expect(holder).to.deep.equal({ title: "x".repeat(200), path: "x".repeat(200), since: 1 });
  });

  it("ends without an answer when nobody holds the overlay", async () => {
    const host = patientHost();
    const asked = findHolder(fresh(), host);
    host.expire();
    expect(await asked).to.equal(undefined);
  });

  it("does not hurt a holder, whatever it is", async () => {
    const names = fresh();
    const lease = await take(names);
    const channel = new BroadcastChannel(overlayKey(names));
    for (const message of [null, 1, { type: "holder", holder: null }, { type: "yield", x: 1 }])
      channel.postMessage(message);
    channel.close();
    expect(await findHolder(names, patientHost())).to.deep.include(PAGE);
    lease.release();
  });
});
