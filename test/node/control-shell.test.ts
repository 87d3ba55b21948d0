import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Boot } from "../../src/machine/boot.js";
import type { ControlShell } from "../../src/machine/control-shell.js";
import { MachineError } from "../../src/machine/errors.js";
import { LANES } from "../../src/machine/serial-layout.js";
import { eventually, md5, type Router, startRouter } from "./booted-router.js";

const TIMEOUT = 600_000;

describe("the control shell of a router", { timeout: TIMEOUT }, () => {
  let router: Router;
  let boot: Boot;
  let shell: ControlShell;

  const stdout = async (command: string) => (await shell.exec(command)).stdout;
  /** How many processes have this in their command line; written so that the one that looks has not. */
  const running = async (text: string) =>
    Number(await stdout(`ps | grep -c '[${text.slice(0, 1)}]${text.slice(1)}' || true`));

  before(async () => {
    router = await startRouter();
    ({ boot } = router);
    ({ shell } = boot);
    // The time of a call counts from the call, also while there is no shell.
    await assert.rejects(shell.exec("true", { timeout: 10 }), { name: "TimeoutError" });
    await router.shell;
  });
  after(() => router.end());

  it("gives output, errors and the exit status apart", async () => {
    assert.deepEqual(await shell.exec("echo out; echo err >&2; exit 7"), {
      stdout: "out\n",
      stderr: "err\n",
      exitCode: 7,
    });
  });

  it("gives all text as it is", async () => {
    const { stdout } = await shell.exec(
      `printf '%s' "it's" '"' '$HOME' 'ä€😀'; printf 'a\\r\\nb\\tc\\n\\036d\\0e\\357\\273\\277'`,
    );
    assert.equal(stdout, "it's\"$HOMEä€😀a\r\nb\tc\n\x1ed\0e\ufeff");
  });

  it("gives each command a shell of its own, with an empty input and nothing of the host's", async () => {
    const [own, ...rest] = (
      await stdout("cat; echo $$; ls /proc/$$/fd; exec readlink /proc/self")
    ).split("\n");
    assert.deepEqual(rest, ["0", "1", "2", own, ""]);
    const held = await stdout("for fd in /proc/$$/fd/* /proc/$PPID/fd/*; do readlink $fd; done");
    assert.doesNotMatch(held, /vport1p1\n/);
  });

  it("knows every exit status exactly", async () => {
    for (const status of [0, 1, 5, 64, 127, 128, 129, 130, 137, 143, 255])
      assert.equal((await shell.exec(`exit ${status}`)).exitCode, status);
    assert.equal((await shell.exec("no-such-program")).exitCode, 127);
    assert.equal((await shell.exec("if then")).exitCode, 2);
  });

  it("runs long scripts", async () => {
    const long = `x=0\nfor i in 1 2 3; do\n  x=$((x + i))\ndone\n# ${"long ".repeat(20_000)}\necho $x $#; exit 5`;
    assert.deepEqual(await shell.exec(long), { stdout: "6 0\n", stderr: "", exitCode: 5 });
    const quoted = `printf %s '${"äé".repeat(20_000)}' | md5sum; cat; exit 3`;
    const { stdout: sum, exitCode } = await shell.exec(quoted, { stdin: "input" });
    assert.equal(sum, `${md5("äé".repeat(20_000))}  -\ninput`);
    assert.equal(exitCode, 3);
  });

  it("names the signal that killed a command, and goes on", async () => {
    await assert.rejects(shell.exec("kill -9 $$"), /killed by a signal: Killed/);
    await assert.rejects(shell.exec("kill -TERM $$"), /killed by a signal: Terminated/);
    assert.equal(await shell.spawn("kill -9 $$").exited, 137);
    assert.equal(await stdout("echo next"), "next\n");
  });

  it("does not wait for what a command leaves behind", async () => {
    assert.equal(await stdout("sleep 1001 & echo now"), "now\n");
    assert.equal(await running("sleep 1001"), 1);
    await shell.exec("killall sleep");
  });

  it("runs commands side by side, more than there are lanes", async () => {
    const long = shell.exec("sleep 1002").catch(String);
    const all = Array.from({ length: 2 * LANES }, (_, n) => stdout(`sleep 1; echo ${n}`));
    assert.deepEqual(
      await Promise.all(all),
      all.map((_, n) => `${n}\n`),
    );
    await shell.exec("killall sleep");
    assert.match((await long) as string, /Terminated/);
  });

  it("streams to and from many at once", async () => {
    const processes = Array.from({ length: 20 }, () => shell.spawn("cat; exit 4"));
    for (const [number, { stdin, stdout, exited }] of processes.entries()) {
      const writer = stdin.getWriter();
      const reader = stdout.getReader();
      await writer.write(new TextEncoder().encode(`to ${number}`));
      assert.equal(new TextDecoder().decode((await reader.read()).value), `to ${number}`);
      await writer.close();
      assert.equal((await reader.read()).done, true);
      assert.equal(await exited, 4);
    }
  });

  it("sends input of some MiB byte for byte, and does not mind who reads none of it", async () => {
    const input = "\0ä\r\n".repeat(600_000);
    const { stdout: sum } = await shell.exec("md5sum", { stdin: input });
    assert.equal(sum, `${md5(input)}  -\n`);
    const { stdout: head } = await shell.exec("head -c 2", { stdin: "x".repeat(3_000_000) });
    assert.equal(head, "xx");
    assert.equal((await shell.exec("exit 6", { stdin: "x".repeat(3_000_000) })).exitCode, 6);
  });

  it("gives 4 MiB of output", async () => {
    const { stdout } = await shell.exec("dd if=/dev/zero bs=64k count=64 2>/dev/null");
    assert.equal(stdout.length, 4 * 1024 * 1024);
  });

  it("stops a command that prints too much", async () => {
    await assert.rejects(
      shell.exec("dd if=/dev/zero bs=64k; sleep 1003"),
      /printed more than 16 MiB and was stopped/,
    );
    await eventually(async () => (await running("sleep 1003")) === 0);
  });

  it("holds back a command that nobody reads", async () => {
    const { stdout: stream, exited } = shell.spawn(
      "dd if=/dev/zero bs=64k count=400 2>/dev/null; touch /tmp/written",
    );
    await shell.exec("sleep 2");
    assert.equal((await shell.exec("[ -e /tmp/written ]")).exitCode, 1);
    let bytes = 0;
    for await (const part of stream as unknown as AsyncIterable<Uint8Array>) bytes += part.length;
    assert.equal(bytes, 400 * 65536);
    assert.equal(await exited, 0);
  });

  it("loses nothing of a file that is read slowly", async () => {
    await shell.exec("dd if=/dev/urandom of=/tmp/data bs=10000 count=300 2>/dev/null");
    const sum = await stdout("md5sum </tmp/data");
    const { stdout: stream } = shell.spawn("cat /tmp/data; rm /tmp/data");
    const parts: Uint8Array[] = [];
    for await (const part of stream as unknown as AsyncIterable<Uint8Array>) {
      parts.push(part);
      if (parts.length % 8 === 0) await shell.exec("true");
    }
    assert.equal(`${md5(Buffer.concat(parts))}  -\n`, sum);
  });

  it("gives whoever prints for nobody an error", async () => {
    const { stdout, exited } = shell.spawn("yes");
    const reader = stdout.getReader();
    await reader.read();
    await reader.cancel();
    assert.notEqual(await exited, 0);
  });

  it("signals a command and what it started", async () => {
    const asleep = shell.spawn("sleep 1004");
    await asleep.kill("SIGINT");
    assert.equal(await asleep.exited, 130);
    const careful = shell.spawn(
      "trap 'echo bye; exit 4' TERM; echo ready; while :; do sleep 1; done",
    );
    const reader = careful.stdout.getReader();
    await reader.read();
    await careful.kill();
    assert.equal(await careful.exited, 4);
    assert.equal(new TextDecoder().decode((await reader.read()).value), "bye\n");
    const two = shell.spawn("sleep 1005 & sleep 1005");
    await eventually(async () => (await running("sleep 1005")) === 2);
    await two.kill("KILL");
    assert.equal(await two.exited, 137);
    await eventually(async () => (await running("sleep 1005")) === 0);
    await assert.rejects(shell.spawn("true").kill("TERM; reboot"), MachineError);
  });

  it("ends a command whose time is over, with all that it started", async () => {
    const stubborn =
      "(trap '' TERM; sleep 1006; sleep 1006) & trap '' TERM; sleep 1006; sleep 1006";
    await assert.rejects(shell.exec(stubborn, { timeout: 500 }), { name: "TimeoutError" });
    await eventually(async () => (await running("sleep 1006")) === 0);
    await assert.rejects(shell.exec("while :; do :; done", { signal: AbortSignal.timeout(300) }), {
      name: "TimeoutError",
    });
    const reason = new Error("no more");
    await assert.rejects(shell.exec("true", { signal: AbortSignal.abort(reason) }), reason);
    assert.equal(await stdout("echo next"), "next\n");
  });

  it("takes the output from what commands left behind when nothing else is free", async () => {
    for (let n = 0; n < LANES + 4; n++)
      assert.equal(await stdout(`sleep 1007 & echo ${n}`), `${n}\n`);
    assert.equal(await running("sleep 1007"), LANES + 4);
    assert.equal((await shell.exec("killall sleep; cat", { stdin: "in" })).stdout, "in");
  });

  it("answers with a full /tmp", async () => {
    await shell.exec("dd if=/dev/zero of=/tmp/fill bs=64k; echo x >>/tmp/fill");
    assert.notEqual((await shell.exec("echo x >/tmp/more")).exitCode, 0);
    assert.equal((await shell.exec("false")).exitCode, 1);
    assert.equal((await shell.exec(`# ${"long ".repeat(1000)}\nexit 5`)).exitCode, 5);
    assert.equal((await shell.exec("cat", { stdin: "data" })).stdout, "data");
    await shell.exec("rm /tmp/fill");
  });

  it("leaves no files", async () => {
    assert.equal(await stdout("ls -a /tmp /root | grep -i playground; find /dev -type f"), "");
  });

  it("begins again when somebody killed it; what runs goes on", async () => {
    const goesOn = shell.spawn("sleep 2; echo done; exit 3");
    const text = goesOn.stdout.getReader().read();
    await eventually(async () => (await running("sleep 2; echo")) > 0);
    const killed = await stdout(
      `for p in /proc/[0-9]*; do [ "$(readlink $p/fd/0)" = /dev/vport1p1 ] && kill -9 \${p##*/} && echo killed; done`,
    ).catch(String);
    assert.match(killed, /killed/);
    assert.equal(await stdout("echo next"), "next\n");
    assert.equal(await goesOn.exited, 3);
    assert.equal(new TextDecoder().decode((await text).value), "done\n");
  });

  it("rejects what was killed with it", async () => {
    const pending = [shell.exec("sleep 1008"), shell.exec("sleep 1008; true")].map((call) =>
      call.catch((error: unknown) => error),
    );
    await eventually(async () => (await running("sleep 1008")) >= 2);
    await shell.exec("killall -9 sh ash sleep").catch(() => undefined);
    for (const error of await Promise.all(pending)) assert.ok(error instanceof MachineError);
    assert.equal(await stdout("echo next"), "next\n");
  });

  it("tells what is pending that the router went off", async () => {
    const pending = [shell.exec("sleep 1009"), shell.status("sleep 1009")];
    const spawned = shell.spawn("cat");
    await stdout("true");
    shell.end(new MachineError("The router was switched off."));
    for (const call of [...pending, spawned.exited, shell.exec("true"), shell.status("true")])
      await assert.rejects(call, /switched off/);
    await assert.rejects(spawned.stdout.getReader().read(), /switched off/);
  });
});
