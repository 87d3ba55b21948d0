import { expect } from "@esm-bundle/chai";
import { loadCatalogue } from "../../src/firmware/catalogue.js";
import { FirmwareError } from "../../src/firmware/errors.js";
import { Firmware, type LoadOptions } from "../../src/firmware/load.js";

const SITE = new URL("/test/firmware/site/", location.href);

/** Manifest, kernel and root of a firmware. */
async function loadFirmware(assets: URL, name: string, options: LoadOptions = {}) {
  const firmware = await Firmware.open(assets, name, options.signal);
  const { kernel, root } = await firmware.load(["kernel", "root"], options);
  return { manifest: firmware.manifest, identity: firmware.identity, kernel, root };
}

async function refusal(load: Promise<unknown>): Promise<FirmwareError> {
  try {
    await load;
  } catch (error) {
    if (error instanceof FirmwareError) return error;
    throw error;
  }
  throw new Error("It was accepted.");
}

const problemOf = async (name: string) => (await refusal(loadFirmware(SITE, name))).problem;

function requestsOf(path: string): number {
  const url = new URL(path, SITE).href;
  return performance.getEntriesByType("resource").filter(({ name }) => name.startsWith(url)).length;
}

describe("loading a firmware", () => {
  it("gives manifest, identity, kernel and root, and tells its progress", async () => {
    const seen: [number, number][] = [];
    const firmware = await loadFirmware(SITE, "good", {
      onProgress: (loaded, total) => seen.push([loaded, total]),
    });
    const { kernel, root } = firmware.manifest;
    expect(firmware.kernel.byteLength).to.equal(kernel.bytes);
    expect(firmware.root.byteLength).to.equal(root.bytes);
    expect(firmware.identity).to.deep.include({ root: root.sha256, kernel: kernel.sha256 });
    const total = kernel.bytes + root.bytes;
    expect(seen.at(-1)).to.deep.equal([total, total]);
    for (const [loaded] of seen) expect(loaded).to.be.within(0, total);
  });

  it("asks for files under their digest, so that a cache may keep them", async () => {
    const { manifest } = await loadFirmware(SITE, "good");
    const query = `rootfs.squashfs?sha256=${manifest.root.sha256.slice(0, 16)}`;
    expect(requestsOf(`images/good/${query}`)).to.be.above(0);
  });

  for (const [name, problem, what] of [
    ["nowhere", "not-found", "there is none of that name"],
    ["../escape", "not-found", "the name is none"],
    ["missing-root", "missing-file", "its root is missing"],
    ["missing-kernel", "missing-file", "its kernel is missing"],
    ["damaged", "damaged", "a digest is wrong"],
    ["short", "short", "a file is too short"],
    ["long", "long", "a file is too long"],
    ["not-squashfs", "root", "its root is no squashfs"],
    ["truncated", "root", "its root is truncated"],
    ["incomplete", "manifest", "its manifest is damaged"],
    ["misnamed", "manifest", "its manifest has another name"],
    ["newer", "newer", "its manifest is newer than the page"],
  ] as const)
    it(`says so in one sentence when ${what}`, async () => {
      const error = await refusal(loadFirmware(SITE, name));
      expect(error.problem).to.equal(problem);
      expect(error.message).to.match(/^[A-Z][^\n]+\.$/);
    });

  it("tries a damaged download once more, past the caches", async () => {
    const before = requestsOf("images/damaged/rootfs.squashfs");
    expect(await problemOf("damaged")).to.equal("damaged");
    expect(requestsOf("images/damaged/rootfs.squashfs") - before).to.equal(2);
  });

  it("says how to add a firmware that is not there", async () => {
    const { message } = await refusal(loadFirmware(SITE, "nowhere"));
    expect(message).to.include("npm run firmware -- add FILE --name nowhere");
  });

  it("says so when the network is gone", async () => {
    const nobody = new URL("http://127.0.0.1:9/");
    expect((await refusal(loadFirmware(nobody, "good"))).problem).to.equal("network");
  });

  it("says so on a page whose address does not allow checking digests", async () => {
    Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
    try {
      expect(await problemOf("good")).to.equal("insecure");
    } finally {
      Reflect.deleteProperty(crypto, "subtle");
    }
  });

  it("ends with the signal's reason when it is aborted", async () => {
    for (const when of ["before", "while"]) {
      const controller = new AbortController();
      if (when === "before") controller.abort();
      const loading = loadFirmware(SITE, "good", {
        signal: controller.signal,
        onProgress: () => controller.abort(),
      });
      const reason: unknown = await loading.catch((error: unknown) => error);
      expect(reason).to.equal(controller.signal.reason);
    }
  });
});

describe("loading the catalogue", () => {
  it("lists the site's firmware", async () => {
    expect(await loadCatalogue(SITE)).to.deep.equal([{ name: "good", title: "Fixture" }]);
  });

  it("says so when a site has none", async () => {
    const elsewhere = new URL("kernels/", SITE);
    expect((await refusal(loadCatalogue(elsewhere))).problem).to.equal("missing-file");
  });
});
