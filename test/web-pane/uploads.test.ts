import { expect } from "@esm-bundle/chai";
import { sendStream } from "../../src/common/byte-port.js";
import type { Bytes } from "../../src/common/bytes.js";
import { deferred } from "../../src/common/deferred.js";
import { NetworkError } from "../../src/network/errors.js";
import { roundTrips } from "./round-trips.js";
import { BodyTooLarge, MAX_BODY_BYTES, Uploads } from "../../src/web-pane/uploads.js";

const MIB = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
/** What one body may hold without waiting, and what is on its way besides: the window of a port, and a piece. */
const WAITING_BYTES = 256 * 1024 + 256 * 1024 + 2 * PIECE_BYTES;

const { signal } = new AbortController();

/** A body of so many bytes, which tells how many of them were asked for. */
function upload(length: number): { port: MessagePort; taken: () => number } {
  let taken = 0;
  const body = new ReadableStream<Bytes>(
    {
      pull(controller) {
        if (taken === length) return controller.close();
        const piece = Math.min(PIECE_BYTES, length - taken);
        taken += piece;
        controller.enqueue(new Uint8Array(piece));
      },
    },
    { highWaterMark: 0 },
  );
  const { port1, port2 } = new MessageChannel();
  sendStream(port1, body).catch(() => undefined);
  return { port: port2, taken: () => taken };
}

/** Lets everything happen that can: no more bytes move. */
async function still(uploads: readonly { taken: () => number }[]): Promise<void> {
  const sum = () => uploads.reduce((all, { taken }) => all + taken(), 0);
  for (let [same, before] = [0, -1]; same < 20; before = sum()) {
    await roundTrips(1);
    same = sum() === before ? same + 1 : 0;
  }
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("bodies of the guest's pages", () => {
  it("are gathered whole", async () => {
    const { port } = upload(3 * MIB + 1);
    const length = await new Uploads().gather(port, signal, (body) => Promise.resolve(body.length));
    expect(length).to.equal(3 * MIB + 1);
  });

  it("share one budget: a large one waits until the router has the one before", async () => {
    const uploads = new Uploads();
    const sent = deferred();
    const bodies = Array.from({ length: 8 }, () => upload(8 * MIB));
    const using: number[] = [];
    const all = bodies.map(({ port }, number) =>
      uploads.gather(port, signal, async () => {
        using.push(number);
        await sent.promise;
      }),
    );
    await still(bodies);
    expect(using).to.have.length(1);
    const waiting = bodies.filter((_, number) => number !== using[0]);
    for (const { taken } of waiting) expect(taken()).to.be.at.most(WAITING_BYTES);
    const small = await uploads.gather(upload(1000).port, signal, (body) =>
      Promise.resolve(body.length),
    );
    expect(small).to.equal(1000);
    sent.resolve();
    await Promise.all(all);
    expect(using).to.have.length(8);
  });

  it("have a limit", async () => {
    const { port, taken } = upload(MAX_BODY_BYTES + MIB);
    const uploads = new Uploads();
    const error = await failure(uploads.gather(port, signal, () => Promise.resolve()));
    expect(error).to.be.instanceOf(BodyTooLarge);
    expect(taken()).to.be.at.most(MAX_BODY_BYTES + WAITING_BYTES);
    await uploads.gather(upload(MIB).port, signal, () => Promise.resolve());
  });

  it("leave the budget to others when they are given up, or break off", async () => {
    const uploads = new Uploads();
    const stop = new AbortController();
    const stuck = new MessageChannel();
    sendStream(
      stuck.port1,
      new ReadableStream({ start: (to) => to.enqueue(new Uint8Array(MIB)) }),
    ).catch(() => undefined);
    const waiting = failure(uploads.gather(stuck.port2, stop.signal, () => Promise.resolve()));
    const broken = upload(MIB);
    broken.port.close();
    await still([broken]);
    stop.abort(new NetworkError("off"));
    expect(await waiting).to.deep.include({ problem: "off" });
    await uploads.gather(upload(MIB).port, signal, () => Promise.resolve());

    const { port1, port2 } = new MessageChannel();
    port1.postMessage({ type: "abort" });
    const lost = await failure(uploads.gather(port2, signal, () => Promise.resolve()));
    expect(lost).to.be.instanceOf(Error);
  });
});
