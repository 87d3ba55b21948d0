import { expect } from "@esm-bundle/chai";
import { RouterShell } from "../../src/machine/shell.js";

const RS = "\x1e";
const encoder = new TextEncoder();

/**
 * A console as a router's: echoes what is typed, and runs the lines that `RouterShell` types as far as a shell's answer
 * to them matters here.
 *
 * @param lose what of the first text that is typed never reaches the shell
 */
function fakeConsole(lose: (text: string) => string) {
  let first = true;
  let isDefined = false;
  const print = (text: string) => setTimeout(() => shell.receive(encoder.encode(text)), 1);
  const run = (line: string) => {
    if (line.includes("_pg(){")) {
      if (!line.startsWith(" _pg(){")) return print("sh: syntax error\r\n# ");
      isDefined = true;
    }
    const probe = /printf '\\036%s\.' ([0-9a-f]+)$/.exec(line);
    if (probe && (isDefined || !line.includes("type _pg"))) return print(`${RS}${probe[1]}.# `);
    const [, token, command] = /^ _pg ([0-9a-f]+) '(.*)'$/.exec(line) ?? [];
    if (!token) return print("# ");
    print(
      isDefined
        ? `${RS}${token}{ran ${command}${RS}${token}=0}${RS}${token}.# `
        : "_pg: not found\r\n# ",
    );
  };
  const shell: RouterShell = new RouterShell((text) => {
    const heard = first ? lose(text) : text;
    first = false;
    print(heard.replaceAll("\n", "\r\n"));
    for (const line of heard.split("\n").slice(0, -1)) run(line);
  });
  return { shell, print };
}

const LOSSES: Record<string, (text: string) => string> = {
  nothing: (text) => text,
  "the first line": (text) => text.slice(text.indexOf("\n") + 1),
  everything: () => "",
  "half of the first line": (text) => text.slice(text.length / 2),
  "all but the last command": (text) => text.slice(text.lastIndexOf(";") + 1),
};

describe("a router's shell", () => {
  for (const [what, lose] of Object.entries(LOSSES))
    it(`answers commands when ${what} of what was typed first got lost`, async () => {
      const { shell, print } = fakeConsole(lose);
      const connected = shell.connect();
      print("# ");
      await connected;
      const result = await shell.exec("uci show", { timeout: 2000 });
      expect(result).to.deep.equal({ stdout: "ran uci show", stderr: "", exitCode: 0 });
    });

  it("that was found before a restore is not looked for again", async () => {
    const typed: string[] = [];
    const shell: RouterShell = new RouterShell((text) => {
      typed.push(text);
      const token = /^ _pg ([0-9a-f]+)/.exec(text)?.[1] ?? "";
      setTimeout(() =>
        shell.receive(encoder.encode(`${RS}${token}{${RS}${token}=0}${RS}${token}.`)),
      );
    });
    shell.resume();
    await shell.exec("true");
    expect(typed).to.have.length(1);
  });
});
