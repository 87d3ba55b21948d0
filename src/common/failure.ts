/**
 * Errors as messages: what is thrown in one context arrives in another as an error of the same class.
 *
 * Structured cloning alone forgets subclasses, their fields and, in some browsers, DOMException's name.
 */

/** An error that can be posted. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  /** what the class of that name holds besides; see {@link ErrorKind} */
  readonly data?: unknown;
}

/** How the errors of one class are posted. */
export interface ErrorKind<E extends Error = Error> {
  /** what the class is called in messages */
  readonly name: string;
  readonly type: abstract new (...given: never[]) => E;
  /** @returns what is needed besides the message to make it again; structured cloning must take it */
  pack(error: E): unknown;
  /** @returns `undefined` where `data` is not what {@link ErrorKind.pack} makes: messages may be forged */
  unpack(data: unknown, message: string): E | undefined;
}

export interface FailureCodec {
  /** Never throws. @param error whatever was thrown, or a signal's or stream's reason */
  encode(error: unknown): Failure;
  /** Never throws. @param failure what a message says one is */
  decode(failure: unknown): Error;
}

const ABORTS = ["AbortError", "TimeoutError"];
const NATIVE: Readonly<Record<string, new (message: string) => Error>> = { RangeError, TypeError };

/**
 * A codec for errors of these classes, the first that fits, and for what every context has: DOMExceptions AbortError and
 * TimeoutError, TypeError, RangeError. Any other error arrives as an Error with its name.
 */
export function failureCodec(...kinds: readonly ErrorKind[]): FailureCodec {
  return {
    encode(error) {
      const kind = kinds.find(({ type }) => error instanceof type);
      if (kind && error instanceof Error)
        return { name: kind.name, message: error.message, data: kind.pack(error) };
      if (error instanceof Error || error instanceof DOMException)
        return { name: error.name, message: error.message };
      const message = typeof error === "string" ? error : "It was given up.";
      return { name: "AbortError", message };
    },
    decode(failure) {
      const { name, message, data } = read(failure);
      const known = kinds.find((kind) => kind.name === name)?.unpack(data, message);
      if (known) return known;
      if (ABORTS.includes(name)) return new DOMException(message, name);
      const type = Object.hasOwn(NATIVE, name) ? NATIVE[name] : undefined;
      return type ? new type(message) : Object.assign(new Error(message), { name });
    },
  };
}

function read(failure: unknown): Failure {
  const { name, message, data } = (failure ?? {}) as Record<string, unknown>;
  return {
    name: typeof name === "string" ? name : "Error",
    message: typeof message === "string" ? message : "",
    data,
  };
}
