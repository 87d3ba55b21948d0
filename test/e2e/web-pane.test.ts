/** What a router's web interface needs of a browser, through the pane. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { expect, test } from "./web-pane-page.js";

test.setTimeout(30_000);

test("signing in as LuCI has it: redirect, form, cookie, redirect to the LAN address", async ({
  page,
  open,
  fake,
}) => {
  const pane = await open(page);
  await expect(pane.heading).toHaveText("Authorization Required");
  await expect(pane.path).toHaveValue("/cgi-bin/luci/");
  await pane.frame.locator("[name=luci_password]").fill("x");
  await pane.frame.getByRole("button").click();
  await expect(pane.frame.locator("#who")).toHaveText("signed in");
  const last = fake.visits.seen.findLast(({ url }) => url === "/cgi-bin/luci/");
  expect(last?.headers["cookie"]).toBe("sysauth=secret; language=en");
  expect(last?.headers["host"]).toBe("192.168.1.1");
  // What scripts may read, and nothing else.
  await expect(pane.frame.locator("#who")).toHaveAttribute("data-cookie", "language=en");
});

test("an upload arrives whole and with its length, a download is saved whole", async ({
  page,
  open,
}) => {
  const pane = await open(page, { attributes: guest({ path: "/forms" }) });
  await pane.frame.locator("[type=file]").setInputFiles({
    name: "firmware.bin",
    mimeType: "application/octet-stream",
    buffer: Buffer.alloc(9_000_000, 7),
  });
  await pane.frame.getByRole("button", { name: "Flash" }).click();
  const sent = (await pane.frame.locator("#bytes").textContent())?.split(" ").map(Number) ?? [];
  expect(sent[0]).toBeGreaterThan(9_000_000);
  expect(sent[1]).toBe(sent[0]);

  const saved = page.waitForEvent("download");
  await pane.go("/backup");
  const download = await saved;
  expect(download.suggestedFilename()).toBe("backup-OpenWrt.tar.gz");
  const expected = createHash("sha256");
  for (let piece = 0; piece < 64; piece++) expected.update(Buffer.alloc(16384, piece));
  const bytes = await readFile(await download.path());
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(expected.digest("hex"));
  await expect(pane.heading).toHaveText("Uploaded");
});

test("scripts of the router talk to it: JSON, redirects, long polls, and several frames", async ({
  page,
  open,
}) => {
  const pane = await open(page, { attributes: guest({ path: "/blank" }) });
  await expect(pane.heading).toHaveText("Blank");
  const echoed = await pane.run(async () => {
    const response = await fetch("/echo?q=1", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Requested-With": "XMLHttpRequest" },
      body: JSON.stringify({ method: "call", id: "äöü" }),
    });
    return (await response.json()) as { headers: Record<string, string>; body: string };
  });
  expect(echoed.body).toBe('{"method":"call","id":"äöü"}');
  expect(echoed.headers["content-length"]).toBe("31");
  expect(echoed.headers["x-requested-with"]).toBe("XMLHttpRequest");
  expect(echoed.headers["origin"]).toBeUndefined();
  const answers = await pane.run(async () => {
    const text = async (path: string) => (await fetch(path)).text();
    const xhr = new XMLHttpRequest();
    xhr.open("GET", "/redirected");
    xhr.send();
    await new Promise((resolve) => (xhr.onload = resolve));
    const polls = Promise.all(Array.from({ length: 12 }, () => text("/poll")));
    const quick = await text("/echo");
    return [xhr.status, xhr.responseText, quick, ...(await polls)].map(String);
  });
  expect(answers.slice(0, 1)).toEqual(["200"]);
  expect(answers[1]).toContain('"method":"GET"');
  expect(answers.slice(3)).toEqual(Array.from({ length: 12 }, () => "polled"));

  await pane.go("/frames");
  for (const name of ["a", "b"])
    await expect(pane.frame.frameLocator(`[name=${name}]`).getByRole("heading")).toHaveText(
      `Frame ${name}`,
    );
});

test("back, forward, reload and the address field; the page's own history stays as it was", async ({
  page,
  open,
  fake,
}) => {
  const pane = await open(page, { attributes: guest({ path: "/cgi-bin/luci/admin/system" }) });
  await expect(pane.heading).toHaveText("System");
  const entries = await page.evaluate(() => history.length);
  await pane.frame.locator("#home").click();
  await expect(pane.path).toHaveValue("/cgi-bin/luci/");
  await pane.go("frame?x#part");
  await expect(pane.heading).toHaveText("Frame x");
  await expect(pane.path).toHaveValue("/frame?x#part");
  await pane.button("Back").click();
  await expect(pane.heading).toHaveText("Authorization Required");
  await pane.button("Back").click();
  await expect(pane.heading).toHaveText("System");
  await expect(pane.button("Back")).toBeDisabled();
  await pane.button("Forward").click();
  await expect(pane.heading).toHaveText("Authorization Required");
  const before = fake.visits.seen.length;
  await pane.button("Reload").click();
  await expect.poll(() => fake.visits.seen.length).toBeGreaterThan(before);
  expect(await page.evaluate(() => history.length)).toBe(entries);
});

test("a link out of the router is told, not followed", async ({ page, open }) => {
  const pane = await open(page);
  await pane.frame.locator("[name=luci_password]").fill("x");
  await pane.frame.getByRole("button").click();
  await pane.frame.locator("#out").click();
  const link = page.getByRole("link", { name: "Open in a new tab" });
  await expect(link).toHaveAttribute("href", "https://openwrt.example/docs");
  await page.getByRole("button", { name: "Dismiss" }).click();
  await expect(link).toBeHidden();
  await pane.frame.locator("#blank").click();
  await expect(pane.heading).toHaveText("System");
  await pane.frame.locator("#home").click({ button: "middle" });
  await expect(pane.path).toHaveValue("/cgi-bin/luci/");
  expect(page.context().pages()).toHaveLength(1);
});

test("a password that the web server itself asks for", async ({ page, open }) => {
  const pane = await open(page, { attributes: guest({ path: "/basic" }) });
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByLabel("Password")).toHaveValue("");
  await page.getByLabel("Password").fill("pässword");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(pane.heading).toHaveText("Signed in");
});

test("a compressed page is shown", async ({ page, open }) => {
  const pane = await open(page, { attributes: guest({ path: "/gzip" }) });
  await expect(pane.heading).toHaveText("Compressed");
});

function guest(attributes: Record<string, string>): Record<string, string> {
  return { "guest-origin": "http://*.router.localhost:PORT", ...attributes };
}
