/** What the HTTP tests begin with: a client over real sockets, and requests in one line. */
import { strict as assert } from "node:assert";
import { llhttpWasm } from "../../src/cli/llhttp.js";
import type { Connect } from "../../src/network/connection-pool.js";
import { NetworkError, type NetworkProblem } from "../../src/network/errors.js";
import { HttpClient, type HttpClientOptions } from "../../src/network/http-client.js";
import type { HttpRequest, HttpResponse } from "../../src/network/http-message.js";
import { Sockets } from "./sockets.js";

export const LLHTTP = new WebAssembly.Module(llhttpWasm());

/** A client with its sockets; disposing it ends both, and checks that no socket is left. */
export class TestClient implements AsyncDisposable {
  readonly sockets = new Sockets();
  readonly client: HttpClient;

  constructor(options: Partial<HttpClientOptions> = {}, connect: Connect = this.sockets.connect) {
    this.client = new HttpClient(connect, LLHTTP, {
      host: () => "127.0.0.1",
      ...options,
    });
  }

  send(
    port: number,
    request: Partial<HttpRequest> = {},
    signal = new AbortController().signal,
  ): Promise<HttpResponse> {
    const all = { method: "GET", target: "/", headers: [], body: null, ...request, port };
    return this.client.exchange(all, signal);
  }

  async text(port: number, request: Partial<HttpRequest> = {}): Promise<string> {
    return text(await this.send(port, request));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy();
    await this.sockets.allClosed();
  }
}

export async function bytes(response: HttpResponse): Promise<Uint8Array> {
  return new Uint8Array(await new Response(response.body).arrayBuffer());
}

export async function text(response: HttpResponse): Promise<string> {
  return new TextDecoder().decode(await bytes(response));
}

export function header(response: HttpResponse, name: string): string | undefined {
  return response.headers.find(([each]) => each.toLowerCase() === name)?.[1];
}

/** Checks that something fails, why, and with a message that says so. */
export async function failsWith(
  promise: Promise<unknown>,
  problem: NetworkProblem,
  detail = /./,
): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert(error instanceof NetworkError, String(error));
    assert.equal(error.problem, problem, error.message);
    assert.match(error.message, detail);
    return true;
  });
}

/** Bytes that are the same for the same length, and differ at every place nearby. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length);
  for (let at = 0; at < length; at++) all[at] = (at * 31 + (at >> 8) * 17) & 255;
  return all;
}
