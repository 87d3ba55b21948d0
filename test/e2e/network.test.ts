import { createHash } from "node:crypto";
import { expect, type Router, test } from "./fixtures.js";
import { Lan } from "./lan.js";
import { CGI, install, serveFiles } from "./router-files.js";

const NOTHING_LISTENS = "Nothing listens on that port of the router.";
const OFF = "The router is off, or was switched off.";

test("the page fetches from the router's web server", async ({ page, router }) => {
  const lan = new Lan(page);
  await lan.answers("/", 30_000);
  const files = await serveFiles(router, [0, 100, 65_537, 1_048_576]);
  await install(router, CGI);

  await test.step("files, to the last byte", async () => {
    for (const [path, sha256] of Object.entries(files))
      expect(await lan.fetch(path), path).toMatchObject({ status: 200, sha256 });
  });
  await test.step("a header without its body", async () => {
    const { status, headers, length } = await lan.fetch("/files/65537", { method: "HEAD" });
    expect({ status, length, told: headers["content-length"] }).toEqual({
      status: 200,
      length: 0,
      told: "65537",
    });
  });
  await test.step("a file that is not there", async () => {
    expect((await lan.fetch("/files/none")).status).toBe(404);
  });
  await test.step("what a program writes, with its status", async () => {
    const { status, length } = await lan.fetch("/cgi-bin/stream?bytes=200000");
    expect({ status, length }).toEqual({ status: 200, length: 200_000 });
    expect((await lan.fetch("/cgi-bin/stream?bytes=x")).status).toBe(400);
  });
  await test.step("the page behind a redirect", async () => {
    const { status, redirected, url, sha256 } = await lan.fetch("/cgi-bin/redirect");
    expect({ status, redirected, sha256 }).toEqual({
      status: 200,
      redirected: true,
      sha256: files["/files/100"],
    });
    expect(url).toMatch(/^http:\/\/192\.168\.1\.1\/files\/100$/);
  });
  await test.step("uploads arrive to the last byte", async () => {
    for (const uploadBytes of [0, 1, 65_536, 1_048_576]) {
      const answer = await lan.fetch("/cgi-bin/digest", { method: "POST", uploadBytes });
      expect(answer.text.trim(), `${uploadBytes} bytes`).toBe(patternDigest(uploadBytes));
    }
  });
  await test.step("a body without end can be cancelled, and its program ends", async () => {
    const { status } = await lan.fetch("/cgi-bin/endless", { readBytes: 1_000_000 });
    expect(status).toBe(200);
    await expect.poll(() => router.output("pgrep -f '/dev/[z]ero' || true")).toBe("");
  });
  await test.step("a request can be given up before there is an answer", async () => {
    await expect(lan.fetch("/cgi-bin/silent", { timeout: 500 })).rejects.toThrow("TimeoutError");
    expect((await lan.fetch("/files/100")).sha256).toBe(files["/files/100"]);
  });
});

test("other servers of the router, and none", async ({ page, router }) => {
  const lan = new Lan(page);
  await lan.answers("/", 30_000);
  await install(router, CGI);

  await test.step("the ports it listens on", async () => {
    const ports = await page.evaluate(() =>
      document.querySelector("openwrt-playground")!.machine.listeningPorts(),
    );
    expect(ports).toEqual([
      { port: 22, service: "SSH" },
      { port: 80, service: "HTTP" },
    ]);
  });
  await test.step("SSH says who it is", async () => {
    expect(await lan.greeting(22)).toMatch(/^SSH-2\.0-/);
  });
  await test.step("a port without a server", async () => {
    await expect(lan.greeting(4)).rejects.toThrow(NOTHING_LISTENS);
    await expect(lan.fetch("http://router:81/")).rejects.toThrow(NOTHING_LISTENS);
  });
  await test.step("a server that does not speak HTTP", async () => {
    await router.output("(echo 'this is not HTTP' | nc -l -p 8080 >/dev/null 2>&1 &)");
    await listens(router, 8080);
    await expect(lan.fetch("http://router:8080/")).rejects.toThrow("is not valid HTTP");
  });
  await test.step("a server that hangs up without a word", async () => {
    await router.output("(nc -l -p 8081 -e /bin/true >/dev/null 2>&1 &)");
    await listens(router, 8081);
    await expect(lan.fetch("http://router:8081/")).rejects.toThrow("NetworkError");
  });
  await test.step("a header of a megabyte", async () => {
    await expect(lan.fetch("/cgi-bin/headers")).rejects.toThrow("header is larger than");
    expect((await lan.fetch("/")).status).toBe(200);
  });
  await test.step("SSH still answers after all that", async () => {
    expect(await lan.greeting(22)).toMatch(/^SSH-2\.0-/);
  });
});

test("switched off, everything pending ends with that sentence, and new requests do", async ({
  page,
  router,
}) => {
  const lan = new Lan(page);
  await lan.answers("/", 30_000);
  await install(router, CGI);
  const pending = page.evaluate(async () => {
    const { machine } = document.querySelector("openwrt-playground")!;
    const message = (error: unknown) => (error as Error).message;
    const { readable } = await machine.connect(22);
    const reader = readable.getReader();
    await reader.read();
    // Nothing that the router's programs say while they are ended shall come through.
    const unplugged = machine.exec("ip link set eth0 down");
    const silent = machine.fetch("/cgi-bin/silent").then(() => "answered", message);
    await unplugged;
    const read = reader.read().then(({ done }) => (done ? "ended" : "data"), message);
    await machine.powerOff();
    return Promise.all([silent, read]);
  });
  expect(await pending).toEqual([OFF, OFF]);
  await expect(lan.fetch("/")).rejects.toThrow(OFF);
  await expect(lan.greeting(22)).rejects.toThrow(OFF);
  expect(await lan.network()).toEqual({ phase: "searching" });
});

async function listens(router: Router, port: number): Promise<void> {
  await expect.poll(() => router.output("netstat -ltn")).toContain(`:${port} `);
}

/** What {@link Lan.fetch} uploads, in the router's words. */
function patternDigest(bytes: number): string {
  const body = Uint8Array.from({ length: bytes }, (_, at) => (at * 7) ^ (at >> 8));
  return createHash("sha256").update(body).digest("hex");
}
