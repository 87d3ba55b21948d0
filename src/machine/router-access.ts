/** What a page does with a router that is on: commands, HTTP, TCP, and where it is on the network. */
import type { ByteStream } from "../common/byte-stream.js";
import { NetworkError } from "../network/errors.js";
import type { HttpExchange } from "../network/http-message.js";
import type { ConnectOptions, LanStatus } from "../network/lan-host.js";
import { MachineError } from "./errors.js";
import { LISTENING, type ListeningPort, listeningPorts } from "./listening-ports.js";
import type { ExecOptions, ExecResult } from "./shell.js";
import type { WorkerLink } from "./worker-link.js";

export abstract class RouterAccess extends EventTarget {
  #status: LanStatus = { phase: "searching" };
  #wan = false;

  /** The boot that runs now. */
  protected abstract get link(): WorkerLink | undefined;

  /**
   * Runs a command in the router's root shell, after those asked before. While the router boots it waits.
   *
   * @param command what `sh -c` would take
   * @returns output as text, and the exit status
   * @throws {MachineError} the router is off or went off; {@link DOMException} on timeout or abort
   */
  exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    if (!this.link)
      return Promise.reject(new MachineError("The router is off. Start it to run commands."));
    return this.link.exec(command, options);
  }

  /**
   * HTTP to the router, as its LAN sees it. Differs from the web's `fetch` in what router-fetch.ts says: every host name
   * is the router, `Cookie` and `Set-Cookie` are not hidden, `redirect: "manual"` gives the redirect itself.
   *
   * @param input address, for example "/cgi-bin/luci/"; or a Request
   * @throws {NetworkError} the router is off, cannot be reached, or does not answer with HTTP
   * @throws {TypeError} the request makes no sense; or the signal's reason
   */
  async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const { routerFetch } = await import("../network/router-fetch.js");
    return routerFetch(this.exchange, `http://${this.#status.router ?? "router"}/`, input, init);
  }

  /** One HTTP request as it is on the wire: no redirects are followed, no header is hidden. */
  readonly exchange: HttpExchange = (request, signal) =>
    this.link ? this.link.exchange(request, signal) : Promise.reject(new NetworkError("off"));

  /**
   * Opens a TCP connection to the router, from its LAN.
   *
   * @param port 1 to 65,535
   * @throws {NetworkError} the router is off, cannot be reached, or refuses; or the signal's reason
   */
  connect(port: number, options: ConnectOptions = {}): Promise<ByteStream> {
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      return Promise.reject(new RangeError(`${port} is no TCP port.`));
    return this.link ? this.link.connect(port, options) : Promise.reject(new NetworkError("off"));
  }

  /** The TCP ports that the router listens on for its LAN, by number. */
  async listeningPorts(): Promise<ListeningPort[]> {
    return listeningPorts((await this.exec(LISTENING)).stdout);
  }

  /** Where the page's PC on the LAN has found the router; changes with the event "networkchange". */
  get network(): LanStatus {
    return this.#status;
  }

  /** Whether the router's WAN card is plugged in, see {@link plugWan}. Kept over reboots, not over reloads. */
  get wan(): boolean {
    return this.#wan;
  }

  /**
   * Plugs the router's WAN card into a provider in the page, which gives it an address and answers for a few names and
   * leads nowhere else; or pulls the cable, which is how a machine begins.
   *
   * @throws {MachineError} the provider could not be downloaded
   */
  async plugWan(plugged: boolean): Promise<void> {
    await this.link?.plugWan(plugged);
    this.#wan = plugged;
    this.dispatchEvent(new Event("networkchange"));
  }

  protected networkChanged(status: LanStatus): void {
    this.#status = status;
    this.dispatchEvent(new Event("networkchange"));
  }
}
