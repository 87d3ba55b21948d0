/**
 * Answers what the guest's pages ask for: sends each request to the machine, with the router's cookies.
 *
 * Requests come from pages that are not trusted: they are checked before (`readBridgeMessage`), and only so many are
 * under way at a time.
 */
import type { Bytes } from "../common/bytes.js";
import { receiveStream, sendStream } from "../common/byte-port.js";
import { QueueFullError, Semaphore } from "../common/limit.js";
import { decoded } from "../network/content-decoding.js";
import { NetworkError } from "../network/errors.js";
import type { HttpExchange, HttpHeaders, HttpResponse } from "../network/http-message.js";
import { isNullBodyStatus, valuesOf } from "../network/http-syntax.js";
import type { CookieJar } from "./cookie-jar.js";
import { destinationOf } from "./destination.js";
import { reason, requestHeaders, responseHeaders } from "./header-rules.js";
import type { AbortMessage, AnswerMessage, RequestMessage } from "./messages.js";
import { BodyTooLarge, Uploads } from "./uploads.js";

const HTTP_PORT = 80;
/** Names and values of an answer together. Servers send some hundred bytes; browsers stop at 256 KiB. */
const MAX_HEADER_CHARACTERS = 256 * 1024;
/** More than a page of LuCI asks for at a time, and fewer than uhttpd takes. */
const AT_A_TIME = 32;
const MAX_WAITING = 1000;

/** What the pane says instead of an answer. */
export interface RequestTexts {
  readonly noAnswer: string;
  readonly retry: string;
  readonly leadsOut: string;
  readonly leadsOutText: (url: string) => string;
  readonly tlsText: (url: string) => string;
  readonly otherPortText: (url: string) => string;
  readonly bodyTooLarge: string;
}

export interface RequestContext {
  readonly exchange: HttpExchange;
  readonly jar: CookieJar;
  /** the origin that shows the router */
  readonly origin: string;
  /** origins that may frame the router's pages */
  readonly ancestors: readonly string[];
  readonly texts: RequestTexts;
  /** value of the Authorization field, once somebody signed in; "" for none */
  readonly authorization: () => string;
  /** a page asks for a name and a password: browsers do not, for what a service worker answers */
  readonly signIn: () => void;
  /** what a frame asked for is saved, or nothing: the frame stays where it is */
  readonly stays: () => void;
}

type Post = (message: AnswerMessage, transfer?: Transferable[]) => void;

export class GuestRequests {
  readonly #stop = new AbortController();
  readonly #turns = new Semaphore(AT_A_TIME, MAX_WAITING);
  readonly #uploads = new Uploads();
  /** of what is under way, bodies included, by the service worker's life that waits for it */
  readonly #byWorker = new Map<string, Set<AbortController>>();
  /** of pages that a frame waits for */
  readonly #navigations = new Set<AbortController>();

  constructor(private readonly context: RequestContext) {}

  /** Answers one request. Never throws. */
  take(request: RequestMessage): void {
    const { answer, body } = request;
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, this.#stop.signal]);
    const post: Post = (message, transfer = []) => answer.postMessage(message, transfer);
    answer.addEventListener("message", ({ data }: MessageEvent<AbortMessage | null>) => {
      if (data?.type === "abort") abort.abort();
    });
    answer.start();
    if (request.navigation) this.#navigations.add(abort);
    post({ type: "taken" });
    const over = this.#remember(request.worker, abort);
    this.#turns
      .acquire(signal)
      .then(async (free) => {
        const done = () => {
          free();
          over();
        };
        try {
          await this.#answer(request, signal, post, done);
        } catch (error) {
          done();
          throw error;
        }
      })
      .catch((error: unknown) => {
        over();
        if (body) void receiveStream(body).readable.cancel();
        post(this.#failure(signal.aborted ? new NetworkError("off") : error));
      })
      .finally(() => {
        this.#navigations.delete(abort);
        answer.close();
      });
  }

  /** The browser killed the service worker that asked. */
  workerGone(worker: string): void {
    for (const abort of this.#byWorker.get(worker) ?? []) abort.abort();
  }

  /** Another page is asked for. Browsers do not tell a service worker that nobody waits for the one before. */
  leave(): void {
    for (const abort of this.#navigations) abort.abort();
  }

  /** Breaks off what is under way: the machine went off, or the pane is gone. */
  stop(): void {
    this.#stop.abort();
  }

  /** @returns what to call when the request is over */
  #remember(worker: string, abort: AbortController): () => void {
    const requests = this.#byWorker.get(worker) ?? new Set();
    this.#byWorker.set(worker, requests.add(abort));
    return () => {
      requests.delete(abort);
      if (requests.size === 0) this.#byWorker.delete(worker);
    };
  }

  async #answer(
    request: RequestMessage,
    signal: AbortSignal,
    post: Post,
    done: () => void,
  ): Promise<void> {
    const { method, target, body } = request;
    const { exchange, jar, authorization } = this.context;
    const send = (bytes: Bytes | null) => {
      const headers = completed(request.headers, jar.header(target), authorization());
      return exchange({ method, port: HTTP_PORT, target, headers, body: bytes }, signal);
    };
    const response = await (body ? this.#uploads.gather(body, signal, send) : send(null));
    const cookies = jar.store(valuesOf(response.headers, "set-cookie"), target);
    try {
      const shown = this.#shown(request, response);
      const channel = shown.body ? new MessageChannel() : undefined;
      const port = channel?.port2 ?? null;
      post({ ...shown, type: "head", body: port, cookies }, port ? [port] : []);
      if (shown.body && channel) sendStream(channel.port1, shown.body, { signal }).then(done, done);
      else {
        void response.body?.cancel().catch(() => undefined);
        done();
      }
    } catch (error) {
      void response.body?.cancel().catch(() => undefined);
      throw error;
    }
  }

  /** @returns the answer as the guest's pages get it */
  #shown(request: RequestMessage, response: HttpResponse): HttpResponse {
    const { origin, ancestors, signIn, stays } = this.context;
    check(response);
    if (request.navigation && isNoPage(response)) stays();
    if (request.navigation && asksForPassword(response)) signIn();
    const headers = led(response.headers, origin + request.target);
    const body = isNullBodyStatus(response.status) ? null : response.body;
    const plain = decoded({ ...response, headers, body });
    return {
      ...plain,
      statusText: reason(response.statusText),
      headers: responseHeaders(plain.headers, ancestors),
    };
  }

  #failure(error: unknown): AnswerMessage {
    const { texts } = this.context;
    const { noAnswer, retry } = texts;
    if (error instanceof LeadsOut) {
      const { to } = error;
      const text =
        to.kind === "outside"
          ? texts.leadsOutText(to.url)
          : to.tls
            ? texts.tlsText(to.url)
            : texts.otherPortText(to.url);
      return { type: "failed", heading: texts.leadsOut, text, retry };
    }
    const text = error instanceof BodyTooLarge ? texts.bodyTooLarge : networkError(error).message;
    return { type: "failed", heading: noAnswer, text, retry };
  }
}

function networkError(error: unknown): NetworkError {
  if (error instanceof NetworkError) return error;
  if (error instanceof QueueFullError)
    return new NetworkError("unreachable", "too many requests at a time");
  return new NetworkError("protocol", error instanceof Error ? error.message : "");
}

/** A redirect away from the router. */
class LeadsOut extends Error {
  constructor(readonly to: Exclude<ReturnType<typeof destinationOf>, { kind: "router" }>) {
    super();
  }
}

function completed(given: HttpHeaders, cookies: string, authorization: string): HttpHeaders {
  const headers = [...requestHeaders(given)];
  if (cookies) headers.push(["Cookie", cookies]);
  if (authorization && valuesOf(headers, "authorization").length === 0)
    headers.push(["Authorization", authorization]);
  return headers;
}

function isNoPage({ status, headers }: HttpResponse): boolean {
  const saved = valuesOf(headers, "content-disposition").some((value) =>
    /^attachment\b/i.test(value),
  );
  return status === 204 || status === 205 || saved;
}

function asksForPassword({ status, headers }: HttpResponse): boolean {
  return (
    status === 401 && valuesOf(headers, "www-authenticate").some((value) => /^basic\b/i.test(value))
  );
}

/** @throws {NetworkError} a browser could not show it */
function check({ status, headers }: HttpResponse): void {
  const characters = headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  const problem =
    characters > MAX_HEADER_CHARACTERS
      ? `a header of ${characters} characters`
      : status < 200 || status > 599
        ? `status ${status}`
        : undefined;
  if (problem !== undefined) throw new NetworkError("protocol", problem);
}

/** Redirects to the router's own addresses become paths. */
function led(headers: HttpHeaders, base: string): HttpHeaders {
  return headers.map(([name, value]) => {
    if (name.toLowerCase() !== "location") return [name, value];
    const to = destinationOf(value, base);
    if (to.kind !== "router") throw new LeadsOut(to);
    return [name, to.path];
  });
}
