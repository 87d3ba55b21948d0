/** A router's page that is up to no good: it reads nothing of the page around it, and sends nothing out. */
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, type FakePage, type Pane, served, test } from "./web-pane-page.js";

test.setTimeout(30_000);
const GUEST = { "guest-origin": "http://*.router.localhost:PORT", path: "/blank" };

/** Somebody else's server, which must hear nothing. */
async function listener() {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(`${request.method ?? ""} ${request.url ?? ""}`);
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.end("heard");
  });
  server.on("upgrade", (request, socket) => {
    heard.push(`upgrade ${request.url ?? ""}`);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { heard, url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}

test("it cannot read the page's DOM, cookies or storage, or lead it away", async ({
  page,
  open,
}) => {
  const pane = await open(page, { attributes: GUEST });
  await expect(pane.heading).toHaveText("Blank");
  await page.evaluate(async () => {
    document.cookie = "host=secret";
    localStorage.setItem("host", "secret");
    await new Promise((resolve, reject) => {
      const asked = indexedDB.open("host-secret");
      asked.onsuccess = resolve;
      asked.onerror = reject;
    });
  });
  const here = page.url();
  const found = await pane.run(async () => {
    const attempt = async (work: () => unknown) => {
      try {
        return JSON.stringify(await work());
      } catch (error) {
        return (error as Error).name;
      }
    };
    const databases = await indexedDB.databases();
    return {
      dom: await attempt(() => top!.document.title),
      domFromBridge: await attempt(() => parent.parent.document.title),
      cookies: await attempt(() => document.cookie),
      storage: await attempt(() => localStorage.getItem("host")),
      databases: await attempt(() => databases.length),
      lead: await attempt(() => {
        top!.location.href = "/blank";
      }),
      window: await attempt(() => window.open("/blank") !== null),
      // With its own frame's sandbox off, were there one.
      leadFromBridge: await attempt(() => {
        for (const frame of parent.document.querySelectorAll("iframe"))
          frame.removeAttribute("sandbox");
        const link = parent.document.createElement("a");
        Object.assign(link, { href: "https://evil.example/", target: "_top" });
        parent.document.body.append(link);
        link.click();
      }),
      worker: await attempt(() => navigator.serviceWorker.register("/frame")),
    };
  });
  expect(found).toMatchObject({
    dom: "SecurityError",
    domFromBridge: "SecurityError",
    cookies: '""',
    storage: "null",
    databases: "0",
    lead: "SecurityError",
    window: "false",
    worker: "TypeError",
  });
  // What the page's own address says is between it and its user.
  const bridge = await pane.run(() => parent.location.href);
  expect(decodeURIComponent(bridge)).not.toContain("pane.html");
  await page.waitForTimeout(500);
  expect(page.url()).toBe(here);
  expect(page.context().pages()).toHaveLength(1);
});

test("what it says in the bridge's name is checked: the page asks only this router, only over HTTP", async ({
  page,
  open,
  fake,
}) => {
  const pane = await open(page, { attributes: GUEST });
  await expect(pane.heading).toHaveText("Blank");
  const errors: Error[] = [];
  page.on("pageerror", (error) => errors.push(error));
  await pane.run(() => {
    // The port is not to be seen, but everything the bridge posts passes here.
    const { prototype } = (parent as unknown as typeof globalThis).MessagePort;
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its `this`
    const post = prototype.postMessage;
    prototype.postMessage = function (this: MessagePort, ...given: unknown[]) {
      const channel = () => new MessageChannel().port2;
      const request = {
        type: "request",
        worker: "w",
        method: "GET",
        target: "/",
        headers: [],
        body: null,
      };
      const send = (message: object, ports: Transferable[] = []) =>
        post.call(this, message, { transfer: ports });
      for (const bad of [
        { method: "GET /evil HTTP/1.1\r\n" },
        { target: "http://evil.example/" },
        { target: "/ HTTP/1.1\r\nX: y" },
        { headers: [["X\r\nY", "z"]] },
        { headers: [["X", "y\r\nZ: z"]] },
        { headers: "none" },
      ]) {
        const answer = channel();
        send({ ...request, answer, ...bad }, [answer]);
      }
      send({ type: "location", path: "javascript:alert(1)", order: 1 });
      send({ type: "outside", url: { toString: 1 } });
      const answer = channel();
      send({ ...request, target: "/forged", headers: [["Host", "evil"]], answer }, [answer]);
      post.call(this, ...(given as [unknown]));
    } as typeof post;
  });
  await pane.run(() => fetch("/echo").then(() => undefined));
  await expect.poll(() => fake.visits.seen.some(({ url }) => url === "/forged")).toBe(true);
  const forged = fake.visits.seen.find(({ url }) => url === "/forged");
  expect(forged?.headers["host"]).toBe("192.168.1.1");
  expect(fake.visits.seen.map(({ url }) => url).filter((url) => /evil|X:/.test(url))).toEqual([]);
  expect(errors).toEqual([]);
});

test("nothing leaves the computer, nor goes to this page's site or another local server", async ({
  page,
  open,
}) => {
  const { heard, url, close } = await listener();
  const pane = await open(page, { attributes: GUEST });
  await expect(pane.heading).toHaveText("Blank");
  served.length = 0;
  await pane.run(
    async (_, [leak, host]) => {
      for (const to of [leak, host]) {
        await fetch(`${to}?fetch`, { mode: "no-cors" }).catch(() => undefined);
        navigator.sendBeacon(`${to}?beacon`);
        new Image().src = `${to}?image`;
        new EventSource(`${to}?events`);
        try {
          new WebSocket(`${to.replace("http", "ws")}?socket`);
        } catch {
          // refused at once: as good
        }
        const add = (tag: string, attributes: Record<string, string>) => {
          const element = document.createElement(tag);
          for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
          document.body.append(element);
          return element;
        };
        add("script", { src: `${to}?script` });
        add("link", { rel: "stylesheet", href: `${to}?style` });
        add("link", { rel: "prefetch", href: `${to}?prefetch` });
        add("iframe", { src: `${to}?frame` });
        add("iframe", { srcdoc: `<img src="${to}?srcdoc">` });
        add("iframe", { src: `data:text/html,<img src="${to}?data">` });
        add("object", { data: `${to}?object` });
        add("video", { src: `${to}?video` });
        const form = add("form", { action: `${to}?form`, method: "post", target: "leak" });
        add("iframe", { name: "leak" });
        (form as HTMLFormElement).submit();
        const code = `fetch("${to}?worker",{mode:"no-cors"}).catch(()=>{});try{importScripts("${to}?import")}catch{}`;
        new Worker(URL.createObjectURL(new Blob([code])));
        // As the bridge, whose own policy is not this page's.
        await parent.fetch(`${to}?bridge`, { mode: "no-cors" }).catch(() => undefined);
        const image = parent.document.createElement("img");
        image.src = `${to}?bridge-image`;
        parent.document.body.append(image);
      }
    },
    [url, new URL("/pane.html", page.url()).href] as const,
  );
  await page.waitForTimeout(1500);
  await pane.run((_, to) => {
    location.href = `${to}?self`;
  }, url);
  await page.waitForTimeout(1500);
  expect(heard).toEqual([]);
  expect(served).not.toContain("/pane.html");
  close();
});

test("it cannot reach another machine's guest", async ({ page, open, paneSite, fake }) => {
  const pane = await open(page, { attributes: GUEST, key: "first" });
  await expect(pane.heading).toHaveText("Blank");
  const { port } = new URL(paneSite);
  await page.evaluate(
    ([gateway, origin]) =>
      (window as unknown as FakePage).openPane(
        gateway,
        "running",
        { "guest-origin": origin, path: "/frame?second" },
        "second",
      ),
    [fake.gateway, `http://*.router.localhost:${port}`] as const,
  );
  const frames = () => page.frames().filter((frame) => frame.url().endsWith("/frame?second"));
  await expect.poll(() => frames().length).toBe(1);
  const other = new URL(frames()[0]!.url()).origin;
  const first = page.frames().find((frame) => frame.url().endsWith("/blank"))!;
  expect(new URL(first.url()).origin).not.toBe(other);
  fake.visits.seen.length = 0;
  const outcome = await first.evaluate(async (origin) => {
    const attempt = (work: Promise<unknown>) =>
      work.then(String, (error: unknown) => (error as Error).name);
    const frame = document.createElement("iframe");
    frame.src = `${origin}/stolen-frame`;
    document.body.append(frame);
    const sibling = () => {
      // Frames in a shadow tree are not to be had by number.
      for (let at = 0; at < 10; at++) top!.frames[at]!.postMessage("", "*");
      return top!.frames[0]!.document.title;
    };
    let dom: string;
    try {
      dom = sibling();
    } catch (error) {
      dom = (error as Error).name;
    }
    document.cookie = "tossed=1; Domain=router.localhost; SameSite=None; Secure; Path=/";
    return {
      dom,
      fetch: await attempt(fetch(`${origin}/stolen`)),
      noCors: await attempt(fetch(`${origin}/stolen`, { mode: "no-cors" })),
    };
  }, other);
  expect(outcome).toEqual({ dom: "SecurityError", fetch: "TypeError", noCors: "TypeError" });
  await page.waitForTimeout(1000);
  await frames()[0]!.evaluate(() => fetch("/echo").then(() => undefined));
  expect(fake.visits.seen.map(({ url }) => url)).toEqual(["/echo"]);
  expect(fake.visits.seen[0]?.headers["cookie"]).toBeUndefined();
});

test("one origin for all machines shows one at a time, and says so", async ({ page, open }) => {
  const attributes = { "guest-origin": "http://router.localhost:PORT", path: "/frame?1" };
  const first = await open(page, { attributes });
  await expect(first.heading).toHaveText("Frame 1");
  const tab = await page.context().newPage();
  const second: Pane = await open(tab, { attributes: { ...attributes, path: "/frame?2" } });
  await expect(tab.getByText("The router's pages are shown elsewhere")).toBeVisible();
  await second.button("Show them here").click();
  await expect(second.heading).toHaveText("Frame 2");
  await expect(page.getByText("The router's pages are shown elsewhere now")).toBeVisible();
  await first.button("Show them here").click();
  await expect(first.heading).toHaveText("Frame 1");
});

test("each machine's pages ask for a process of their own, error pages too", async ({
  page,
  open,
}) => {
  const answers = new Map<string, string | undefined>();
  page.on("response", (answer) =>
    answers.set(new URL(answer.url()).pathname, answer.headers()["origin-agent-cluster"]),
  );
  const pane = await open(page, { attributes: GUEST });
  await expect(pane.heading).toHaveText("Blank");
  await pane.go("/garbage");
  await expect(pane.heading).toHaveText("The page could not be loaded");
  for (const path of ["/router-bridge.html", "/blank", "/garbage"])
    expect(answers.get(path), path).toBe("?1");
});

test("on the page's own origin, when the embedder allows it", async ({ page, open, fake }) => {
  const attributes = { "allow-same-origin-guest": "", path: "/frame?s" };
  const pane = await open(page, { attributes });
  await expect(pane.heading).toHaveText("Frame s");
  expect(await pane.run(() => fetch("/echo").then((answer) => answer.status))).toBe(200);
  // The page itself goes on to be served by its host.
  const asked = fake.visits.seen.length;
  expect(await page.evaluate(() => fetch("/pane.html").then((page) => page.text()))).toContain(
    "Pane",
  );
  expect(fake.visits.seen).toHaveLength(asked);
});

test("the server gives a guest origin the bridge, and other names nothing", async ({
  paneSite,
}) => {
  const { port } = new URL(paneSite);
  const ask = (host: string, path: string) =>
    new Promise<IncomingMessage>((resolve) => {
      get({ host: "127.0.0.1", port, path, headers: { Host: host } }, (answer) => {
        answer.resume();
        resolve(answer);
      });
    });
  const status = async (host: string, path: string) => (await ask(host, path)).statusCode;
  for (const host of ["router.localhost", `m1.router.localhost:${port}`]) {
    const bridge = await ask(host, "/router-bridge.html?x");
    expect(bridge.statusCode).toBe(200);
    expect(bridge.headers["content-security-policy"]).toContain("frame-ancestors 'self'");
    for (const path of ["/router-bridge.html", "/router-bridge.js", "/router-service-worker.js"])
      expect((await ask(host, path)).headers["origin-agent-cluster"], path).toBe("?1");
    for (const path of [
      "/",
      "/pane.html",
      "/playground/openwrt-web.js",
      "/router-bridge.html/../pane.html",
    ])
      expect(await status(host, path), path).toBe(404);
  }
  expect(await status(`localhost:${port}`, "/pane.html")).toBe(200);
  for (const host of ["evil.example", "localhost.evil.example", "router.localhost.evil.example"])
    expect(await status(host, "/pane.html"), host).toBe(421);
});
