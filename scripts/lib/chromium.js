import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** How Chromium is started by every test and bench here: headless, as root, without background traffic. */
export const CHROMIUM_FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/**
 * The Chromium to test with: CHROME_PATH, else an installed one, else Debian's package, installed now.
 *
 * @returns {string} path of the executable
 * @throws {Error} when there is none and it cannot be installed
 */
export function chromium() {
  const wanted = process.env["CHROME_PATH"];
  if (wanted) {
    if (!existsSync(wanted)) throw new Error(`CHROME_PATH names ${wanted}, which does not exist.`);
    return wanted;
  }
  const found = PLACES.find((path) => existsSync(path));
  if (found) return found;
  installDebianPackages(["chromium"]);
  const installed = PLACES.find((path) => existsSync(path));
  if (!installed)
    throw new Error("No Chromium found. Install one, or set CHROME_PATH to its executable.");
  return installed;
}

/**
 * Installs packages by apt-get. Needs root on Debian.
 *
 * @param {string[]} packages
 * @throws {Error} naming the packages, when they cannot be installed
 */
export function installDebianPackages(packages) {
  for (const args of [
    ["update", "-q"],
    ["install", "-y", "-q", "--no-install-recommends", ...packages],
  ]) {
    const run = spawnSync("apt-get", args, { stdio: ["ignore", "ignore", "inherit"] });
    if (run.status !== 0)
      throw new Error(
        `Cannot install ${packages.join(", ")} by apt-get. Install them by hand and try again.`,
      );
  }
}
