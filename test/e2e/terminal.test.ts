import { createHash } from "node:crypto";
import type { Page } from "@playwright/test";
import { expect, Router, test } from "./fixtures.js";

/** Everything the terminal holds, scrollback included: select all of it. */
async function terminalText(page: Page): Promise<string> {
  return page.evaluate(() => {
    const terminal = document
      .querySelector("openwrt-playground")
      ?.shadowRoot?.querySelector("openwrt-terminal");
    return terminal?.text() ?? "";
  });
}

test("what is typed reaches the router and what it prints is shown", async ({
  router: { page },
}) => {
  await page.locator("openwrt-terminal textarea").focus();
  await page.keyboard.type("echo $((6*7)) typed äöü\n");
  await expect.poll(() => terminalText(page)).toMatch(/^42 typed äöü/m);
  await page.keyboard.type("dmesg | head -1\n");
  await expect.poll(() => terminalText(page)).toContain("Linux version 6.12");
});

test("a long paste arrives whole, and 10,000 lines can be scrolled back", async ({
  page,
  router,
}) => {
  const terminal = page.locator("openwrt-terminal textarea");
  await terminal.focus();
  await page.keyboard.type("cat > /tmp/pasted\n");
  const lines = Array.from({ length: 400 }, (_, line) => `line ${line} of what is pasted`).join(
    "\n",
  );
  await terminal.evaluate((area, text) => {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    area.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
  }, `${lines}\n`);
  await page.waitForTimeout(1000);
  await page.keyboard.press("Control+d");
  await expect.poll(() => router.output("cat /tmp/pasted 2>/dev/null || true")).toBe(lines);

  await page.keyboard.type("clear; seq 1 11000\n");
  await expect.poll(() => terminalText(page), { timeout: 90_000 }).toMatch(/^11000$/m);
  const text = await terminalText(page);
  expect(text).toMatch(/^1500$/m);
  expect(text.split("\n").length).toBeGreaterThan(9_900);
});

test("the router knows the terminal's size, also after the window changed", async ({
  page,
  router,
}) => {
  const columns = async () =>
    Number((await router.output("stty -F /dev/ttyS0 size")).split(" ")[1]);
  await expect.poll(columns).toBeGreaterThan(100);
  await page.setViewportSize({ width: 360, height: 740 });
  await expect.poll(columns).toBeLessThan(60);
});

test("output of the guest cannot become part of the page", async ({ page, router }) => {
  await router.output(
    `printf '<img src=x onerror=alert(1)>\\033]0;title\\007\\033[31mred\\033[0m end-mark\\r\\n' > /dev/ttyS0`,
  );
  await expect.poll(() => terminalText(page)).toContain("<img src=x onerror=alert(1)>red end-mark");
  await expect(page.locator("img")).toHaveCount(0);
  await expect(page).toHaveTitle(/OpenWrt Playground/);
});

test("F6 leads on past the console, Tab never back into it, and Shift+Tab from behind through it", async ({
  router: { page },
}) => {
  const input = page.locator("openwrt-terminal textarea");
  await input.focus();
  await page.keyboard.type("e");
  await page.keyboard.press("F6");
  await expect(page.getByRole("button", { name: "Storage" })).toBeFocused();
  // After the last one the browser begins at the page's start again.
  const isPast = () =>
    page.evaluate(() => document.activeElement?.localName === "openwrt-playground");
  let stops = 0;
  for (; await isPast(); stops++) {
    await expect(input).not.toBeFocused();
    await page.keyboard.press("Tab");
  }
  expect(stops).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Storage" }).focus();
  await page.keyboard.press("Shift+Tab");
  await expect(input).toBeFocused();
  await page.keyboard.press("Shift+Tab");
  await expect(page.getByRole("button", { name: "Side by side" })).toBeFocused();
});

test("the platform's keys copy and paste, and Ctrl+C interrupts when nothing is selected", async ({
  context,
  page,
  router,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  const put = (text: string) =>
    page.evaluate((given) => navigator.clipboard.writeText(given), text);
  await expect(page.getByText("Ctrl+C copies a selection · Ctrl+V pastes")).toBeVisible();
  await page.locator("openwrt-terminal textarea").focus();
  for (const [at, keys] of ["Control+v", "Control+Shift+v", "Shift+Insert"].entries()) {
    await put(`echo pasted-$((${at}+1)) by ${keys}\n`);
    await page.keyboard.press(keys);
    await expect.poll(() => terminalText(page)).toContain(`pasted-${at + 1} by ${keys}`);
  }

  await page.keyboard.type("clear; echo select-me; sleep 100\n");
  await expect.poll(() => terminalText(page)).toMatch(/^select-me$/m);
  const line = await page.locator(".xterm-rows > div", { hasText: /^select-me/ }).boundingBox();
  if (!line) throw new Error("The line is not seen.");
  for (const keys of ["Control+Insert", "Control+Shift+c", "Control+c"]) {
    await put("");
    await page.mouse.dblclick(line.x + 20, line.y + 5);
    await page.keyboard.press(keys);
    await expect.poll(clipboard, keys).toBe("select-me");
  }
  // It copied, and did not interrupt; without the selection it does.
  expect(await router.output("pidof sleep")).toMatch(/^\d+$/);
  await page.keyboard.press("Control+c");
  await expect.poll(async () => (await router.exec("pidof sleep")).exitCode).toBe(1);
});

test("Ctrl+S is told, and Ctrl+Q goes on", async ({ router: { page } }) => {
  await page.locator("openwrt-terminal textarea").focus();
  await page.keyboard.press("Control+s");
  await page.keyboard.type("echo unseen\n");
  const told = page.getByText("Output is stopped (Ctrl+S)");
  await expect(told).toBeVisible();
  expect(await terminalText(page)).not.toContain("unseen");
  await page.keyboard.press("Control+q");
  await expect(told).toBeHidden();
  await expect.poll(() => terminalText(page)).toMatch(/^unseen$/m);
});

test("an input method types into the router", async ({ context, router: { page } }) => {
  await page.locator("openwrt-terminal textarea").focus();
  const session = await context.newCDPSession(page);
  await page.keyboard.type("echo ");
  for (const text of ["m", "mo", "moji"])
    await session.send("Input.imeSetComposition", {
      ...{ text, selectionStart: text.length, selectionEnd: text.length },
    });
  await expect(page.locator(".composition-view")).toHaveText("moji");
  await session.send("Input.insertText", { text: "文字" });
  await page.keyboard.press("Enter");
  await expect.poll(() => terminalText(page)).toMatch(/^文字$/m);
});

test("a console that was behind for long loses the oldest output, says so, and answers in seconds", async ({
  page,
  site,
}) => {
  // As browsers treat pages that are not seen for long: their timers hardly run.
  await page.addInitScript(() => {
    const setTimeout = window.setTimeout.bind(window);
    const held: (() => void)[] = [];
    let hidden = false;
    const later = (run: () => void, milliseconds = 0) =>
      hidden ? held.push(run) : setTimeout(run, milliseconds);
    window.setTimeout = later as typeof window.setTimeout;
    Object.assign(window, {
      hide: () => (hidden = true),
      show() {
        hidden = false;
        for (const run of held.splice(0)) setTimeout(run);
      },
    });
  });
  const router = new Router(page);
  await page.goto(`${site}?firmware=demo`);
  await router.reaches("running");
  await page.locator("openwrt-terminal textarea").focus();
  await page.evaluate("hide()");
  await page.keyboard.type("yes $(printf %0100d 0) | head -n 15000\n");
  // Three times what is kept for a reader; the console has drawn a small part of it meanwhile.
  await expect
    .poll(async () => (await router.exec("pidof head")).exitCode, { timeout: 120_000 })
    .toBe(1);
  await page.evaluate("show()");
  await page.keyboard.type("echo and-back\n");
  await expect.poll(() => terminalText(page), { timeout: 10_000 }).toMatch(/^and-back$/m);
  const marks = /\[… [\d,]+ bytes of output left out …\]/.exec(await terminalText(page));
  expect(marks).not.toBeNull();
});

test("files that are dropped are in the router's /tmp, byte for byte, and it is said where", async ({
  page,
  router,
}) => {
  const drop = (files: { name: string; bytes: number }[]) =>
    page.locator("openwrt-terminal #screen").evaluate((screen, given) => {
      const transfer = new DataTransfer();
      for (const { name, bytes } of given) {
        const content = Uint8Array.from({ length: bytes }, (_, at) => (at * 7 + (at >> 8)) % 256);
        transfer.items.add(new File([content], name));
      }
      for (const type of ["dragover", "drop"])
        screen.dispatchEvent(
          new DragEvent(type, { dataTransfer: transfer, bubbles: true, composed: true }),
        );
    }, files);
  const bytes = 5_000_000;
  await drop([
    { name: "größe (1).bin", bytes },
    { name: "größe (1).bin", bytes: 0 },
  ]);
  await expect(page.getByText("/tmp/größe_1_.bin is in the router (5.0 MB).")).toBeVisible();
  await expect(page.getByText("/tmp/größe_1_-2.bin is in the router (0 B).")).toBeVisible();
  const expected = createHash("sha256")
    .update(Uint8Array.from({ length: bytes }, (_, at) => (at * 7 + (at >> 8)) % 256))
    .digest("hex");
  expect(await router.output("sha256sum < /tmp/größe_1_.bin")).toContain(expected);

  await drop([{ name: "called-off.bin", bytes: 20_000_000 }]);
  const progress = page.getByRole("progressbar", { name: "called-off.bin" });
  await expect
    .poll(() => progress.evaluate((bar: HTMLProgressElement) => bar.value))
    .toBeGreaterThan(0);
  await page.getByRole("button", { name: "Cancel “called-off.bin”" }).click();
  await expect(page.getByText("“called-off.bin” was not put into the router.")).toBeVisible();
  await expect.poll(() => router.output("ls -A /tmp | grep -e upload -e called || true")).toBe("");

  await drop([{ name: "too-large.bin", bytes: 100_000_000 }]);
  await expect(page.getByText("“too-large.bin” (100.0 MB) does not fit into")).toBeVisible();
});
