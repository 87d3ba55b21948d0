/** The machine in Node, on the demo: everything that the page's can do, without a page. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FirmwareError } from "../../src/firmware/errors.js";
import type { Machine } from "../../src/host/node.js";
import { MachineError } from "../../src/machine/errors.js";
import { demo, startProgram } from "./machines.js";

let machine: Machine;
before(async () => {
  machine = await demo();
  assert.equal(machine.state, "off");
  await machine.start();
});
after(() => machine.destroy());

const sh = async (command: string) => {
  const { stdout, stderr, exitCode } = await machine.exec(command);
  assert.equal(exitCode, 0, stderr);
  return stdout.trim();
};
/** The web server may start after the shell. */
const webServer = () => sh("until wget -qO /dev/null http://127.0.0.1/; do sleep 1; done");

test("runs commands, with input, output and exit status", async () => {
  assert.equal(machine.state, "running");
  assert.match(await sh("uname -m; id -u"), /^i686\n0$/);
  const { stdout, stderr, exitCode } = await machine.exec("cat; echo told >&2; exit 7", {
    stdin: "from Node: ä\n",
  });
  assert.deepEqual([stdout, stderr, exitCode], ["from Node: ä\n", "told\n", 7]);
});

test("aborts a command when its signal does", async () => {
  const abort = new AbortController();
  const sleep = machine.exec("sleep 1000", { signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(sleep, /enough/);
});

test("fetches the router's page, whole and as a stream", async () => {
  await webServer();
  const response = await machine.fetch("/");
  assert.equal(response.status, 200);
  assert.match(await response.text(), /<html/);
  const again = await machine.fetch("/");
  assert.ok(again.body);
  let bytes = 0;
  for await (const piece of again.body) bytes += piece.length;
  assert.ok(bytes > 0);
  assert.equal((await machine.fetch("/missing")).status, 404);
});

test("connects to a port, and is refused where nothing listens", async () => {
  await webServer();
  const { readable, writable } = await machine.connect(80);
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
  const answer = await new Response(readable).text();
  assert.match(answer, /^HTTP\/1\.[01] 200 /);
  await assert.rejects(machine.connect(81), { name: "NetworkError", problem: "refused" });
});

test("shows the first console", async () => {
  const { readable, writable } = machine.console;
  const writer = writable.getWriter();
  await writer.write(new TextEncoder().encode("\necho typed-$((40 + 2))\n"));
  let text = "";
  for await (const piece of readable) {
    text += Buffer.from(piece).toString("latin1");
    if (text.includes("typed-42")) break;
  }
});

test("keeps changes in memory over a reboot, and drops them at a reset", async () => {
  await sh("echo kept >/etc/kept");
  await machine.reboot();
  assert.equal(await sh("cat /etc/kept"), "kept");
  assert.equal((await machine.storage()).durability, "memory");
  await machine.reset();
  await assert.rejects(sh("cat /etc/kept"));
});

test("keeps changes in memory while it is off", async () => {
  await sh("echo off >/etc/kept");
  await machine.powerOff();
  assert.equal(machine.state, "off");
  await assert.rejects(machine.exec("true"), MachineError);
  await machine.start();
  assert.equal(await sh("cat /etc/kept"), "off");
});

test("saves a copy of all changes, and goes on from it", async () => {
  await sh("echo copied >/etc/copied; sync");
  const copy = await machine.exportOverlay();
  await machine.reset();
  await assert.rejects(sh("cat /etc/copied"));
  await machine.importOverlay(copy);
  assert.equal(await sh("cat /etc/copied"), "copied");
  await assert.rejects(machine.importOverlay(new Blob(["something else"])), {
    name: "ArchiveError",
  });
  assert.equal(await sh("cat /etc/copied"), "copied");
});

test("captures memory and changes of one moment", async () => {
  // A router that still starts its services does not idle.
  await webServer();
  await sh("echo captured >/etc/captured; sync");
  let seen = 0;
  const { state, chunks } = await machine.capture((memory) => {
    seen = memory.length;
    return [];
  });
  assert.equal(seen, 128 * 1024 * 1024);
  assert.ok(state.byteLength > 1024 * 1024);
  const found = [...chunks.values()].some((chunk) => Buffer.from(chunk).includes("captured\n"));
  assert.equal(found, true);
  assert.equal(await sh("cat /etc/captured"), "captured");
});

test("refuses names that are none, firmware that is not there, and overlays without a folder", async () => {
  await assert.rejects(demo({ overlay: "mine" }), MachineError);
  await assert.rejects(demo({ overlay: "../mine", overlays: "/tmp" }), MachineError);
  const { createMachine } = await import("../../src/host/node.js");
  const assets = "/nowhere";
  await assert.rejects(createMachine({ firmware: "demo", assets }), FirmwareError);
  await assert.rejects(createMachine({ firmware: "../demo", assets }), MachineError);
});

test("a program ends by itself when its machine is destroyed, and not before", async () => {
  const program = startProgram("lives-on");
  assert.equal(await program.line(), "running");
  // Nothing but the machine is left to wait for here.
  assert.equal(await program.line(), "its router answered");
  assert.equal(await program.line(), "nothing is left");
  assert.equal(await program.ended(), 0);
});
