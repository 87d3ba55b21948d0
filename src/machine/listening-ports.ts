/** Which TCP ports a router listens on, read from the kernel: OpenWrt's busybox need not have netstat. */

export interface ListeningPort {
  readonly port: number;
  /** usual name of the service, when it has one */
  readonly service: string | undefined;
}

/** Prints what {@link listeningPorts} reads. */
export const LISTENING = "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; true";

/** State "listen" (include/net/tcp_states.h). */
const LISTEN = "0A";
/** Addresses that only the router itself reaches: 127.0.0.0/8 and ::1, each word in the CPU's byte order. */
const LOCAL = /^(?:[0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F)$/;
const SERVICES: Record<number, string> = {
  22: "SSH",
  23: "Telnet",
  53: "DNS",
  80: "HTTP",
  443: "HTTPS",
};

/**
 * @param text /proc/net/tcp and tcp6, one after the other
 * @returns by number, each once; without those that listen on a loopback address
 */
export function listeningPorts(text: string): ListeningPort[] {
  const ports = new Set<number>();
  for (const line of text.split("\n")) {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    if (state === LISTEN && /^[0-9A-F]{4}$/.test(port) && !LOCAL.test(address))
      ports.add(parseInt(port, 16));
  }
  return [...ports]
    .sort((one, other) => one - other)
    .map((port) => ({ port, service: SERVICES[port] }));
}
