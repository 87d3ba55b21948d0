import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { VirtualClock } from "../common/virtual-clock.js";
import { failsWith, TestClient } from "./clients.js";
import { httpServer, rawServer, saying } from "./servers.js";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

describe("The HTTP client keeps connections", () => {
  it("but not those the server will close", async () => {
    await using server = await httpServer((_, response) => {
      response.setHeader("Connection", "close");
      response.end("x");
    });
    await using client = new TestClient();
    for (let n = 0; n < 5; n++) await client.text(server.port);
    assert.equal(server.connections(), 5);
  });

  it("and notices when the server closes an idle one", async () => {
    let close: () => void = () => undefined;
    await using server = await saying(OK, (socket) => (close = () => socket.end()));
    await using client = new TestClient();
    assert.equal(await client.text(server.port), "ok");
    close();
    await client.sockets.allClosed();
    assert.equal(await client.text(server.port, { method: "POST" }), "ok");
    assert.equal(server.connections(), 2);
  });

  it("and closes them when nobody uses them", async () => {
    await using server = await httpServer((_, response) => response.end("x"));
    const clock = new VirtualClock();
    await using client = new TestClient({ clock, idleTimeout: 4000 });
    await client.text(server.port);
    await clock.pass(3999);
    assert.equal(client.sockets.open.size, 1);
    await clock.pass(1);
    await client.sockets.allClosed();
  });

  it("no longer than the server says", async () => {
    await using server = await saying(
      "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n",
    );
    await using client = new TestClient();
    for (let n = 0; n < 3; n++) await client.text(server.port);
    assert.equal(server.connections(), 3);
  });

  it("and repeats what a dying one swallowed, if it may be repeated", async () => {
    let requests = 0;
    await using server = await rawServer((socket) => {
      let first = true;
      socket.on("data", () => {
        requests++;
        if (first) socket.write(OK);
        else socket.destroy();
        first = false;
      });
    });
    await using client = new TestClient();
    assert.equal(await client.text(server.port), "ok");
    assert.equal(await client.text(server.port), "ok");
    assert.deepEqual([requests, server.connections()], [3, 2]);
    await failsWith(client.text(server.port, { method: "POST" }), "reset");
    assert.equal(requests, 4);
  });

  it("and does not repeat on a new connection", async () => {
    await using server = await rawServer((socket) => socket.once("data", () => socket.end()));
    await using client = new TestClient();
    await failsWith(client.text(server.port), "reset", /before an answer came/);
    assert.equal(server.connections(), 1);
  });

  it("only clean ones: bytes after an answer end it", async () => {
    await using server = await saying(`${OK}HTTP/1.1 200 OK\r\n`);
    await using client = new TestClient();
    assert.equal(await client.text(server.port), "ok");
    assert.equal(await client.text(server.port), "ok");
    assert.equal(server.connections(), 2);
  });

  it("at most so many, and serves the others in turn", async () => {
    let [now, most] = [0, 0];
    await using server = await httpServer((_, response) => {
      most = Math.max(most, ++now);
      setImmediate(() => {
        now--;
        response.setHeader("Connection", "close");
        response.end("x");
      });
    });
    await using client = new TestClient({ connectionsPerPort: 2 });
    await Promise.all(Array.from({ length: 30 }, () => client.text(server.port)));
    assert(most <= 2, `${most} at once`);
    assert.equal(server.connections(), 30);
  });

  it("free for others while a request that was given up leaves the line", async () => {
    await using server = await httpServer((request, response) => {
      if (request.url === "/slow") response.write("begin");
      else response.end("x");
    });
    await using client = new TestClient({ connectionsPerPort: 1 });
    const slow = await client.send(server.port, { target: "/slow" });
    const giveUp = new AbortController();
    const waiting = client.send(server.port, {}, giveUp.signal);
    const patient = client.text(server.port);
    giveUp.abort();
    await assert.rejects(waiting, { name: "AbortError" });
    await slow.body!.cancel();
    assert.equal(await patient, "x");
  });
});
