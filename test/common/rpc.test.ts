import { strict as assert } from "node:assert";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { MessageChannel as NodeChannel, Worker } from "node:worker_threads";
import { build } from "esbuild";
import fc from "fast-check";
import type { Bytes } from "../../src/common/bytes.js";
import { deferred } from "../../src/common/deferred.js";
import { type Endpoint, nodeEndpoint, webEndpoint } from "../../src/common/endpoint.js";
import { caller, type Handlers, type Remote, serve, type Served } from "../../src/common/rpc.js";
import { NetworkError } from "../../src/network/errors.js";
import { type Calls, codec, type Events, handlers, serveExample } from "./example-calls.js";
import { quiet, until } from "./turns.js";

interface Both extends Disposable {
  readonly remote: Remote<Calls, Events>;
  readonly served: Served<Events>;
  /** of the end that serves, and of the end that calls */
  readonly ports: [MessagePort, MessagePort];
}

function both(given: Handlers<Calls> | Promise<Handlers<Calls>> = handlers()): Both {
  const { port1, port2 } = new MessageChannel();
  return {
    served: serve<Calls, Events>(webEndpoint(port1), given, codec),
    remote: caller<Calls, Events>(webEndpoint(port2), codec),
    ports: [port1, port2],
    [Symbol.dispose]: () => port1.close(),
  };
}

describe("A call", () => {
  it("is answered with what its handler gives, at once or later", async () => {
    using pair = both(handlers({ save: () => Promise.resolve() }));
    const { remote } = pair;
    const answer: { stdout: string } = await remote.call("exec", { command: "ls", timeout: 5 });
    assert.deepEqual(answer, { stdout: "ran ls" });
    assert.equal(await remote.call("save"), undefined);
  });

  it("is checked by its type", () => {
    using pair = both();
    const { remote } = pair;
    const never = (): unknown[] => [
      // @ts-expect-error -- no such call
      remote.call("reboot"),
      // @ts-expect-error -- the question is missing
      remote.call("exec"),
      // @ts-expect-error -- another question
      remote.call("exec", { command: 1 }),
      // @ts-expect-error -- asks nothing
      remote.call("save", 1),
      // @ts-expect-error -- no such event
      remote.on("input", () => undefined),
      // @ts-expect-error -- another detail
      pair.served.emit("stage", 1),
      // @ts-expect-error -- one handler is missing
      serve<Calls>(webEndpoint(pair.ports[0]), { save: () => undefined }),
      // @ts-expect-error -- another answer
      handlers({ exec: () => ({ stdout: 1 }) }),
    ];
    assert.equal(never.length, 0);
  });

  it("goes on beside others, and each gets its own answer", async () => {
    const gates = new Map<string, () => void>();
    using pair = both(
      handlers({
        exec: async ({ command }) => {
          await new Promise<void>((resolve) => gates.set(command, resolve));
          return { stdout: command };
        },
      }),
    );
    const calls = ["a", "b", "c"].map((command) => pair.remote.call("exec", { command }));
    await until(() => gates.size === 3);
    for (const command of ["c", "a", "b"]) gates.get(command)?.();
    const answers = await Promise.all(calls);
    assert.deepEqual(
      answers.map(({ stdout }) => stdout),
      ["a", "b", "c"],
    );
  });

  it("hands over memory and ports, in the question and in the answer", async () => {
    using pair = both();
    const bytes = new Uint8Array([1, 2, 3]);
    const back = await pair.remote.call("echo", bytes, { transfer: [bytes.buffer] });
    assert.deepEqual([back, bytes.length], [new Uint8Array([1, 2, 3]), 0]);
    const port = await pair.remote.call("port");
    port.postMessage("ping");
    const pong = await new Promise((resolve) => {
      port.onmessage = ({ data }: MessageEvent<unknown>) => resolve(data);
    });
    assert.equal(pong, "pong");
  });

  it("fails with an error of the class that its handler threw", async () => {
    using pair = both();
    await assert.rejects(pair.remote.call("fail", { with: "NetworkError" }), (error) => {
      assert(error instanceof NetworkError);
      assert.deepEqual([error.problem, error.detail], ["refused", "port 81"]);
      return true;
    });
    await assert.rejects(pair.remote.call("fail", { with: "what" }), TypeError);
  });

  it("fails when its question or its answer cannot be posted", async () => {
    using pair = both(handlers({ exec: () => ({ stdout: (() => "") as unknown as string }) }));
    const bad = { command: (() => "") as unknown as string };
    await assert.rejects(pair.remote.call("exec", bad), { name: "DataCloneError" });
    await assert.rejects(pair.remote.call("exec", { command: "" }), { name: "DataCloneError" });
    await pair.remote.call("save");
  });

  it("of no handler is refused, also of names that every object has", async () => {
    using pair = both();
    const remote = pair.remote as unknown as Remote<Record<string, () => void>, Events>;
    for (const name of ["reboot", "constructor", "toString", "__proto__", "hasOwnProperty"])
      await assert.rejects(remote.call(name), { name: "TypeError", message: /no call/ });
    class Machine {
      save = () => undefined;
      secret(): string {
        return "secret";
      }
    }
    using other = both(new Machine() as unknown as Handlers<Calls>);
    await other.remote.call("save");
    await assert.rejects(
      (other.remote as unknown as typeof remote).call("secret"),
      /There is no call "secret"/,
    );
  });
});

describe("Calls before the handlers are there", () => {
  it("wait, and begin in their order", async () => {
    const ready = deferred<Handlers<Calls>>();
    using pair = both(ready.promise);
    const begun: string[] = [];
    const exec = ({ command }: { command: string }) => {
      begun.push(command);
      return { stdout: command };
    };
    const early = ["a", "b", "c"].map((command) => pair.remote.call("exec", { command }));
    await quiet();
    assert.deepEqual(begun, []);
    const late = pair.remote.call("exec", { command: "d" });
    ready.resolve(handlers({ exec }));
    await Promise.all([...early, late]);
    assert.deepEqual(begun, ["a", "b", "c", "d"]);
  });

  it("do not begin when they were given up", async () => {
    const ready = deferred<Handlers<Calls>>();
    using pair = both(ready.promise);
    let begun = 0;
    const stop = new AbortController();
    const waiting = pair.remote.call("exec", { command: "a" }, { signal: stop.signal });
    await quiet();
    stop.abort();
    await assert.rejects(waiting, { name: "AbortError" });
    await quiet();
    ready.resolve(handlers({ exec: () => ({ stdout: String(++begun) }) }));
    await pair.remote.call("save");
    assert.equal(begun, 0);
  });

  it("fail when there will be none", async () => {
    const ready = deferred<Handlers<Calls>>();
    using pair = both(ready.promise);
    const early = pair.remote.call("save");
    ready.reject(new NetworkError("off"));
    await assert.rejects(early, NetworkError);
    await assert.rejects(pair.remote.call("save"), NetworkError);
  });
});

describe("A call that is given up", () => {
  it("rejects at once with the reason, and its handler's signal aborts with it", async () => {
    const begun = deferred<AbortSignal>();
    using pair = both(
      handlers({
        wait: (_, signal) => {
          begun.resolve(signal);
          return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
        },
      }),
    );
    const stop = new AbortController();
    const waiting = pair.remote.call("wait", undefined, { signal: stop.signal });
    const signal = await begun.promise;
    const reason = new NetworkError("timeout", "enough");
    stop.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
    await until(() => signal.aborted);
    assert(signal.reason instanceof NetworkError && signal.reason.detail === "enough");
    assert.equal(getEventListeners(stop.signal, "abort").length, 0);
  });

  it("is not even posted when it was before", async () => {
    let begun = 0;
    using pair = both(
      handlers({
        save: () => {
          begun++;
        },
      }),
    );
    const call = pair.remote.call("save", undefined, { signal: AbortSignal.abort() });
    await assert.rejects(call, { name: "AbortError" });
    await quiet();
    assert.equal(begun, 0);
  });

  it("in the moment of its answer ends as what came first", async () => {
    const sent: { id: number }[] = [];
    let receive: (message: unknown) => void = () => undefined;
    const remote = caller<Calls>({
      post: (message) => void sent.push(message as { id: number }),
      onMessage: (deliver) => (receive = deliver),
    });
    for (const isFirst of [true, false]) {
      const stop = new AbortController();
      const call = remote.call("exec", { command: "a" }, { signal: stop.signal });
      const answer = { type: "answer", id: sent.at(-1)!.id, value: { stdout: "a" } };
      if (isFirst) receive(answer);
      stop.abort();
      if (!isFirst) receive(answer);
      if (isFirst) assert.deepEqual(await call, { stdout: "a" });
      else await assert.rejects(call, { name: "AbortError" });
      receive(answer);
    }
  });
});

describe("An event", () => {
  it("reaches everybody who listens, in its order, until they do not", async () => {
    using pair = both();
    const { remote, served } = pair;
    const heard: unknown[] = [];
    const end = remote.on("stage", (stage) => heard.push(stage));
    remote.on("output", (bytes: Bytes) => heard.push(bytes.length));
    remote.on("ended", () => heard.push("ended"));
    remote.on("stage", (stage) => heard.push(stage.length));
    const bytes = new Uint8Array(9);
    served.emit("stage", "kernel");
    served.emit("output", bytes, [bytes.buffer]);
    served.emit("ended");
    await remote.call("save");
    assert.deepEqual([heard, bytes.length], [["kernel", 6, 9, "ended"], 0]);
    end();
    served.emit("stage", "up");
    await remote.call("save");
    assert.deepEqual(heard.slice(4), [2]);
  });
});

describe("The end", () => {
  it("of the caller rejects all calls, and nothing is heard after it", async () => {
    using pair = both();
    const { remote, served } = pair;
    let heard = 0;
    remote.on("stage", () => heard++);
    const reason = new NetworkError("off");
    const waiting = remote.call("wait");
    const answered = remote.call("save");
    served.emit("stage", "up");
    remote.close(reason);
    remote.close(new Error("again"));
    for (const call of [waiting, answered, remote.call("save")])
      await assert.rejects(call, (error) => error === reason);
    await quiet();
    assert.equal(heard, 0);
  });

  it("of the server answers all calls with its reason, and aborts what they began", async () => {
    const begun = deferred<AbortSignal>();
    using pair = both(
      handlers({
        wait: (_, signal) => {
          begun.resolve(signal);
          return new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => reject(new Error("not this one")));
          });
        },
      }),
    );
    const { remote, served } = pair;
    let heard = 0;
    remote.on("stage", () => heard++);
    const waiting = remote.call("wait");
    const signal = await begun.promise;
    served.close(new NetworkError("off"));
    served.emit("stage", "up");
    for (const call of [waiting, remote.call("save")]) await assert.rejects(call, NetworkError);
    assert.deepEqual([signal.aborted, heard], [true, 0]);
  });
});

describe("Messages that are none of ours", () => {
  it("are passed over by both ends, and the calls go on", async () => {
    const nonsense = fc.oneof(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true }),
      fc.record(
        {
          type: fc.constantFrom("call", "abort", "answer", "failure", "event", "other"),
          id: fc.oneof(fc.integer({ min: 1000 }), fc.anything()),
          name: fc.oneof(fc.constantFrom("constructor", "nothing"), fc.anything()),
          failure: fc.anything(),
        },
        { requiredKeys: [] },
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(nonsense), async (messages) => {
        using pair = both();
        let heard = 0;
        pair.remote.on("stage", () => heard++);
        for (const message of messages)
          for (const port of pair.ports)
            try {
              port.postMessage(message);
            } catch {
              // It cannot even be posted.
            }
        assert.deepEqual(await pair.remote.call("exec", { command: "a" }), { stdout: "ran a" });
        assert.equal(heard, 0);
      }),
      { numRuns: 300 },
    );
  });

  it("do not begin a call twice under one number", async () => {
    let begun = 0;
    using pair = both(
      handlers({
        wait: () => {
          begun++;
          return new Promise(() => undefined);
        },
      }),
    );
    for (let time = 0; time < 2; time++)
      pair.ports[1].postMessage({ type: "call", id: 5, name: "wait" });
    await pair.remote.call("save");
    assert.equal(begun, 1);
  });
});

describe("Node's own ports and workers", () => {
  async function works(endpoint: Endpoint): Promise<void> {
    const remote = caller<Calls, Events>(endpoint, codec);
    const stage = deferred<string>();
    remote.on("stage", (name) => stage.resolve(name));
    assert.deepEqual(await remote.call("exec", { command: "a" }), { stdout: "ran a" });
    const bytes = new Uint8Array(4);
    assert.equal((await remote.call("echo", bytes, { transfer: [bytes.buffer] })).length, 4);
    assert.equal(await stage.promise, "up");
    await assert.rejects(remote.call("fail", { with: "NetworkError" }), NetworkError);
  }

  it("carry calls over a port", async () => {
    const { port1, port2 } = new NodeChannel();
    serveExample(nodeEndpoint(port1));
    await works(nodeEndpoint(port2));
    port1.close();
  });

  it("carry calls to a worker", async () => {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL("./rpc-node-worker.ts", import.meta.url))],
      bundle: true,
      platform: "node",
      write: false,
    });
    const worker = new Worker(outputFiles[0]!.text, { eval: true });
    try {
      await works(nodeEndpoint(worker));
    } finally {
      await worker.terminate();
    }
  });
});
