/** Machines whose changes are stored in a folder: over destroys, in other programs, and only one at a time. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { StorageError } from "../../src/disk/errors.js";
import { demo, makeFolder, startProgram } from "./machines.js";

const OVERLAY = "mine";

/** The file of the one overlay in a folder. */
function logIn(overlays: string): string {
  const [firmware = ""] = readdirSync(join(overlays, OVERLAY));
  return join(overlays, OVERLAY, firmware, "log");
}

test("keeps what was synced for another program, and for the same one", async () => {
  const overlays = makeFolder();
  await using machine = await demo({ overlay: OVERLAY, overlays });
  await machine.start();
  await machine.exec("echo first >/etc/kept; sync");
  const { durability, chunks } = await machine.storage();
  assert.equal(durability, "strict");
  assert.ok(chunks > 0);
  await machine.destroy();

  const program = startProgram(
    "exec",
    overlays,
    OVERLAY,
    "cat /etc/kept; echo second >>/etc/kept; sync",
  );
  assert.equal(await program.line(), "first");
  assert.equal(await program.ended(), 0);

  await using again = await demo({ overlay: OVERLAY, overlays });
  // Also without being switched on.
  assert.ok((await again.storage()).chunks >= chunks);
  await again.start();
  assert.equal((await again.exec("cat /etc/kept")).stdout, "first\nsecond\n");
  const copy = await again.exportOverlay();
  await again.reset();
  assert.notEqual((await again.exec("cat /etc/kept")).exitCode, 0);
  await again.powerOff();
  await again.importOverlay(copy);
  await again.start();
  assert.equal((await again.exec("cat /etc/kept")).stdout, "first\nsecond\n");
});

test("a second machine on the same overlay is refused, in this program and in others", async () => {
  const overlays = makeFolder();
  await using machine = await demo({ overlay: OVERLAY, overlays });
  await machine.start();

  await using second = await demo({ overlay: OVERLAY, overlays });
  await assert.rejects(second.start(), { name: "OverlayBusyError", problem: "in-use" });
  assert.equal(second.state, "failed");
  assert.equal(second.holder?.title, `process ${process.pid}`);
  // Nobody can be asked to let go.
  await assert.rejects(second.takeOver(), { problem: "in-use" });
  assert.equal(machine.state, "running");

  const program = startProgram("exec", overlays, OVERLAY, "true");
  assert.equal(await program.line(), "StorageError: in-use");
  assert.equal(await program.ended(), 1);

  await using other = await demo({ overlay: "other", overlays });
  await other.start();
  assert.equal(other.state, "running");

  await second.startWithoutSaving();
  await second.exec("echo elsewhere >/etc/elsewhere; sync");
  assert.equal((await second.storage()).durability, "memory");
  await second.powerOff();
  await machine.destroy();
  await second.takeOver();
  assert.notEqual((await second.exec("cat /etc/elsewhere")).exitCode, 0);
});

test("refuses what is damaged, until it is reset", async () => {
  const overlays = makeFolder();
  await using machine = await demo({ overlay: OVERLAY, overlays });
  await machine.start();
  await machine.exec("echo x >/etc/x; sync");
  await machine.powerOff();
  const log = logIn(overlays);
  const bytes = readFileSync(log);
  bytes[4100] = (bytes[4100] ?? 0) ^ 1;
  writeFileSync(log, bytes);

  await assert.rejects(machine.storage(), StorageError);
  await assert.rejects(machine.start(), { name: "StorageError", problem: "damaged" });
  assert.deepEqual(readFileSync(log), bytes);
  await machine.reset();
  assert.equal((await machine.exec("echo y >/etc/y; sync; cat /etc/y")).stdout, "y\n");
  assert.equal((await machine.storage()).durability, "strict");
});

test("an overlay is free when its machine was destroyed, at any moment", async () => {
  const overlays = makeFolder();
  const locks = () =>
    readdirSync(overlays, { recursive: true }).filter((path) => String(path).includes("lock-"));
  for (const moment of ["loading", "booting", "running"]) {
    await using machine = await demo({ overlay: OVERLAY, overlays });
    const reached = new Promise<void>((resolve) =>
      machine.addEventListener("statechange", () => {
        if (machine.state === moment) resolve();
      }),
    );
    const start = machine.start();
    start.catch(() => undefined);
    await reached;
    assert.equal(locks().length, moment === "loading" ? 0 : 1);
    await machine.destroy();
    assert.deepEqual(locks(), []);
  }
});
