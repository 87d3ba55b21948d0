/**
 * Calls and events between two contexts of one build: one end serves a table of calls and emits events, the other calls
 * and listens.
 *
 *     interface Calls { exec(ask: { command: string }): ExecResult }
 *     interface Events { output: Bytes }
 *     const served = serve<Calls, Events>(endpoint, { exec: ({ command }, signal) => … });
 *     const remote = caller<Calls, Events>(endpoint);
 *     await remote.call("exec", { command: "uci show" }, { signal });
 *
 * Calls begin in the order in which they were made, and events arrive as they were emitted. What is no message of ours
 * is passed over.
 */
import { type Deferred, deferred } from "./deferred.js";
import type { Endpoint } from "./endpoint.js";
import { type Failure, failureCodec, type FailureCodec } from "./failure.js";

/** A table of calls: a method for each, from what is asked, if anything, to what is answered. */
export type CallTable<Calls> = { [N in keyof Calls]: (ask: never) => unknown };
type Ask<Call> = Call extends () => unknown
  ? undefined
  : Call extends (ask: infer Asked) => unknown
    ? Asked
    : never;
type Answer<Call> = Call extends (ask: never) => infer Answered ? Awaited<Answered> : never;
type Name<Table> = keyof Table & string;
/** What may be `undefined` may be left out. */
type Given<Value, Option> = undefined extends Value
  ? [value?: Value, option?: Option]
  : [value: Value, option?: Option];

export interface CallOptions {
  /** gives the call up: it rejects with the reason at once, and the handler's signal aborts */
  readonly signal?: AbortSignal | undefined;
  /** what of the question is handed over instead of copied */
  readonly transfer?: readonly Transferable[];
}

export interface Remote<Calls, Events> {
  /** @throws what the handler threw, the signal's reason, or what {@link Remote.close} was given */
  call<N extends Name<Calls>>(
    name: N,
    ...given: Given<Ask<Calls[N]>, CallOptions>
  ): Promise<Answer<Calls[N]>>;
  /** @returns what ends it */
  on<N extends Name<Events>>(name: N, listener: (detail: Events[N]) => void): () => void;
  /** For whoever knows that the other end is gone: all calls reject with this, and nothing is heard any more. */
  close(reason: Error): void;
}

/** One function a call. Its signal aborts when the caller gives up, and with {@link Served.close}. */
export type Handlers<Calls> = {
  readonly [N in keyof Calls]: (
    ask: Ask<Calls[N]>,
    signal: AbortSignal,
  ) => Reply<Answer<Calls[N]>> | Promise<Reply<Answer<Calls[N]>>>;
};
type Reply<Value> = Value | Transferring<Value>;

export interface Served<Events> {
  /** @throws {DOMException} DataCloneError */
  emit<N extends Name<Events>>(name: N, ...given: Given<Events[N], readonly Transferable[]>): void;
  /** All calls, those under way and those to come, are answered with this error; nothing is emitted any more. */
  close(reason: Error): void;
}

/** A handler's answer, of which `transfer` is handed over instead of copied. */
export class Transferring<Value> {
  constructor(
    readonly value: Value,
    readonly transfer: readonly Transferable[],
  ) {}
}

type Message =
  | { readonly type: "call"; readonly id: number; readonly name: string; readonly ask: unknown }
  | { readonly type: "abort"; readonly id: number; readonly failure: Failure }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "failure"; readonly id: number; readonly failure: Failure }
  | { readonly type: "event"; readonly name: string; readonly detail: unknown };

/** The end that calls. @param codec how errors cross; the other end's */
export function caller<Calls extends CallTable<Calls>, Events extends object = object>(
  endpoint: Endpoint,
  codec: FailureCodec = failureCodec(),
): Remote<Calls, Events> {
  const pending = new Map<number, Deferred<unknown>>();
  const listeners = new Map<string, Set<(detail: never) => void>>();
  let count = 0;
  let closed: Error | undefined;
  const post = (message: Message, transfer: readonly Transferable[] = []) =>
    endpoint.post(message, transfer);

  endpoint.onMessage((data) => {
    const message = closed ? undefined : readMessage(data);
    if (message?.type === "answer") pending.get(message.id)?.resolve(message.value);
    if (message?.type === "failure") pending.get(message.id)?.reject(codec.decode(message.failure));
    if (message?.type === "event")
      for (const listener of [...(listeners.get(message.name) ?? [])])
        listener(message.detail as never);
  });

  return {
    async call(name, ...[ask, options]) {
      const { signal, transfer = [] } = options ?? {};
      signal?.throwIfAborted();
      if (closed) throw closed;
      const id = ++count;
      const answer = deferred<unknown>();
      const abort = () => {
        if (!closed) post({ type: "abort", id, failure: codec.encode(signal?.reason) });
        answer.reject(signal?.reason as Error);
      };
      pending.set(id, answer);
      signal?.addEventListener("abort", abort, { once: true });
      try {
        post({ type: "call", id, name, ask }, transfer);
        return (await answer.promise) as Answer<Calls[typeof name]>;
      } finally {
        pending.delete(id);
        signal?.removeEventListener("abort", abort);
      }
    },
    on(name, listener) {
      const all = listeners.get(name) ?? new Set();
      listeners.set(name, all.add(listener));
      return () => void all.delete(listener);
    },
    close(reason) {
      closed ??= reason;
      for (const answer of pending.values()) answer.reject(closed);
    },
  };
}

/**
 * The end that answers.
 *
 * @param handlers an object whose own functions, and nothing else of it, can be called. What is asked before they are
 *   there waits; when they never will be, that error is the answer
 * @param codec how errors cross; the other end's
 */
export function serve<Calls extends CallTable<Calls>, Events extends object = object>(
  endpoint: Endpoint,
  handlers: Handlers<Calls> | Promise<Handlers<Calls>>,
  codec: FailureCodec = failureCodec(),
): Served<Events> {
  const running = new Map<number, AbortController>();
  const ready = Promise.resolve(handlers);
  ready.catch(() => undefined);
  let closed: Error | undefined;
  const post = (message: Message, transfer: readonly Transferable[] = []) =>
    endpoint.post(message, transfer);
  const refuse = (id: number, error: unknown) =>
    post({ type: "failure", id, failure: codec.encode(error) });

  const answer = async (id: number, name: string, ask: unknown) => {
    const stop = new AbortController();
    const { signal } = stop;
    running.set(id, stop);
    try {
      const handler = own(await ready, name);
      signal.throwIfAborted();
      const reply = await handler(ask, signal);
      if (signal.aborted) return;
      if (reply instanceof Transferring)
        post({ type: "answer", id, value: reply.value }, reply.transfer);
      else post({ type: "answer", id, value: reply });
    } catch (error) {
      if (!signal.aborted) refuse(id, error);
    } finally {
      running.delete(id);
    }
  };

  endpoint.onMessage((data) => {
    const message = readMessage(data);
    if (message?.type === "abort") running.get(message.id)?.abort(codec.decode(message.failure));
    if (message?.type !== "call" || running.has(message.id)) return;
    if (closed) refuse(message.id, closed);
    else void answer(message.id, message.name, message.ask);
  });

  return {
    emit(name, ...[detail, transfer]) {
      if (!closed) post({ type: "event", name, detail }, transfer as readonly Transferable[]);
    },
    close(reason) {
      if (closed) return;
      closed = reason;
      for (const [id, stop] of running) {
        stop.abort(reason);
        refuse(id, reason);
      }
    },
  };
}

type AnyHandler = (ask: unknown, signal: AbortSignal) => unknown;

/** @throws {TypeError} there is none of that name */
function own(handlers: object, name: string): AnyHandler {
  const handler: unknown = Object.hasOwn(handlers, name)
    ? handlers[name as keyof typeof handlers]
    : undefined;
  if (typeof handler !== "function") throw new TypeError(`There is no call "${name}".`);
  return handler as AnyHandler;
}

function readMessage(data: unknown): Message | undefined {
  const { type, id, name } = (data ?? {}) as Record<string, unknown>;
  const numbered = typeof id === "number";
  const named = typeof name === "string";
  const good =
    (type === "call" && numbered && named) ||
    ((type === "abort" || type === "answer" || type === "failure") && numbered) ||
    (type === "event" && named);
  return good ? (data as Message) : undefined;
}
