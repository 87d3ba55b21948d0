import { expect, test } from "./fixtures.js";

test("exec gives output, errors and the exit status apart, and handles any text", async ({
  page,
  router,
}) => {
  await test.step("stdout, stderr, exit code", async () => {
    expect(await router.exec("echo out; echo err >&2; exit 7")).toEqual({
      stdout: "out\n",
      stderr: "err\n",
      exitCode: 7,
    });
  });
  await test.step("quotes, line ends, control characters and UTF-8 come back as they are", async () => {
    expect((await router.exec(`printf '%s' "it's" '"' '$HOME' 'ä€😀'`)).stdout).toBe(
      `it's"$HOMEä€😀`,
    );
    expect((await router.exec(`printf 'a\\r\\nb\\tc\\n\\036d'`)).stdout).toBe("a\r\nb\tc\n\x1ed");
  });
  await test.step("a script of many lines", async () => {
    const script = `x=0\nfor i in 1 2 3; do\n  x=$((x + i))\ndone\n# ${"long ".repeat(300)}\necho $x`;
    expect((await router.exec(script)).stdout).toBe("6\n");
  });
  await test.step("standard input, empty without it", async () => {
    const stdin = `  spaces\tand\\backslashes %s 'quotes' $x *\nü\n\n${"x".repeat(5000)}\n no end`;
    expect((await router.exec("cat", { stdin })).stdout).toBe(stdin);
    expect((await router.exec("cat")).stdout).toBe("");
  });
  await test.step("a log with the console's own words does not confuse it", async () => {
    const text = "Please press Enter to activate this console.";
    expect((await router.exec(`echo '${text}'; echo after`)).stdout).toBe(`${text}\nafter\n`);
  });
  await test.step("large output", async () => {
    const { stdout } = await router.exec("seq 1 30000");
    expect(stdout.split("\n").length).toBe(30_001);
  });
  await test.step("commands asked for at once run one after the other", async () => {
    const results = await Promise.all([1, 2, 3, 4].map((n) => router.exec(`echo ${n}`)));
    expect(results.map(({ stdout }) => stdout)).toEqual(["1\n", "2\n", "3\n", "4\n"]);
  });
  await test.step("a timeout interrupts the command and the next one works", async () => {
    await expect(router.exec("sleep 60", { timeout: 500 })).rejects.toThrow(/timed? ?out/i);
    expect(await router.output("echo next; pgrep sleep || true")).toBe("next");
  });
  await test.step("a command that ignores the interrupt is stopped as well", async () => {
    await expect(router.exec("trap '' INT; while :; do :; done", { timeout: 500 })).rejects.toThrow(
      /timed? ?out/i,
    );
    expect(await router.output("echo next")).toBe("next");
  });
  await test.step("an abort interrupts the command", async () => {
    const name = await page.evaluate(async () => {
      const abort = new AbortController();
      setTimeout(() => abort.abort(), 300);
      const { machine } = document.querySelector("openwrt-playground")!;
      return machine
        .exec("sleep 60", { signal: abort.signal })
        .catch((error: unknown) => (error as Error).name);
    });
    expect(name).toBe("AbortError");
    expect(await router.output("echo next")).toBe("next");
  });
});

test("the console's streams carry bytes both ways, also across a reboot", async ({
  router: { page },
}) => {
  const text = await page.evaluate(async () => {
    const { machine } = document.querySelector("openwrt-playground")!;
    const { readable, writable } = machine.console;
    const reader = readable.pipeThrough(new TextDecoderStream() as never).getReader();
    const until = async (mark: RegExp) => {
      let seen = "";
      while (!mark.test(seen)) {
        const { value, done } = (await reader.read()) as { value?: string; done: boolean };
        if (done) throw new Error("the console ended");
        seen += value ?? "";
      }
      return seen;
    };
    const writer = writable.getWriter();
    const first = until(/sum=3/);
    await writer.write(new TextEncoder().encode("echo sum=$((1+2))\n"));
    await first;
    void machine.reboot();
    return until(/Linux version/);
  });
  expect(text).toContain("Linux version");
});
