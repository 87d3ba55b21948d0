/** One tab of WebKit by the protocol of its inspector: commands to the page go through a target, which a navigation may replace. */
import { WebSocket } from "undici";

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: {
    readonly message?: string;
    readonly targetInfo?: { readonly targetId: string; readonly isProvisional?: boolean };
    readonly newTargetId?: string;
    readonly context?: { readonly id: number };
  };
  readonly result?: {
    readonly result?: { readonly value?: unknown; readonly objectId?: string };
    readonly wasThrown?: boolean;
  };
  readonly error?: { readonly message: string };
}

interface Waiting {
  readonly resolve: (message: Message) => void;
  readonly reject: (error: Error) => void;
}

export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ready: Promise<void>;
  #isReady: () => void = () => undefined;
  #target = "";
  #lastId = 0;
  /** one a frame, and those of the pages before */
  #contexts: number[] = [];

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#ready = new Promise((resolve) => (this.#isReady = resolve));
    socket.addEventListener("message", ({ data }) => this.#receive(String(data)));
    socket.addEventListener("close", () => this.#forget("The browser is gone."));
  }

  static async connect(address: string): Promise<Inspector> {
    const socket = new WebSocket(address);
    const inspector = new Inspector(socket);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new Error(`${address} does not answer.`)));
    });
    await inspector.#ready;
    return inspector;
  }

  /** @returns value of an expression, or of its promise */
  async evaluate(expression: string, context?: number): Promise<unknown> {
    const started = await this.send("Runtime.evaluate", {
      expression,
      ...(context !== undefined && { contextId: context }),
    });
    const promise = started.result?.result?.objectId;
    if (promise === undefined) return valueOf(started);
    const wanted = { promiseObjectId: promise, returnByValue: true };
    return valueOf(await this.send("Runtime.awaitPromise", wanted));
  }

  /** @returns what an expression is in each frame */
  async evaluateEverywhere(expression: string): Promise<unknown[]> {
    const values: unknown[] = [];
    for (const context of this.#contexts) {
      try {
        values.push(await this.evaluate(expression, context));
      } catch {
        // Its page is gone.
      }
    }
    return values;
  }

  send(method: string, params: object): Promise<Message> {
    const id = ++this.#lastId;
    const message = JSON.stringify({ id, method, params });
    const wrapped = { targetId: this.#target, message };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(
        JSON.stringify({ id, method: "Target.sendMessageToTarget", params: wrapped }),
      );
    });
  }

  #receive(text: string): void {
    const { id, method, params, error } = JSON.parse(text) as Message;
    const created = params?.targetInfo;
    if (method === "Target.targetCreated" && created && !created.isProvisional)
      this.#adopt(created.targetId);
    else if (method === "Target.didCommitProvisionalTarget" && params?.newTargetId)
      this.#adopt(params.newTargetId);
    else if (method === "Target.dispatchMessageFromTarget" && params?.message)
      this.#receiveFromTarget(JSON.parse(params.message) as Message);
    else if (id !== undefined && error) this.#settle(id, { error });
  }

  #receiveFromTarget(message: Message): void {
    if (message.id !== undefined) this.#settle(message.id, message);
    else if (message.method === "Runtime.executionContextCreated" && message.params?.context)
      this.#contexts.push(message.params.context.id);
  }

  #adopt(target: string): void {
    this.#forget("The page was replaced.");
    this.#target = target;
    this.#contexts = [];
    this.send("Runtime.enable", {}).then(
      () => this.#isReady(),
      () => undefined,
    );
  }

  #settle(id: number, message: Message): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (message.error) waiting?.reject(new Error(message.error.message));
    else waiting?.resolve(message);
  }

  #forget(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#waiting.clear();
  }
}

function valueOf({ result }: Message): unknown {
  if (result?.wasThrown) throw new Error("The page threw.");
  return result?.result?.value;
}
