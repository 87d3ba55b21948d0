/**
 * Calls from one context to another, typed by one table: a page and its worker share an interface whose methods are the
 * calls, and one whose properties are the events that come back.
 *
 * A call has one answer or one error; aborting its signal rejects it at once and aborts the other end's. What arrives
 * before the handlers are ready waits for them. Nothing that the other end sends makes this end throw.
 */

/** One end of a connection: a Worker, a worker's own scope, a MessagePort, or Node's. */
export interface Endpoint {
  readonly post: (message: unknown, transfer?: readonly Transferable[]) => void;
  readonly onMessage: (listener: (message: unknown) => void) => void;
}

/** How errors cross: as data that can be cloned, and back as the same class. */
export interface ErrorCodec {
  encode(error: unknown): unknown;
  decode(failure: unknown): Error;
}

/** Of a table of calls `{ name(ask: Ask): Answer }`: what is given to one, and what it answers. */
type Call = (ask: never) => unknown;
type Ask<C> = C extends (ask: infer A) => unknown ? A : never;
type Answer<C> = C extends (ask: never) => infer R ? Awaited<R> : never;

export type Handlers<Calls> = {
  readonly [Name in keyof Calls]: (
    ask: Ask<Calls[Name]>,
    signal: AbortSignal,
  ) =>
    | Answer<Calls[Name]>
    | Transferring<Answer<Calls[Name]>>
    | Promise<Answer<Calls[Name]> | Transferring<Answer<Calls[Name]>>>;
};

type Message =
  | { readonly is: "call"; readonly id: number; readonly name: string; readonly ask: unknown }
  | { readonly is: "abort"; readonly id: number; readonly failure: unknown }
  | { readonly is: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly is: "refusal"; readonly id: number; readonly failure: unknown }
  | { readonly is: "event"; readonly name: string; readonly detail: unknown };

/** An answer whose buffers and ports are handed over, not copied. */
export class Transferring<T> {
  constructor(
    readonly answer: T,
    readonly transfer: readonly Transferable[],
  ) {}
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly transfer?: readonly Transferable[];
}

interface Pending {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** The calling end. */
export class Remote<Calls extends Record<keyof Calls, Call>, Events> {
  readonly #endpoint: Endpoint;
  readonly #codec: ErrorCodec;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Map<string, Set<(detail: never) => void>>();
  #nextId = 1;
  #closed: Error | undefined;

  constructor(endpoint: Endpoint, codec: ErrorCodec) {
    this.#endpoint = endpoint;
    this.#codec = codec;
    endpoint.onMessage((message) => this.#receive(message));
  }

  /**
   * @param ask what is asked; cloned
   * @throws what the other end threw, the signal's reason, or the reason of {@link close}
   */
  call<Name extends keyof Calls & string>(
    name: Name,
    ask: Ask<Calls[Name]>,
    { signal, transfer = [] }: CallOptions = {},
  ): Promise<Answer<Calls[Name]>> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#closed) throw this.#closed;
      const id = this.#nextId++;
      const abort = () => {
        done();
        this.#endpoint.post({ is: "abort", id, failure: this.#codec.encode(signal?.reason) });
        reject(signal?.reason as Error);
      };
      const done = () => {
        signal?.removeEventListener("abort", abort);
        this.#pending.delete(id);
      };
      this.#endpoint.post({ is: "call", id, name, ask } satisfies Message, transfer);
      signal?.addEventListener("abort", abort, { once: true });
      this.#pending.set(id, {
        resolve: (answer) => (done(), resolve(answer as Answer<Calls[Name]>)),
        reject: (error) => (done(), reject(error)),
      });
    });
  }

  on<Name extends keyof Events & string>(
    name: Name,
    listener: (detail: Events[Name]) => void,
  ): void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener as (detail: never) => void));
  }

  /** The other end is gone: everything pending rejects with this, and whatever is called later. Calls after the first do nothing. */
  close(reason: Error): void {
    if (this.#closed) return;
    this.#closed = reason;
    for (const { reject } of [...this.#pending.values()]) reject(reason);
    this.#listeners.clear();
  }

  #receive(message: unknown): void {
    if (this.#closed || !isMessage(message)) return;
    if (message.is === "answer") this.#pending.get(message.id)?.resolve(message.answer);
    else if (message.is === "refusal")
      this.#pending.get(message.id)?.reject(this.#codec.decode(message.failure));
    else if (message.is === "event")
      for (const listener of this.#listeners.get(message.name) ?? [])
        (listener as (detail: unknown) => void)(message.detail);
  }
}

/** The answering end. */
export class Service<Calls extends Record<keyof Calls, Call>, Events> {
  readonly #endpoint: Endpoint;
  readonly #codec: ErrorCodec;
  readonly #running = new Map<number, AbortController>();

  /** @param handlers what answers, maybe later */
  constructor(
    endpoint: Endpoint,
    handlers: Handlers<Calls> | PromiseLike<Handlers<Calls>>,
    codec: ErrorCodec,
  ) {
    this.#endpoint = endpoint;
    this.#codec = codec;
    endpoint.onMessage((message) => {
      if (!isMessage(message)) return;
      if (message.is === "call") void this.#answer(message.id, message.name, message.ask, handlers);
      else if (message.is === "abort")
        this.#running.get(message.id)?.abort(this.#codec.decode(message.failure));
    });
  }

  /** Tells the calling end. */
  emit<Name extends keyof Events & string>(
    name: Name,
    detail: Events[Name],
    transfer: readonly Transferable[] = [],
  ): void {
    this.#endpoint.post({ is: "event", name, detail } satisfies Message, transfer);
  }

  async #answer(
    id: number,
    name: string,
    ask: unknown,
    handlers: Handlers<Calls> | PromiseLike<Handlers<Calls>>,
  ): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    this.#running.set(id, controller);
    try {
      const table = (await handlers) as Record<string, unknown>;
      const handler = Object.hasOwn(table, name) ? table[name] : undefined;
      if (typeof handler !== "function") throw new TypeError(`There is no call "${name}".`);
      signal.throwIfAborted();
      const handle = handler as (ask: unknown, signal: AbortSignal) => unknown;
      const answer: unknown = await handle(ask, signal);
      const [value, transfer] =
        answer instanceof Transferring ? [answer.answer as unknown, answer.transfer] : [answer, []];
      this.#endpoint.post({ is: "answer", id, answer: value } satisfies Message, transfer);
    } catch (error) {
      this.#endpoint.post({
        is: "refusal",
        id,
        failure: this.#codec.encode(error),
      } satisfies Message);
    } finally {
      this.#running.delete(id);
    }
  }
}

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && "is" in value;
}
