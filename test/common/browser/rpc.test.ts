/** What differs between Node and a browser: workers, and what can be handed over. */
import { assert } from "@esm-bundle/chai";
import { webEndpoint } from "../../../src/common/endpoint.js";
import { caller, type Remote } from "../../../src/common/rpc.js";
import { NetworkError } from "../../../src/network/errors.js";
import { type Calls, codec, type Events } from "../example-calls.js";

describe("Calls to a worker", () => {
  let worker: Worker;
  let remote: Remote<Calls, Events>;

  beforeEach(() => {
    worker = new Worker(new URL("./rpc-worker.ts", import.meta.url), { type: "module" });
    remote = caller<Calls, Events>(webEndpoint(worker), codec);
  });
  afterEach(() => worker.terminate());

  const failure = (call: Promise<unknown>) =>
    call.then(
      () => assert.fail("did not fail"),
      (error: unknown) => error,
    );

  it("are answered, and its events are heard", async () => {
    const stage = new Promise((resolve) => remote.on("stage", resolve));
    assert.deepEqual(await remote.call("exec", { command: "ls" }), { stdout: "ran ls" });
    assert.equal(await stage, "up");
  });

  it("hand over memory and ports", async () => {
    const bytes = new Uint8Array(1 << 20);
    const back = await remote.call("echo", bytes, { transfer: [bytes.buffer] });
    assert.deepEqual([back.length, bytes.length], [1 << 20, 0]);
    const port = await remote.call("port");
    const pong = new Promise((resolve) => {
      port.onmessage = ({ data }: MessageEvent<unknown>) => resolve(data);
    });
    port.postMessage("ping");
    assert.equal(await pong, "pong");
  });

  it("fail with the handler's error, can be given up, and end with the worker", async () => {
    const refused = await failure(remote.call("fail", { with: "NetworkError" }));
    assert.isTrue(refused instanceof NetworkError && refused.problem === "refused");
    const late = remote.call("wait", undefined, { signal: AbortSignal.timeout(1) });
    assert.equal(((await failure(late)) as Error).name, "TimeoutError");
    const waiting = remote.call("wait");
    worker.terminate();
    const off = new NetworkError("off");
    remote.close(off);
    assert.equal(await failure(waiting), off);
  });
});
