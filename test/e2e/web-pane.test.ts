import { expect, test } from "./web-pane-page.js";

test.setTimeout(30_000);

test("signing in as LuCI has it: redirect, form, cookie, redirect to the LAN address", async ({
  page,
  open,
  router,
}) => {
  const pane = await open(page);
  await expect(pane.heading).toHaveText("Authorization Required");
  await expect(pane.path).toHaveValue("/cgi-bin/luci/");
  await pane.frame.locator("[name=luci_password]").fill("x");
  await pane.frame.getByRole("button").click();
  await expect(pane.frame.locator("#who")).toHaveText("signed in");
  const last = router.visits.seen.findLast(({ url }) => url === "/cgi-bin/luci/");
  expect(last?.headers["cookie"]).toBe("sysauth=secret; language=en");
  expect(last?.headers["host"]).toBe("192.168.1.1");
  // What scripts may read, and nothing else.
  await expect(pane.frame.locator("#who")).toHaveAttribute("data-cookie", "language=en");
});
