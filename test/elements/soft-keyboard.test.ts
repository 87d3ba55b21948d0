import { expect } from "@esm-bundle/chai";
import { coveredHeight } from "../../src/elements/soft-keyboard.js";

describe("keyboard on the screen", () => {
  const open = { offsetTop: 0, height: 400, scale: 1 };

  it("covers what lies below the visible part", () => {
    expect(coveredHeight({ top: 100, bottom: 700 }, open)).to.equal(300);
    expect(coveredHeight({ top: 100, bottom: 380 }, open)).to.equal(0);
    expect(coveredHeight({ top: 100, bottom: 700 }, { ...open, offsetTop: 200 })).to.equal(100);
  });

  it("covers nothing while the page is magnified, for then it is not the keyboard", () => {
    expect(coveredHeight({ top: 100, bottom: 700 }, { ...open, scale: 2 })).to.equal(0);
  });

  it("leaves an element alone of which hardly anything would remain", () => {
    expect(coveredHeight({ top: 300, bottom: 700 }, open)).to.equal(0);
    expect(coveredHeight({ top: 500, bottom: 700 }, open)).to.equal(0);
  });
});
