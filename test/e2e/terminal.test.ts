import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.js";

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

test("F6 leaves the terminal for the toolbar", async ({ router: { page } }) => {
  await page.locator("openwrt-terminal textarea").focus();
  await page.keyboard.press("F6");
  await expect(page.getByRole("button", { name: "Reboot" })).toBeFocused();
});
