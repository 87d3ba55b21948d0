/**
 * Who a firmware is to what is stored of its routers. What is on a disk depends on the root image alone; what is in a
 * memory depends on the kernel too.
 */
import { sha256 } from "./digest.js";
import type { FirmwareManifest } from "./manifest.js";

export interface FirmwareIdentity {
  /** SHA-256 of the root image, lower-case hex: stored overlays belong to it */
  readonly root: string;
  /** SHA-256 of the kernel: factory states and kept memory belong to root and kernel */
  readonly kernel: string;
  /** what root and kernel together were called while overlays belonged to both, the likeliest first; see {@link formerDigests} */
  readonly former: readonly string[];
  /** title and version, for people */
  readonly title: string;
}

/**
 * SHA-256 of the kernels that this project shipped while the kernel was a part of an overlay's name, the last one first
 * (storage formats 1 to 3, archives of version 1; kernels/v86-6.12/bzImage at commits 363ba77 and 0224001). The list
 * is closed: no overlay was ever named by a later kernel.
 */
const FORMER_KERNELS = [
  "3f42ff65d3cdbe6d48c909538ee6f359dc3e9066ec1194f7a4e12b849084256f",
  "b5b64382dd6b7cebd449ab76665ce11183130e02c40b75b55eec243210172900",
];

/** @throws {FirmwareError} `insecure`: digests cannot be computed on this page */
export async function identify(manifest: FirmwareManifest): Promise<FirmwareIdentity> {
  const { root, kernel, earlierKernels = [], title, version } = manifest;
  return {
    root: root.sha256,
    kernel: kernel.sha256,
    former: await formerDigests(root.sha256, [kernel.sha256, ...earlierKernels]),
    title: `${title} ${version}`,
  };
}

/**
 * What a firmware with this root may have been called in storage formats 1 to 3.
 *
 * @param root SHA-256 of the root image, hex
 * @param kernels SHA-256 of kernels that its site offers or offered, beside those of this project
 * @returns SHA-256 in hex, of a fixed text that names both parts
 */
export function formerDigests(root: string, kernels: readonly string[] = []): Promise<string[]> {
  return Promise.all(
    [...new Set([...kernels, ...FORMER_KERNELS])].map((kernel) => formerDigest(kernel, root)),
  );
}

function formerDigest(kernel: string, root: string): Promise<string> {
  const text = `openwrt-playground firmware 1\nkernel ${kernel}\nroot ${root}\n`;
  return sha256(new TextEncoder().encode(text));
}
