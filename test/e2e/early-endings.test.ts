/** What a router does before a shell answers: it reboots, halts or panics, and is asked things. */
import { expect, type Router, test } from "./fixtures.js";

/** Lets the router do something once, at its next boot, before its consoles have shells. */
async function atNextBoot(router: Router, what: string): Promise<void> {
  const script = `#!/bin/sh /etc/rc.common
START=11
boot() { [ -e /etc/once ] || { touch /etc/once; sync; ${what}; }; }
`;
  await router.exec("cat >/etc/init.d/again; chmod +x /etc/init.d/again", { stdin: script });
  await router.output("/etc/init.d/again enable; sync");
}

/** Calls `reboot()` and tells how it ended, which states were passed, and which errors were told. */
function reboot({ page }: Router) {
  return page.evaluate(async () => {
    const { machine } = document.querySelector("openwrt-playground")!;
    const states: string[] = [];
    const errors: string[] = [];
    machine.addEventListener("statechange", () => states.push(machine.state));
    machine.addEventListener("error", (event) => {
      errors.push((event as Event & { message: string }).message);
    });
    const end = await machine.reboot().then(
      () => "resolved",
      (error: unknown) => (error as Error).message,
    );
    const { error } = machine;
    const details = (error as { details?: readonly string[] } | undefined)?.details ?? [];
    return { end, states, errors, state: machine.state, error: error?.message, details };
  });
}

/** Names of the locks that are held on this origin, and who waits for one. */
function heldLocks({ page }: Router): Promise<string[]> {
  return page.evaluate(async () =>
    ((await navigator.locks.query()).held ?? []).map(({ name = "" }) => name),
  );
}

test("a router that reboots by itself while it boots ends running, and its overlay is held", async ({
  context,
  router,
  site,
}) => {
  await atNextBoot(router, "reboot -f");
  const { end, states, errors } = await reboot(router);
  expect({ end, states, errors }).toEqual({
    end: "resolved",
    states: ["loading", "booting", "loading", "booting", "running"],
    errors: [],
  });
  expect((await heldLocks(router)).filter((name) => name.includes("/default/"))).toHaveLength(1);
  expect(await router.output("ls /etc/once")).toBe("/etc/once");
  // Another tab cannot become a second writer.
  const other = await context.newPage();
  await other.goto(`${site}?firmware=demo`);
  await expect(other.getByRole("alert")).toContainText("already running in another tab");
});

test("a kernel panic before a shell answers is told once, with the console's last lines", async ({
  router,
}) => {
  await atNextBoot(router, "echo c >/proc/sysrq-trigger");
  const seen = await reboot(router);
  expect(seen.state).toBe("failed");
  expect(seen.errors).toHaveLength(1);
  expect(seen.error).toContain("kernel panicked");
  expect(seen.end).toContain("kernel panicked");
  expect(seen.details.join("\n")).toContain("Kernel panic - not syncing");
  expect(await heldLocks(router)).toEqual([]);
});

test("a router that powers off before a shell answers is off, and that is no fault", async ({
  router,
}) => {
  await atNextBoot(router, "poweroff -f");
  const { end, states, errors, error } = await reboot(router);
  expect({ states, errors, error }).toEqual({
    states: ["loading", "booting", "off"],
    errors: [],
    error: undefined,
  });
  expect(end).toBe("The router was switched off.");
  expect(await heldLocks(router)).toEqual([]);
});

test("what is asked of a router that loads or boots is answered when it can", async ({
  page,
  router,
}) => {
  const answers = await page.evaluate(async () => {
    const { machine } = document.querySelector("openwrt-playground")!;
    const asked: Promise<string>[] = [];
    machine.addEventListener("statechange", () => {
      if (machine.state !== "loading" && machine.state !== "booting") return;
      const { state } = machine;
      asked.push(machine.exec(`echo ${state}`).then(({ stdout }) => stdout));
      asked.push(machine.plugWan(state === "booting").then(() => "plugged"));
      asked.push(machine.exportOverlay().then(({ size }) => (size > 0 ? "copy" : "nothing")));
    });
    await machine.reboot();
    return Promise.all(asked);
  });
  expect(answers).toEqual(["loading\n", "plugged", "copy", "booting\n", "plugged", "copy"]);
  await expect
    .poll(() => router.output("cat /sys/class/net/eth1/carrier 2>/dev/null || echo 0"))
    .toBe("1");
});
