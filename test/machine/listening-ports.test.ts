import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { listeningPorts } from "../../src/machine/listening-ports.js";

const HEAD =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const HEAD6 =
  "  sl  local_address                         remote_address                        st tx_queue rx_queue\n";
const REST = "00000000:00000000 00:00000000 00000000     0        0 1205 1 c1a8e6c0 100 0 0 10 0";
const ANY = "00000000";
const ANY6 = "0".repeat(32);

/** A line of /proc/net/tcp or tcp6. */
function socket(address: string, port: number, state = "0A"): string {
  const number = port.toString(16).toUpperCase().padStart(4, "0");
  const nobody = "0".repeat(address.length);
  return `   0: ${address}:${number} ${nobody}:0000 ${state} ${REST}\n`;
}

describe("the ports a router listens on", () => {
  it("are named by their usual services, by number, each once", () => {
    const text = HEAD + socket(ANY, 8080) + socket(ANY, 80) + HEAD6 + socket(ANY6, 80);
    assert.deepEqual(listeningPorts(text), [
      { port: 80, service: "HTTP" },
      { port: 8080, service: undefined },
    ]);
  });

  it("are those of its LAN address, too", () => {
    assert.deepEqual(listeningPorts(HEAD + socket("0101A8C0", 53)), [{ port: 53, service: "DNS" }]);
  });

  it("are not those that only the router itself reaches", () => {
    const local = [
      socket("0100007F", 53),
      socket("0A01007F", 5000),
      socket(`${"0".repeat(24)}01000000`, 53),
      socket(`${"0".repeat(16)}FFFF00000100007F`, 5001),
    ];
    assert.deepEqual(listeningPorts(HEAD + local.join("")), []);
  });

  it("are not those of connections", () => {
    const ESTABLISHED = "01";
    const TIME_WAIT = "06";
    const text = HEAD + socket(ANY, 22, ESTABLISHED) + socket(ANY, 80, TIME_WAIT);
    assert.deepEqual(listeningPorts(text), []);
  });

  it("are none where the kernel tells nothing, or nonsense", () => {
    for (const text of ["", "\n\n", HEAD, "0: x:y z 0A\n", `0: ${ANY}:50 ${ANY}:0000 0A\n`])
      assert.deepEqual(listeningPorts(text), [], text);
  });
});
