/**
 * What people do first with a router, in the order of its worth. Nothing of it changes anything or is written anywhere: it
 * reads what the first commands and the first page read, and signs in nowhere.
 */
import type { HttpExchange } from "../network/http-message.js";
import type { ControlShell } from "./control-shell.js";
import type { WarmStep } from "./warm-up.js";

/** At the lowest priority, where the router has a program for that. */
const NICE = "$(command -v nice >/dev/null && echo nice -n 19)";
const COMMANDS = [
  "uci show",
  "ls -l /etc/config",
  "cat /etc/config/network",
  "ip addr",
  "ps",
  "df",
  "free",
];
/** The page that a visitor of the web interface sees first, on OpenWrt and on routers that have another one. */
const PAGES = ["/", "/cgi-bin/luci/"];

/** @param web whether there is somebody who may look at the router's web interface */
export function warmSteps(shell: ControlShell, exchange: HttpExchange, web: boolean): WarmStep[] {
  const commands = COMMANDS.map(
    (command): WarmStep =>
      (signal) =>
        shell.exec(`${NICE} ${command} >/dev/null 2>&1`, { signal }),
  );
  const pages = PAGES.map(
    (target): WarmStep =>
      (signal) =>
        visit(exchange, target, signal),
  );
  const first = commands.slice(0, 1);
  // The second time is compiled, where the first was only looked at. A page is worth more than all the other commands, and
  // of what takes longest nothing is cut off.
  return web ? [...first, ...pages, ...commands] : [...commands, ...first];
}

async function visit(exchange: HttpExchange, target: string, signal: AbortSignal): Promise<void> {
  const { body } = await exchange(
    { port: 80, method: "GET", target, headers: [["Accept", "text/html"]], body: null },
    signal,
  );
  await body?.pipeTo(new WritableStream(), { signal });
}
