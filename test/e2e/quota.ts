/** A site whose quota is full: what a person's browser does when the device has no room left. */
import type { Page } from "@playwright/test";
import type { ExecResult } from "../../src/elements/index.js";
import { expect, type Router } from "./fixtures.js";

/** Room for the first changes and the padding before them (leveldb-log.ts), not for a large file. */
const QUOTA_BYTES = 12_000_000;

/** Sets the browser's quota for the site, in bytes; `undefined` lifts it. */
export async function setQuota(page: Page, site: string, bytes: number | undefined): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", {
    origin: new URL(site).origin,
    ...(bytes !== undefined && { quotaSize: bytes }),
  });
}

/** Writes more than the quota allows; the command ends only when somebody decides. */
export async function fill(
  router: Router,
  site: string,
): Promise<{ done: Promise<ExecResult | Error> }> {
  // Before the first change: Chromium goes by what it knew of the quota for a while.
  await setQuota(router.page, site, QUOTA_BYTES);
  await router.output("echo before > /etc/before; sync");
  const done = router
    .exec(`head -c ${2 * QUOTA_BYTES} /dev/urandom > /etc/big && sync && md5sum < /etc/big`)
    .catch((error: unknown) => error as Error);
  await expect(router.page.getByRole("alert")).toContainText("no room left");
  return { done };
}
