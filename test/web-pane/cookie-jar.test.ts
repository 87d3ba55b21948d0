import { expect } from "@esm-bundle/chai";
import { CookieJar } from "../../src/web-pane/cookie-jar.js";

const LUCI = "/cgi-bin/luci/admin/status";

describe("cookie jar", () => {
  it("sends a cookie where its path covers the request's, the longer path first", () => {
    const jar = new CookieJar();
    jar.store(["all=1; Path=/", "luci=2; path=/cgi-bin/luci", "deep=3; Path=/cgi-bin/luci/"], "/");
    expect(jar.header(LUCI)).to.equal("deep=3; luci=2; all=1");
    expect(jar.header("/cgi-bin/luci?x=/")).to.equal("luci=2; all=1");
    expect(jar.header("/cgi-bin/lucifer")).to.equal("all=1");
    expect(jar.header("/")).to.equal("all=1");
  });

  it("takes the folder of the request for the path that is not given", () => {
    const jar = new CookieJar();
    jar.store(["a=1", "b=2; Path=relative"], "/cgi-bin/status?next=/x/y");
    expect(jar.header("/cgi-bin/other")).to.equal("a=1; b=2");
    expect(jar.header("/")).to.equal("");
    jar.store(["c=3"], "/top");
    expect(jar.header("/")).to.equal("c=3");
  });

  it("replaces by name and path, in the old one's place", () => {
    const jar = new CookieJar();
    jar.store(["a=1", "b=2"], "/");
    jar.store(["a=3", "a=4; Path=/x"], "/");
    expect(jar.header("/")).to.equal("a=3; b=2");
    expect(jar.header("/x")).to.equal("a=4; a=3; b=2");
  });

  it("forgets by Max-Age, else by Expires", () => {
    let now = Date.parse("2026-01-01T00:00:00Z");
    const jar = new CookieJar(() => now);
    const early = "Thu, 01 Jan 1970 00:00:00 GMT";
    jar.store(
      [`a=1; Max-Age=60; Expires=${early}`, "b=2; Expires=Thu, 01 Jan 2026 00:02:00 GMT", "c=3"],
      "/",
    );
    expect(jar.header("/")).to.equal("a=1; b=2; c=3");
    now += 61_000;
    expect(jar.header("/")).to.equal("b=2; c=3");
    now += 60_000;
    expect(jar.header("/")).to.equal("c=3");
    jar.store([`c=; Expires=${early}`], "/");
    expect(jar.header("/")).to.equal("");
    jar.store(["d=4; Max-Age=nonsense; Expires=nonsense"], "/");
    expect(jar.header("/")).to.equal("d=4");
  });

  it("keeps a value as it came", () => {
    const jar = new CookieJar();
    jar.store(['a="x=y%20z"'], "/");
    expect(jar.header("/")).to.equal('a="x=y%20z"');
  });

  it("refuses Secure, the nameless, what is too large, and what would end the field", () => {
    const jar = new CookieJar();
    jar.store(
      ["s=1; Secure", "__Secure-t=1; Secure", "=2", "", `l=${"x".repeat(5000)}`, "c=\r\nX: y"],
      "/",
    );
    expect(jar.header("/")).to.equal("");
  });

  it("keeps a bounded number, the oldest go first", () => {
    const jar = new CookieJar();
    jar.store(
      Array.from({ length: 500 }, (_, at) => `c${at}=1`),
      "/",
    );
    const kept = jar.header("/").split("; ");
    expect(kept).to.have.length(100);
    expect(kept[0]).to.equal("c400=1");
  });

  it("shows scripts what they may see, and takes from their sight what they may not any more", () => {
    const jar = new CookieJar(() => 1000);
    const session = { name: "a", value: "1", path: "/", expires: null };
    expect(jar.store(["a=1", "h=2; HttpOnly", "m=3; Max-Age=1"], "/")).to.deep.equal([
      session,
      { name: "m", value: "3", path: "/", expires: 2000 },
    ]);
    expect(jar.store(["a=2; HttpOnly"], "/")).to.deep.equal([
      { ...session, value: "", expires: 0 },
    ]);
  });
});
