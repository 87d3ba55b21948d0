/**
 * Stands in for a router with a web server, so that the pane is tested without waiting for a boot: pages as LuCI has
 * them and as nobody should, and a gateway by which a page of the test sends raw requests to them.
 */
import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { answerAsRouter, type Visits } from "./fake-router-pages.js";

export interface FakeRouter {
  /** URL of the gateway */
  gateway: string;
  readonly visits: Visits;
  /** makes port 80 refuse connections, or take them again */
  listening: boolean;
  close(): void;
}

export async function fakeRouter(): Promise<FakeRouter> {
  const visits: Visits = { open: 0, cancelled: 0, seen: [] };
  const pages = createServer((request, response) => answerAsRouter(request, response, visits));
  const raw = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end("SSH-2.0-dropbear\r\nthis is not HTTP\r\n"));
  });
  const cut = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.resetAndDestroy());
  });
  const [pagesPort, rawPort, cutPort] = await Promise.all([pages, raw, cut].map(listen));
  const router: FakeRouter = { gateway: "", visits, listening: true, close };
  const gateway = createServer((request, response) => {
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Allow-Headers", "*");
    response.setHeader("Access-Control-Expose-Headers", "*");
    if (request.method === "OPTIONS") return void response.end();
    const fail = (problem: string, detail: string) => {
      if (response.headersSent) return void response.destroy();
      response.writeHead(200, { "X-Problem": problem, "X-Detail": detail }).end();
    };
    if (!router.listening) return fail("refused", "");
    const asked = JSON.parse(String(request.headers["x-request"])) as {
      method: string;
      target: string;
      headers: [string, string][];
    };
    const port = asked.target.startsWith("/garbage")
      ? rawPort
      : asked.target.startsWith("/cut")
        ? cutPort
        : pagesPort;
    const onward = httpRequest(
      {
        port,
        host: "127.0.0.1",
        method: asked.method,
        path: asked.target,
        headers: [
          ...["Host", "192.168.1.1"],
          ...asked.headers.flat(),
          ...(request.headers["content-length"]
            ? ["Content-Length", request.headers["content-length"]]
            : []),
        ],
        maxHeaderSize: 4 << 20,
      },
      (answer: IncomingMessage) => {
        response.writeHead(200, {
          "X-Status": String(answer.statusCode),
          "X-Status-Text": answer.statusMessage ?? "",
        });
        // The header goes first in the body: a header of one megabyte would be too large as a header here.
        const head = Buffer.from(JSON.stringify(answer.rawHeaders));
        const length = Buffer.alloc(4);
        length.writeUInt32BE(head.length);
        response.write(Buffer.concat([length, head]));
        answer.pipe(response);
        answer.on("error", () => response.destroy());
      },
    );
    onward.on("error", (error: NodeJS.ErrnoException) =>
      fail(error.code?.startsWith("HPE") ? "protocol" : "reset", error.code ?? ""),
    );
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  router.gateway = `http://127.0.0.1:${await listen(gateway)}/`;
  return router;

  function close(): void {
    gateway.closeAllConnections();
    pages.closeAllConnections();
    for (const server of [gateway, pages, raw, cut]) server.close();
  }
}

function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
