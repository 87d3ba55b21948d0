/** Looks into a root image: is it an OpenWrt router's, for a processor that the emulator has, and which release. */
import { CommandError } from "./errors.js";
import { type ToolOptions, runTool } from "./tool.js";

/** What /etc/openwrt_release says; empty when it says nothing. */
export interface Release {
  /** for example "OpenWrt 18.06.1 r7258-5eb055306f" */
  readonly description: string;
  /** for example "18.06.1" */
  readonly version: string;
}

/** Kept of a program's output, in characters. */
const MAX_OUTPUT = 64 * 1024;

/**
 * @param image a squashfs
 * @throws {MissingToolError} squashfs-tools is missing
 * @throws {CommandError} the image is damaged, or it is no router root for a 32-bit x86
 */
export async function inspectRouterRoot(image: string, signal: AbortSignal): Promise<Release> {
  const wanted = ["etc/preinit", "sbin/init", "usr/sbin/init"];
  const listing = await unsquashfs(["-l", "-dest", "", image, ...wanted], signal);
  if (listing.exitCode !== 0)
    throw new CommandError(
      `The squashfs is damaged: ${listing.complaint.replace(/^FATAL ERROR: /, "")}. Get the file again.`,
    );
  const found = listing.output.split("\n");
  const missing = [
    ...(found.includes("/etc/preinit") ? [] : ["/etc/preinit"]),
    ...(found.includes("/sbin/init") || found.includes("/usr/sbin/init") ? [] : ["/sbin/init"]),
  ];
  if (missing.length > 0)
    throw new CommandError(
      `This is not the root of an OpenWrt router: it has no ${missing.join(" and no ")}. Take a file with "rootfs" or "combined" in its name.`,
    );
  // Its failing means that there is no such file.
  const { output } = await unsquashfs(["-cat", image, "etc/openwrt_release"], signal);
  checkProcessor(value(output, "DISTRIB_ARCH"));
  return {
    description: value(output, "DISTRIB_DESCRIPTION"),
    version: value(output, "DISTRIB_RELEASE"),
  };
}

/** v86 is a 32-bit PC. */
function checkProcessor(architecture: string): void {
  if (architecture === "" || architecture.startsWith("i386")) return;
  throw new CommandError(
    `This OpenWrt is made for the processor ${architecture}, and the playground has a 32-bit x86. Take the file of the target x86/generic or x86/legacy.`,
  );
}

async function unsquashfs(args: string[], signal: AbortSignal) {
  let text = "";
  const options: ToolOptions = {
    signal,
    debianPackage: "squashfs-tools",
    async output(chunks) {
      const decoder = new TextDecoder();
      for await (const chunk of chunks)
        if (text.length < MAX_OUTPUT) text += decoder.decode(chunk, { stream: true });
    },
  };
  const result = await runTool("unsquashfs", ["-no-progress", ...args], options);
  return { ...result, output: text };
}

/** @returns the value of a line KEY='value', without control characters, at most 100 characters */
function value(text: string, key: string): string {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${key}=`)) ?? "";
  return line
    .slice(key.length + 1)
    .replace(/['"]|\p{Cc}/gu, "")
    .trim()
    .slice(0, 100);
}
