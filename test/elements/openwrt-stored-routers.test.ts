import { expect } from "@esm-bundle/chai";
import { sendKeys } from "@web/test-runner-commands";
import {
  StoredRouterEvent,
  type OpenwrtStoredRouters,
} from "../../src/elements/openwrt-stored-routers.js";
import type { HeldRouter, RouterStore, StoredRouter } from "../../src/elements/router-store.js";
import { press, until } from "./fake-console.js";

const DEMO = "d".repeat(64);
const OTHER = "e".repeat(64);

function router(name: string, also: Partial<StoredRouter> = {}): StoredRouter {
  return {
    ...{ name, firmware: DEMO, title: "Demo 1.0", bytes: 1_234_567, memoryBytes: 0 },
    ...{ changed: new Date(2025, 10, 3, 14, 5), inUse: false },
    ...also,
  };
}

class FakeStore implements RouterStore {
  routers: StoredRouter[] = [];
  readonly held = new Set<string>();
  refusal: Error | undefined;

  list(): Promise<StoredRouter[]> {
    return Promise.resolve([...this.routers].sort((a, b) => (a.name < b.name ? -1 : 1)));
  }

  open(name: string, firmware: string): Promise<HeldRouter> {
    if (this.refusal) return Promise.reject(this.refusal);
    this.held.add(name);
    const own = this.routers.find((each) => each.name === name && each.firmware === firmware)!;
    const others = () => this.routers.filter((each) => each !== own);
    const done = (routers: StoredRouter[]) => {
      this.routers = routers;
      return Promise.resolve();
    };
    return Promise.resolve({
      rename: (to: string) => done([...others(), { ...own, name: to }]),
      duplicate: (to: string) => done([...this.routers, { ...own, name: to }]),
      delete: () => done(others()),
      export: () => Promise.resolve(new Blob(["copy"])),
      close: () => {
        this.held.delete(name);
        return Promise.resolve();
      },
    });
  }
}

describe("list of stored routers", () => {
  let store: FakeStore;
  let list: OpenwrtStoredRouters;
  beforeEach(async () => {
    store = new FakeStore();
    store.routers = [
      router("home", { memoryBytes: 18_000_000, inUse: true }),
      router("lab"),
      router("old", { firmware: OTHER, title: undefined, changed: undefined }),
      router("broken", { problem: "damaged", bytes: 0 }),
    ];
    list = document.createElement("openwrt-stored-routers");
    list.store = store;
    document.body.append(list);
    await list.refresh();
  });
  afterEach(() => list.remove());

  const root = () => list.renderRoot as ShadowRoot;
  const item = (name: string) =>
    [...root().querySelectorAll("li")].find((each) =>
      each.querySelector("h3")!.textContent.trim().startsWith(name),
    )!;
  const button = (name: string) =>
    [...root().querySelectorAll("button")].find((each) => each.ariaLabel === name)!;
  const names = () => store.routers.map(({ name }) => name).sort();
  const message = () => root().querySelector("[role=status]")!.textContent;
  const says = (text: string) => until(`it says “${text}”`, () => message() === text);

  it("shows every one with its firmware, size and last change", () => {
    const text = (name: string) => item(name).textContent.replace(/\s+/g, " ");
    expect([...root().querySelectorAll("li")]).to.have.length(4);
    expect(text("home")).to.contain("home · Demo 1.0");
    expect(text("home")).to.contain("1.2 MB of changes, 18.0 MB of memory");
    expect(text("home")).to.contain("2025").and.to.contain("in use now");
    expect(text("lab")).to.not.contain("in use");
    expect(text("old")).to.contain("unknown firmware (eeeeeeee…)").and.to.not.contain("changed ");
    expect(text("broken")).to.contain("damaged");
  });

  it("says so when there is none, or when it may not look", async () => {
    store.routers = [];
    await list.refresh();
    expect(root().textContent).to.contain("No router has changed anything yet.");
    store.list = () => Promise.reject(new Error("The browser does not let the page look."));
    await list.refresh();
    await says("The browser does not let the page look.");
  });

  it("leaves opening to the page", () => {
    let opened: StoredRouter | undefined;
    list.addEventListener("open", (event) => {
      if (event instanceof StoredRouterEvent) opened = event.router;
    });
    button("Open “lab”").click();
    expect(opened?.name).to.equal("lab");
    expect(opened?.firmware).to.equal(DEMO);
  });

  it("renames by keyboard, and the focus stays with the router", async () => {
    button("Rename “lab”").focus();
    await press("Enter");
    await until("a name is asked for", () => root().activeElement?.localName === "input");
    await sendKeys({ type: "workshop" });
    await press("Enter");
    await says("“lab” is called “workshop” now.");
    expect(names()).to.deep.equal(["broken", "home", "old", "workshop"]);
    await until("the focus is there", () => root().activeElement === button("Rename “workshop”"));
    expect(store.held.size).to.equal(0);
  });

  it("gives up naming by Escape, which reaches nobody else", async () => {
    let closed = false;
    list.addEventListener("keydown", () => (closed = true));
    button("Duplicate “lab”").click();
    await until("a name is asked for", () => root().activeElement?.localName === "input");
    expect(root().querySelector("input")!.value).to.equal("lab-2");
    await press("Escape");
    await until("it is over", () => root().activeElement === button("Duplicate “lab”"));
    expect(closed).to.equal(false);
    expect(names()).to.have.length(4);
  });

  it("does not take a name that cannot be one, or is taken, and says why", async () => {
    button("Duplicate “lab”").click();
    await until("a name is asked for", () => root().activeElement?.localName === "input");
    for (const [name, error] of [
      ["My Router", "Use up to 64 lower-case letters, digits, “.”, “_” and “-”."],
      ["home", "There is a router called “home” already."],
      ["lab", "There is a router called “lab” already."],
    ] as const) {
      root().querySelector("input")!.value = name;
      await press("Enter");
      await until(`it says ${error}`, () => root().querySelector("#error")?.textContent === error);
      expect(root().querySelector("input")!.ariaInvalid).to.equal("true");
    }
    root().querySelector("input")!.value = "lab-3";
    await press("Enter");
    await says("“lab-3” is a copy of “lab”.");
    expect(names()).to.deep.equal(["broken", "home", "lab", "lab-3", "old"]);
  });

  it("asks before it deletes, holds the router meanwhile, and takes no for an answer", async () => {
    const dialog = () =>
      root().querySelector("openwrt-confirm-dialog")!.renderRoot.querySelector("dialog")!;
    const answer = async (value: string) => {
      await until("it asks", () => dialog().open);
      expect(dialog().textContent).to.contain("Delete “lab”?");
      expect(store.held.has("lab")).to.equal(true);
      dialog().querySelector<HTMLButtonElement>(`button[value=${value}]`)!.click();
      await until("it is closed again", () => store.held.size === 0);
    };
    button("Delete “lab”").click();
    await answer("no");
    expect(names()).to.contain("lab");
    await until("it can be used again", () => !button("Delete “lab”").disabled);
    button("Delete “lab”").click();
    await answer("yes");
    await says("“lab” was deleted.");
    expect(names()).to.not.contain("lab");
  });

  it("shows who has a router that is held elsewhere", async () => {
    store.refusal = new Error("This router is already running in another tab or frame.");
    button("Delete “home”").click();
    await says("This router is already running in another tab or frame.");
    expect(names()).to.contain("home");
    await until("it can be used again", () => !button("Delete “home”").disabled);
  });

  it("hands a copy to the downloads", async () => {
    let name = "";
    // The link is not in the page; that it is pressed is seen by nobody else.
    Object.defineProperty(HTMLAnchorElement.prototype, "click", {
      configurable: true,
      value(this: HTMLAnchorElement) {
        name = this.download;
      },
    });
    try {
      button("Save a copy “lab”").click();
      await says("The copy was handed to the browser's downloads.");
    } finally {
      Reflect.deleteProperty(HTMLAnchorElement.prototype, "click");
    }
    expect(name).to.equal("lab.owpg");
  });

  it("lets one that cannot be read only be deleted", () => {
    const enabled = [...item("broken").querySelectorAll("button:enabled")].map(
      (each) => each.ariaLabel,
    );
    expect(enabled).to.deep.equal(["Delete “broken”"]);
  });
});
