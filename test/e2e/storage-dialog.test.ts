import { expect, test } from "./fixtures.js";
import { isKept, leave } from "./instant.js";

test("the storage dialog shows how much memory is kept, and the keyboard turns it off and on", async ({
  page,
  router,
}) => {
  await router.output("echo changed > /etc/changed; sync");
  await expect.poll(async () => (await router.storage()).chunks).toBeGreaterThan(0);
  await leave(page);
  await expect.poll(() => isKept(router)).toBe(true);

  await page.getByRole("button", { name: "Storage" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText(/[\d.]+ MB of memory kept for the next visit/);
  await page.screenshot({ path: "test-results/storage-dialog.png" });
  const box = dialog.getByRole("checkbox", { name: "Keep the router's memory" });
  await expect(box).toBeChecked();
  await box.focus();
  await page.keyboard.press("Space");
  await expect(dialog).toContainText("The next visit boots the router");
  await expect.poll(async () => (await router.storage()).memoryBytes).toBe(0);

  await page.reload();
  await router.reaches("running");
  await page.getByRole("button", { name: "Storage" }).click();
  await expect(box).not.toBeChecked();
  await box.focus();
  await page.keyboard.press("Space");
  await expect(dialog).toContainText(/[\d.]+ MB of memory kept for the next visit/);
});
