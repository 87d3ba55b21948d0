import { expect } from "@esm-bundle/chai";
import { bridgeAddress, readBridgeAddress } from "../../src/web-pane/messages.js";

const PAGE = new URL("https://host.example/router?token=secret#part");

describe("the bridge's address", () => {
  it("tells the guest nothing of the page but its origin", () => {
    const address = bridgeAddress("id", PAGE, "https://guest.example");
    expect(address.href).to.not.contain("secret");
    expect(readBridgeAddress(address.href)).to.deep.equal({
      id: "id",
      host: "https://host.example",
    });
  });

  it("names the page where the guest shares its origin, and can read it anyway", () => {
    const address = bridgeAddress("id", PAGE, "https://host.example");
    expect(readBridgeAddress(address.href)).to.deep.equal({
      id: "id",
      host: "https://host.example",
      page: "https://host.example/router?token=secret",
    });
  });

  it("is known from others", () => {
    for (const other of [
      "https://guest.example/",
      "https://guest.example/router-bridge.html",
      "https://guest.example/router-bridge.html#id=1",
      "https://guest.example/else#id=1&host=x",
    ])
      expect(readBridgeAddress(other), other).to.equal(undefined);
  });
});
