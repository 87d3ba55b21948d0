import { expect } from "@esm-bundle/chai";
import "../../src/elements/openwrt-playground.js";
import type { OpenwrtPlayground } from "../../src/elements/openwrt-playground.js";
import { StoredRouterEvent } from "../../src/elements/openwrt-stored-routers.js";
import type { Machine } from "../../src/machine/machine.js";
import { press, until } from "./fake-console.js";

// The build puts a name there; here a start fails at it, which is enough to see that there was one.
Object.assign(globalThis, { WORKER_FILE: "no-such-worker.js" });

/** A machine that was ended for good says so; any other one finds no firmware here. */
async function isEnded(machine: Machine): Promise<boolean> {
  const error: unknown = await machine.start().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof Error && error.message === "This router was removed from the page.";
}

const later = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe("playground element", () => {
  let page: HTMLElement;
  beforeEach(() => {
    page = document.createElement("main");
    document.body.append(page);
  });
  afterEach(() => page.remove());

  function create(attributes: Record<string, string> = {}): OpenwrtPlayground {
    const element = document.createElement("openwrt-playground");
    for (const [name, value] of Object.entries({ assets: "/test/firmware/site/", ...attributes }))
      element.setAttribute(name, value);
    return element;
  }

  it("keeps the machine that a script took before it was in the page", async () => {
    const element = create();
    const { machine } = element;
    page.append(element);
    await element.updateComplete;
    expect(element.machine).to.equal(machine);
    expect(await isEnded(machine)).to.equal(false);
  });

  it("has another machine after its firmware or overlay changed, before it is in the page as well", async () => {
    const element = create();
    const first = element.machine;
    element.setAttribute("firmware", "other");
    page.append(element);
    await element.updateComplete;
    const second = element.machine;
    expect(second.firmware).to.equal("other");
    element.overlay = "mine";
    await element.updateComplete;
    expect(element.machine.overlay).to.equal("mine");
    expect(await isEnded(first)).to.equal(true);
    expect(await isEnded(second)).to.equal(true);
  });

  it("keeps its machine when it is moved, and when a framework takes it out and in again", async () => {
    const element = create();
    page.append(element);
    await element.updateComplete;
    const { machine } = element;
    const elsewhere = document.createElement("section");
    page.append(elsewhere);
    elsewhere.append(element);
    element.remove();
    page.append(element);
    for (const milliseconds of [0, 200]) {
      element.remove();
      await later(milliseconds);
      page.append(element);
      await element.updateComplete;
      expect(element.machine).to.equal(machine);
    }
    await later(1200);
    expect(element.machine).to.equal(machine);
    expect(await isEnded(machine)).to.equal(false);
  });

  it("ends its machine when it does not come back, and has a new one when it does after all", async () => {
    const element = create();
    page.append(element);
    await element.updateComplete;
    const { machine } = element;
    let ended = false;
    machine.destroy = () => {
      ended = true;
      return Promise.resolve();
    };
    element.remove();
    await until("it is ended", () => ended);
    page.append(element);
    await element.updateComplete;
    expect(element.machine).to.not.equal(machine);
    expect(element.machine.state).to.equal("off");
  });

  it("lets a router go at once that another element wants", async () => {
    const first = create();
    page.append(first);
    await first.updateComplete;
    const { machine } = first;
    first.remove();
    const other = create({ overlay: "other" });
    page.append(other);
    await other.updateComplete;
    const second = create();
    page.append(second);
    await second.updateComplete;
    expect(await isEnded(machine)).to.equal(true);
    expect(await isEnded(other.machine)).to.equal(false);
  });

  it("says so when its attributes name no router, and recovers", async () => {
    const element = create({ firmware: "no such name!" });
    page.append(element);
    await element.updateComplete;
    expect(element.renderRoot.querySelector("openwrt-notice")).to.not.equal(null);
    expect(element.renderRoot.querySelector("openwrt-terminal")!.machine).to.equal(undefined);
    element.firmware = "good";
    await element.updateComplete;
    expect(element.machine.firmware).to.equal("good");
  });

  it("takes no focus and does not scroll the page", async () => {
    const tall = document.createElement("div");
    tall.style.height = "3000px";
    page.append(tall);
    const element = create({ autostart: "" });
    page.append(element);
    await element.updateComplete;
    await until("it tried to start", () => element.machine.state === "failed");
    expect(document.activeElement).to.equal(document.body);
    expect(scrollY).to.equal(0);
  });

  it("F6 leads on to what follows the console, Shift+F6 to what is before it", async () => {
    const element = create();
    page.append(element);
    await element.updateComplete;
    const terminal = element.renderRoot.querySelector("openwrt-terminal")!;
    await until(
      "the console is open",
      () => terminal.renderRoot.querySelector("textarea") !== null,
    );
    const focused = () => element.shadowRoot!.activeElement;
    terminal.focus();
    expect(element.isContentEditable).to.equal(true);
    await press("F6");
    expect(focused()?.closest(".foot")).to.not.equal(null);
    expect(element.isContentEditable).to.equal(false);
    terminal.focus();
    await press("Shift+F6");
    expect(focused()?.closest(".bar")).to.not.equal(null);
  });

  it("does not let a file that is dropped beside the console take the place of the page", async () => {
    const element = create();
    page.append(element);
    await element.updateComplete;
    const transfer = new DataTransfer();
    transfer.items.add(new File(["x"], "x.txt"));
    for (const type of ["dragover", "drop"]) {
      const event = new DragEvent(type, {
        ...{ dataTransfer: transfer, bubbles: true, composed: true, cancelable: true },
      });
      element.renderRoot.querySelector(".foot")!.dispatchEvent(event);
      expect(event.defaultPrevented, type).to.equal(true);
    }
  });

  it("reflects its theme, and no attribute when none is asked for", async () => {
    const element = create();
    page.append(element);
    await element.updateComplete;
    expect(element.hasAttribute("theme")).to.equal(false);
    element.theme = "dark";
    await element.updateComplete;
    expect(getComputedStyle(element).colorScheme).to.equal("dark");
  });

  describe("with another stored router chosen", () => {
    const GOOD = fetch("/test/firmware/site/images/good/firmware.json")
      .then((response) => response.json() as Promise<{ root: { sha256: string } }>)
      .then(({ root }) => root.sha256);

    async function choose(element: OpenwrtPlayground, firmware: string): Promise<void> {
      page.append(element);
      await element.updateComplete;
      element.renderRoot.querySelector<HTMLButtonElement>(".foot button")!.click();
      const shown = () => element.renderRoot.querySelector("openwrt-storage-dialog");
      await until("the dialog is there", () => shown() !== null);
      const dialog = shown()!;
      const router = { name: "mine", firmware, bytes: 1, memoryBytes: 0, inUse: false };
      dialog.dispatchEvent(new StoredRouterEvent(router));
    }

    it("changes to it and starts it, by the name that the site has for its firmware", async () => {
      const element = create({ firmware: "other" });
      let heard = "";
      element.addEventListener("openrouter", (event) => {
        heard = `${event.firmware}/${event.overlay}`;
      });
      await choose(element, await GOOD);
      await until("it tried to start", () => element.machine.state === "failed");
      expect([element.firmware, element.overlay]).to.deep.equal(["good", "mine"]);
      expect(heard).to.equal("good/mine");
    });

    it("stays as it is when the page does it in its own way", async () => {
      const element = create({ firmware: "good" });
      let heard = "";
      element.addEventListener("openrouter", (event) => {
        event.preventDefault();
        heard = `${event.firmware}/${event.overlay}`;
      });
      await choose(element, await GOOD);
      await until("the page heard of it", () => heard === "good/mine");
      await element.updateComplete;
      expect(element.overlay).to.equal("default");
    });

    it("says so when the site does not offer its firmware", async () => {
      const element = create({ firmware: "good" });
      await choose(element, "0".repeat(64));
      const dialog = element.renderRoot.querySelector("openwrt-storage-dialog")!;
      await until("it says so", () =>
        [...dialog.renderRoot.querySelectorAll("[role=status]")].some((status) =>
          status.textContent.includes("The firmware of “mine” is not offered here."),
        ),
      );
      expect(element.overlay).to.equal("default");
    });
  });
});
