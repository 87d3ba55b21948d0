/** In the page of the pane's tests: a machine whose HTTP goes to the gateway of {@link fakeRouter}. */
import type { HttpRequest, HttpResponse } from "../../src/network/http-message.js";
import type {
  NetworkError as NetworkErrorClass,
  NetworkProblem,
} from "../../src/network/errors.js";

/** The built files, which have no types of their own. */
const built = (name: string) =>
  import(new URL(`playground/${name}.js`, location.href).href) as Promise<unknown>;
const { NetworkError } = (await built("openwrt-playground")) as {
  NetworkError: typeof NetworkErrorClass;
};
await built("openwrt-web");

Object.assign(window, {
  openPane(gateway: string, state: string, attributes: Record<string, string>, key: string | null) {
    const machine = Object.assign(new EventTarget(), { state, exchange: exchangeBy(gateway) });
    const pane = document.createElement("openwrt-web");
    for (const [name, value] of Object.entries(attributes)) pane.setAttribute(name, value);
    Object.assign(pane, { machine }, key === null ? {} : { machineKey: key });
    Object.assign(window, { machine });
    document.querySelector("main")?.append(pane);
  },
});

function exchangeBy(gateway: string) {
  return async (request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> => {
    const { method, target, headers, body } = request;
    const response = await fetch(gateway, {
      method: "POST",
      headers: { "X-Request": JSON.stringify({ method, target, headers }) },
      body: body as Uint8Array<ArrayBuffer> | null,
      signal,
    }).catch(() => {
      throw new NetworkError("unreachable");
    });
    const problem = response.headers.get("X-Problem");
    if (problem)
      throw new NetworkError(problem as NetworkProblem, response.headers.get("X-Detail") ?? "");
    const status = Number(response.headers.get("X-Status"));
    const statusText = response.headers.get("X-Status-Text") ?? "";
    return { status, statusText, ...(await read(response)) };
  };
}

/** The gateway's body: the length of the header, the header as JSON, the router's body. */
async function read(response: Response): Promise<Pick<HttpResponse, "headers" | "body">> {
  const reader = response.body!.getReader();
  let bytes = new Uint8Array();
  const atLeast = async (count: number) => {
    while (bytes.length < count) {
      const { value, done } = await reader.read();
      if (done) throw new Error("The gateway broke off.");
      const joined = new Uint8Array(bytes.length + value.length);
      joined.set(bytes);
      joined.set(value, bytes.length);
      bytes = joined;
    }
  };
  await atLeast(4);
  const end = 4 + new DataView(bytes.buffer).getUint32(0);
  await atLeast(end);
  const flat = JSON.parse(new TextDecoder().decode(bytes.subarray(4, end))) as string[];
  const headers = flat.flatMap((name, at) =>
    at % 2 === 0 ? [[name, flat[at + 1] ?? ""] as const] : [],
  );
  const rest = bytes.slice(end);
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => {
      if (rest.length > 0) controller.enqueue(rest);
    },
    async pull(controller) {
      const { value, done } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => reader.cancel(),
  });
  return { headers, body };
}
