/** The element in pages of other people. */
import type { Page } from "@playwright/test";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import sirv from "sirv";
import { DIST } from "../../scripts/lib/paths.js";
import { expect, Router, test } from "./fixtures.js";

/** Opens a page with this body on the site. */
async function open(page: Page, site: string, body: string): Promise<Router> {
  const url = `${site}somebody-elses.html`;
  await page.route(url, (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<!doctype html><title>Somebody's page</title>
        <script type="module" src="playground/openwrt-playground.js"></script>${body}`,
    }),
  );
  await page.goto(url);
  await page.waitForFunction(() => customElements.get("openwrt-playground") !== undefined);
  return new Router(page);
}

const ELEMENT = `<openwrt-playground firmware="demo" autostart></openwrt-playground>`;
const input = (page: Page) => page.locator("openwrt-terminal textarea");

test("an element made by script starts the machine that the script took before", async ({
  page,
  site,
}) => {
  await open(page, site, "");
  const result = await page.evaluate(async () => {
    const element = document.createElement("openwrt-playground");
    element.setAttribute("firmware", "demo");
    const { machine } = element;
    document.body.append(element);
    await machine.start();
    return { same: element.machine === machine, state: machine.state };
  });
  expect(result).toEqual({ same: true, state: "running" });
  await expect.poll(() => new Router(page).screen()).toContain("root@");
});

test("a running element keeps its router, its lines and its keyboard wherever it is moved", async ({
  page,
  site,
}) => {
  const router = await open(page, site, `${ELEMENT}<section></section><aside></aside>`);
  await router.reaches("running");
  await input(page).focus();
  await page.keyboard.type("echo old-$((40+2))\n");
  await expect.poll(() => router.screen()).toContain("old-42");
  await page.evaluate(() => {
    const element = document.querySelector("openwrt-playground")!;
    Object.assign(window, { before: element.machine });
  });
  const MOVES = {
    append: () =>
      document.querySelector("section")!.append(document.querySelector("openwrt-playground")!),
    moveBefore: () => {
      const aside = document.querySelector("aside")! as HTMLElement & {
        moveBefore(node: Node, before: null): void;
      };
      aside.moveBefore(document.querySelector("openwrt-playground")!, null);
    },
    "out and in later": async () => {
      const element = document.querySelector("openwrt-playground")!;
      element.remove();
      await new Promise((resolve) => setTimeout(resolve, 300));
      document.querySelector("section")!.append(element);
    },
  };
  for (const [name, move] of Object.entries(MOVES)) {
    await page.evaluate(move);
    await input(page).focus();
    await page.keyboard.type(`echo moved by ${name}\n`);
    await expect.poll(() => router.screen()).toMatch(new RegExp(`^moved by ${name}$`, "m"));
    expect(await router.screen()).toContain("old-42");
    expect(
      await page.evaluate(() => {
        const { machine } = document.querySelector("openwrt-playground")!;
        return machine === (window as unknown as { before: unknown }).before && machine.state;
      }),
    ).toBe("running");
  }
});

test("an element that is gone for good frees its router, and one that comes late starts it again", async ({
  page,
  site,
}) => {
  const router = await open(page, site, ELEMENT);
  await router.reaches("running");
  const held = () => page.evaluate(async () => (await navigator.locks.query()).held?.length ?? 0);
  expect(await held()).toBeGreaterThan(0);
  await page.evaluate(() => {
    const element = document.querySelector("openwrt-playground")!;
    Object.assign(window, { element });
    element.remove();
  });
  await expect.poll(held).toBe(0);
  await page.evaluate(() => document.body.append((window as unknown as { element: Node }).element));
  await router.reaches("running");
  expect(await router.output("echo again")).toBe("again");
});

test("another element with the same router gets it from one that was taken out", async ({
  page,
  site,
}) => {
  // As a framework does that mounts everything twice to find mistakes.
  const router = await open(page, site, "");
  await page.evaluate((element) => {
    document.body.innerHTML = element;
    document.body.innerHTML = element;
  }, ELEMENT);
  await router.reaches("running");
  await page.evaluate((element) => {
    document.body.innerHTML = element;
  }, ELEMENT);
  await router.reaches("running");
  expect(await router.output("echo mine")).toBe("mine");
});

test("the page's shortcuts do not fire, and its cancelling of keys does not eat what is typed", async ({
  page,
  site,
}) => {
  const router = await open(
    page,
    site,
    `${ELEMENT}<script>
      window.fired = [];
      const shortcut = (event) => {
        if (/^(INPUT|TEXTAREA)$/.test(event.target.tagName)) return;
        fired.push(event.key);
        if (event.key === " " || /[A-Z]/.test(event.key)) event.preventDefault();
      };
      document.addEventListener("keydown", shortcut, true);
      document.body.addEventListener("keypress", shortcut);
    </script>`,
  );
  await router.reaches("running");
  await input(page).focus();
  await page.keyboard.type("echo HELLO  two  spaces\n");
  await expect.poll(() => router.screen()).toContain("echo HELLO  two  spaces");
  await expect.poll(() => router.screen()).toMatch(/^HELLO two spaces$/m);
  expect(await page.evaluate(() => (window as unknown as { fired: string[] }).fired)).toEqual([]);
});

test("a router that starts in closed details has its size and its lines when they are opened", async ({
  page,
  site,
}) => {
  const router = await open(page, site, `<details><summary>Try it</summary>${ELEMENT}</details>`);
  await router.reaches("running");
  await page.getByText("Try it").click();
  const size = async () => (await router.output("stty -F /dev/ttyS0 size")).split(" ").map(Number);
  await expect.poll(async () => (await size())[1]).toBeGreaterThan(100);
  expect((await size())[0]).toBeGreaterThan(10);
  await expect.poll(() => router.screen()).toContain("root@");
  await input(page).focus();
  await page.keyboard.type("echo seen-$((1+1))\n");
  await expect.poll(() => router.screen()).toContain("seen-2");
});

test("several routers on one page have a console each", async ({ page, site }) => {
  test.slow();
  await open(
    page,
    site,
    ["one", "two"]
      .map(
        (name) =>
          `<openwrt-playground id="${name}" overlay="${name}" autostart></openwrt-playground>`,
      )
      .join(""),
  );
  for (const name of ["one", "two"])
    await page.waitForFunction(
      (id) =>
        document.querySelector<HTMLElementTagNameMap["openwrt-playground"]>(`#${id}`)?.machine
          .state === "running",
      name,
    );
  for (const name of ["one", "two"]) {
    await page.locator(`#${name} openwrt-terminal textarea`).focus();
    await page.keyboard.type(`echo only-${name}\n`);
  }
  const text = (name: string) =>
    page
      .locator(`#${name} openwrt-terminal`)
      .evaluate((terminal) => (terminal as HTMLElementTagNameMap["openwrt-terminal"]).text());
  await expect.poll(() => text("one")).toMatch(/^only-one$/m);
  await expect.poll(() => text("two")).toMatch(/^only-two$/m);
  expect(await text("one")).not.toContain("only-two");
});

/** Opens a page of somebody's with these headers, and an element whose files come from `files`. */
async function openWith(
  page: Page,
  site: string,
  headers: Record<string, string>,
  files = "",
): Promise<Router> {
  const url = `${site}somebody-elses.html`;
  await page.route(url, (route) =>
    route.fulfill({
      contentType: "text/html",
      headers,
      body: `<!doctype html><title>Somebody's page</title>
        <script type="module" src="${files}playground/openwrt-playground.js"></script>${ELEMENT}`,
    }),
  );
  await page.goto(url);
  const router = new Router(page);
  // Not by a function that waits in the page: Playwright evaluates that from a string, which such pages forbid.
  await expect.poll(() => router.state().catch(() => "not defined yet")).toBe("running");
  return router;
}

for (const policy of ["require-corp", "credentialless"])
  test(`a page that is isolated from other origins (${policy}) has a router, without headers on its files`, async ({
    page,
    site,
  }) => {
    const router = await openWith(page, site, {
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": policy,
    });
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await router.output("echo here")).toBe("here");
  });

test("a page that demands Trusted Types and a strict policy has a router", async ({
  page,
  site,
}) => {
  const reports: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") reports.push(message.text());
  });
  const router = await openWith(page, site, {
    "content-security-policy": [
      "default-src 'self'",
      "script-src 'self' 'wasm-unsafe-eval'",
      "worker-src 'self' blob:",
      "style-src 'unsafe-inline'",
      "require-trusted-types-for 'script'",
      "trusted-types lit-html openwrt-playground",
    ].join("; "),
  });
  expect(await router.output("echo here")).toBe("here");
  await input(page).focus();
  await page.keyboard.type("echo typed-$((40+2))\n");
  await expect.poll(() => router.screen()).toContain("typed-42");
  await page.getByRole("button", { name: "Storage…" }).click();
  await expect(page.getByRole("heading", { name: "What is stored" })).toBeVisible();
  expect(reports.filter((text) => !text.includes("favicon"))).toEqual([]);
});

test("files that lie on another origin, which allows it, run a router that is stored here", async ({
  page,
}) => {
  const files = sirv(DIST, {
    dev: true,
    setHeaders: (response) => response.setHeader("access-control-allow-origin", "*"),
  });
  const theirs = await listen((request, response) => files(request, response));
  const script = `${theirs.url}playground/openwrt-playground.js`;
  const ours = await listen((_request, response) =>
    response
      .setHeader("content-type", "text/html")
      .end(`<!doctype html><script type="module" src="${script}"></script>${ELEMENT}`),
  );
  try {
    await page.goto(ours.url);
    const router = new Router(page);
    await page.waitForFunction(() => customElements.get("openwrt-playground") !== undefined);
    await router.reaches("running");
    expect(await router.output("echo there > /etc/there; sync; cat /etc/there")).toBe("there");
    const names = await page.evaluate(async () =>
      (await indexedDB.databases()).map(({ name }) => name),
    );
    expect(names.join()).toContain("openwrt-playground");
  } finally {
    for (const server of [ours, theirs]) server.close();
  }
});

async function listen(listener: RequestListener): Promise<{ url: string; close(): void }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://localhost:${port}/`, close };
}
