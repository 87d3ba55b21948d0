/** Asks a router's web server for the pages that a visitor sees first, so that what they compute is in memory. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Machine } from "../machine/machine.js";

/** How long the web server may take to begin, in milliseconds; and how often it is asked. */
const START_MS = 60_000;
const EVERY_MS = 1000;
const LUCI = "/cgi-bin/luci/";

/** Resolves when it answered, or when the firmware seems to have none. */
export async function warmWeb(
  machine: Machine,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const get = (path: string, init: RequestInit = {}) => machine.fetch(path, { ...init, signal });
  const giveUp = performance.now() + START_MS;
  for (;;) {
    try {
      await (await get("/")).arrayBuffer();
      break;
    } catch (error) {
      signal.throwIfAborted();
      if (performance.now() > giveUp) {
        print(`  no web server answers: ${String(error)}`);
        return;
      }
      await sleep(EVERY_MS);
    }
  }
  const luci = await get(LUCI);
  await luci.arrayBuffer();
  if (luci.status !== 200 && luci.status !== 403) return;
  await warmLuci(get);
}

/** Signs in with the empty password of a new router, looks at the overview, and signs out again. */
async function warmLuci(
  get: (path: string, init?: RequestInit) => Promise<Response>,
): Promise<void> {
  const signedIn = await get(LUCI, {
    method: "POST",
    redirect: "manual",
    body: new URLSearchParams({ luci_username: "root", luci_password: "" }),
  });
  await signedIn.arrayBuffer();
  const cookie = signedIn.headers
    .getSetCookie()
    .map((field) => field.split(";")[0])
    .join("; ");
  if (!cookie) return;
  for (const path of ["admin/status/overview", "admin/system/system", "admin/logout"])
    await (await get(LUCI + path, { headers: { cookie } })).arrayBuffer();
}
