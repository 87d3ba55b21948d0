import { expect } from "@esm-bundle/chai";
import { NetworkError } from "../../src/network/errors.js";
import type { HttpExchange } from "../../src/network/http-message.js";
import { serverAnswers, untilServerAnswers } from "../../src/web-pane/server-probe.js";
import { VirtualClock } from "../common/virtual-clock.js";

const { signal } = new AbortController();
const answer = { status: 404, statusText: "", headers: [], body: null };
const refused = () => Promise.reject(new NetworkError("refused"));
/** Takes the request and says nothing until it is given up. */
const silent: HttpExchange = (_, limit) =>
  new Promise((_resolve, reject) =>
    limit.addEventListener("abort", () => reject(limit.reason as Error)),
  );

describe("a web server", () => {
  it("answers with whatever it says, HTTP or not", async () => {
    expect(await serverAnswers(() => Promise.resolve(answer), signal)).to.equal(true);
    const nonsense = () => Promise.reject(new NetworkError("protocol"));
    expect(await serverAnswers(nonsense, signal)).to.equal(true);
    expect(await serverAnswers(refused, signal)).to.equal(false);
  });

  it("does not when it is silent for ten seconds", async () => {
    const clock = new VirtualClock();
    expect(await clock.until(serverAnswers(silent, signal, clock))).to.equal(false);
    expect(clock.now()).to.equal(10_000);
  });

  it("is asked again, ever more seldom, until it answers", async () => {
    const clock = new VirtualClock();
    const asked: number[] = [];
    const exchange = () => {
      asked.push(clock.now());
      return asked.length < 11 ? refused() : Promise.resolve(answer);
    };
    expect(await clock.until(untilServerAnswers(exchange, signal, clock))).to.equal(true);
    const pauses = asked.slice(1).map((time, at) => time - (asked[at] ?? 0));
    expect(pauses[0]).to.equal(250);
    expect(pauses.at(-1)).to.equal(4000);
    for (const [at, pause] of pauses.entries())
      expect(pause).to.be.at.most((pauses[at - 1] ?? 250) * 1.5);
  });

  it("is asked no more when nobody wants to know, and no timer is left", async () => {
    const clock = new VirtualClock();
    for (const exchange of [silent, refused]) {
      const stop = new AbortController();
      const asking = untilServerAnswers(exchange, stop.signal, clock);
      await clock.pass(100);
      stop.abort();
      expect(await asking).to.equal(false);
      expect(clock.pending).to.equal(0);
    }
  });
});
