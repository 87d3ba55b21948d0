/**
 * WebKitGTK's MiniBrowser on a display in memory, by the protocol of its remote inspector.
 *
 * Not by WebDriver: with `--automation` MiniBrowser keeps nothing on disk, so that neither a restart nor what reaches the
 * disk could be looked at.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { killAll, signal } from "../reliability/processes.js";
import type { Browser, Room, Tab } from "./engines.js";
import { answerOf, asExpression } from "./in-page.js";
import { Inspector } from "./inspector.js";

export const MINI_BROWSER = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";
const START_MS = 60_000;
/** Of its volume, WebKit gives a site so much. */
const SHARE_OF_VOLUME = 0.6;

let display: Promise<string> | undefined;

export async function openWebKit(profile: string, room?: Room): Promise<Browser> {
  await mkdir(profile, { recursive: true });
  if (room) mountVolume(profile, Math.ceil(room.bytes / SHARE_OF_VOLUME));
  const address = `127.0.0.1:${await freePort()}`;
  // Two tabs: the inspector cannot open one.
  const child = spawn(MINI_BROWSER, ["about:blank", "about:blank"], {
    detached: true,
    stdio: "ignore",
    env: {
      ...process.env,
      DISPLAY: await (display ??= startDisplay()),
      HOME: profile,
      XDG_DATA_HOME: join(profile, "data"),
      XDG_CACHE_HOME: join(profile, "cache"),
      XDG_CONFIG_HOME: join(profile, "config"),
      WEBKIT_INSPECTOR_HTTP_SERVER: address,
    },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("MiniBrowser could not be started.");
  const orphaned = () => signal(-pid);
  process.once("exit", orphaned);
  const [first, second] = await socketsOf(address, child);
  if (first === undefined || second === undefined) throw new Error("MiniBrowser has no two tabs.");
  return {
    version: `WebKitGTK ${versionOf("libwebkit2gtk-4.1-0")}`,
    tabs: [tabOf(await Inspector.connect(first)), tabOf(await Inspector.connect(second))],
    pid,
    kill: async () => {
      process.off("exit", orphaned);
      await killAll(pid, profile);
      if (room) spawnSync("umount", ["-l", profile]);
    },
  };
}

function tabOf(inspector: Inspector): Tab {
  return {
    goto: async (url) => {
      await inspector.evaluate("globalThis.isOfTheLastPage = true").catch(() => undefined);
      await inspector.send("Page.navigate", { url });
      for (const end = Date.now() + START_MS; Date.now() < end; await sleep(50)) {
        const complete = "!globalThis.isOfTheLastPage && document.readyState === 'complete'";
        if (await inspector.evaluate(complete).catch(() => false)) return;
      }
      throw new Error(`${url} was not loaded.`);
    },
    run: async (body, ...args) => answerOf(await inspector.evaluate(asExpression(body, args))),
    inFrames: (expression) => inspector.evaluateEverywhere(expression),
  };
}

/** Addresses of the tabs' inspectors, when there are two. */
async function socketsOf(address: string, child: ChildProcess): Promise<string[]> {
  for (const end = Date.now() + START_MS; Date.now() < end; await sleep(100)) {
    if (child.exitCode !== null) throw new Error(`MiniBrowser ended with ${child.exitCode}.`);
    try {
      const list = await (await fetch(`http://${address}/`)).text();
      const paths = [...list.matchAll(/\/socket\/\d+\/\d+\/WebPage/g)].map(([path]) => path);
      if (paths.length === 2) return paths.map((path) => `ws://${address}${path}`);
    } catch {
      // It does not listen yet.
    }
  }
  throw new Error("MiniBrowser's inspector does not answer.");
}

/** Xvfb, until this program ends. */
function startDisplay(): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = ["-displayfd", "3", "-screen", "0", "1200x900x24", "-nolisten", "tcp"];
    const child = spawn("Xvfb", args, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
    process.once("exit", () => child.kill());
    child.once("exit", () => reject(new Error("Xvfb could not be started.")));
    let number = "";
    const pipe = child.stdio[3];
    if (!pipe) throw new Error("Xvfb has no pipe.");
    pipe.on("data", (data: Buffer) => {
      number += data.toString();
      if (number.endsWith("\n")) resolve(`:${number.trim()}`);
    });
  });
}

/** A small volume of its own: WebKit measures the room by the volume. */
function mountVolume(folder: string, bytes: number): void {
  const run = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder]);
  if (run.status !== 0) throw new Error("A small volume for WebKit cannot be mounted here.");
}

function versionOf(packageName: string): string {
  const run = spawnSync("dpkg-query", ["-W", "-f", "${Version}", packageName]);
  return run.stdout.toString().replace(/-.*/, "");
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
