/**
 * What the page asks of the router under a number: commands, connections, HTTP. Each has one answer, by its number, and
 * the page may lose interest in it.
 */
import { NETWORK_PORT } from "../network/failure.js";
import { receiveStream, sendStream, serveByteStream } from "../common/byte-port.js";
import type { FromWorker, ToWorker } from "./messages.js";
import type { RouterNetwork } from "./router-network.js";
import type { RouterShell } from "./shell.js";

/** Requests that change nothing (RFC 9110, 9.2.1); what asks for pages all the time is among them. */
const READS = ["GET", "HEAD", "OPTIONS"];

type Message<Type extends ToWorker["type"]> = ToWorker & { type: Type };

export interface RequestsOptions {
  readonly shell: RouterShell;
  readonly network: RouterNetwork;
  readonly post: (message: FromWorker) => void;
  /** called after something was asked for that may have changed the router's files */
  readonly onTouched: () => void;
}

export class PageRequests {
  readonly #running = new Map<number, AbortController>();
  #commands = 0;

  constructor(private readonly options: RequestsOptions) {}

  /** How many commands are under way or wait. */
  get commands(): number {
    return this.#commands;
  }

  receive(message: Message<"exec" | "connect" | "http" | "wan" | "cancel">): void {
    switch (message.type) {
      case "exec":
        return void this.#exec(message);
      case "connect":
        return void this.#connect(message);
      case "http":
        return void this.#http(message);
      case "wan":
        return void this.answer(message.id, () => this.#plugWan(message));
      case "cancel":
        return this.#running.get(message.id)?.abort();
    }
  }

  /** Does what was asked for under a number; a failure is the answer then. */
  async answer(id: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.options.post({ type: "refused", id, failure: NETWORK_PORT.codec.encode(error) });
    }
  }

  async #exec({ id, command, stdin, timeout }: Message<"exec">): Promise<void> {
    this.#commands++;
    await this.#cancellable(id, async (signal) => {
      const result = await this.options.shell.exec(command, { stdin, timeout, signal });
      this.options.post({ type: "result", id, result });
    });
    this.#commands--;
    this.options.onTouched();
  }

  async #connect({ id, port, timeout, stream }: Message<"connect">): Promise<void> {
    await this.#cancellable(id, async (signal) => {
      const connection = await this.options.network.connect(port, signal, timeout);
      void serveByteStream(stream, connection, NETWORK_PORT);
      this.options.post({ type: "connected", id });
    });
    this.options.onTouched();
  }

  async #plugWan({ id, plugged }: Message<"wan">): Promise<void> {
    await this.options.network.plugWan(plugged);
    this.options.post({ type: "connected", id });
  }

  async #http({ id, request, body, answer }: Message<"http">): Promise<void> {
    await this.#cancellable(id, async (signal) => {
      const sent = body instanceof MessagePort ? receiveStream(body, NETWORK_PORT).readable : body;
      const response = await this.options.network.exchange({ ...request, body: sent }, signal);
      const { status, statusText, headers } = response;
      const hasBody = response.body !== null;
      this.options.post({ type: "response", id, status, statusText, headers, hasBody });
      // Until its last byte it can be given up.
      if (response.body)
        await sendStream(answer, response.body, { ...NETWORK_PORT, signal }).catch(() => undefined);
      else answer.close();
    });
    if (!READS.includes(request.method)) this.options.onTouched();
  }

  /** Does what was asked for under a number, until it is done or `cancel` comes. */
  async #cancellable(id: number, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const cancel = new AbortController();
    this.#running.set(id, cancel);
    await this.answer(id, () => work(cancel.signal));
    this.#running.delete(id);
  }
}
