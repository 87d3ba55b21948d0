import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { ConsoleWatch } from "../../src/machine/boot-watch.js";

describe("what the first console tells of a boot", () => {
  let told: string[];
  let watch: ConsoleWatch;
  const print = (text: string) => watch.receive(new TextEncoder().encode(text));

  beforeEach(() => {
    told = [];
    watch = new ConsoleWatch({
      onStage: (stage) => told.push(stage),
      onPanicLine: () => told.push("panic"),
      onFailsafe: () => told.push("failsafe"),
    });
  });

  it("is how far it is, each stage once and in its order", () => {
    print("[    0.000000] Linux version 6.12.117 (builder)\r\n");
    print("[    1.200000] init: - preinit -\r\n[    2.1] procd: - early -\r\n");
    print("[    2.4] procd: - init -\r\n[    9.1] procd: - init complete -\r\n");
    print("Linux version 6.12.117 in an old log\r\n");
    assert.deepEqual(told, ["kernel", "preinit", "services", "ready"]);
  });

  it("is read across pieces, and through colours", () => {
    for (const char of "\x1b[1;32m[    9.1] procd: - init complete -\x1b[0m\n") print(char);
    assert.deepEqual(told, ["ready"]);
  });

  it("is a suspected panic where the kernel prints one, and not in the middle of a line", () => {
    print("[   12.34567] Kernel panic - not syncing: Attempted to kill init!\n");
    print("grep: Kernel panic - not syncing: is what I look for\n");
    assert.deepEqual(told, ["panic"]);
  });

  it("is failsafe, in the words of OpenWrt's preinit", () => {
    print("Press the [f] key and hit [enter] to enter failsafe mode\r\n");
    print("to leave - failsafe - reboot\r\n");
    assert.deepEqual(told, []);
    print("- failsafe -\r\n");
    assert.deepEqual(told, ["failsafe"]);
  });

  it("is bounded, whatever a router prints", () => {
    print("x".repeat(100_000));
    print("\n");
    for (let line = 0; line < 1000; line++) print(`line ${line}\n\n`);
    assert.deepEqual(told, []);
    assert.ok(watch.lastLines.length <= 20);
    assert.equal(watch.lastLines.at(-1), "line 999");
  });
});
