/** A static server for dist/, on loopback only. Any other static host does as well. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import sirv from "sirv";

export interface Served {
  /** URL of the site, ending in "/" */
  readonly url: string;
  readonly server: Server;
  close(): Promise<void>;
}

/** Files whose name or query carries a digest or a version never change under their URL. */
const UNCHANGING = /-[A-Z0-9]{8}\.js$|\/v86-[\d.]+\/|\?sha256=/;

/**
 * @param folder what to serve
 * @param port 0 for any free one
 * @param onServed told of every file served: its path, and the bytes of its body as sent
 * @throws {Error} the port is taken, or may not be used
 */
export async function serve(
  folder: string,
  port: number,
  onServed?: (path: string, bytes: number) => void,
): Promise<Served> {
  const files = sirv(folder, {
    dev: true,
    brotli: true,
    gzip: true,
    setHeaders(response, file) {
      const url = response.req.url ?? file;
      response.setHeader(
        "Cache-Control",
        UNCHANGING.test(url) ? "public, max-age=31536000, immutable" : "no-cache",
      );
      response.setHeader("X-Content-Type-Options", "nosniff");
      const path = url.replace(/\?.*/, "");
      response.once("finish", () => onServed?.(path, Number(response.getHeader("Content-Length"))));
    },
  });
  const server = createServer((request, response) => {
    files(request, response, () => {
      response.writeHead(404, { "Content-Type": "text/plain; charset=utf-8" });
      response.end("There is no such file here.\n");
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "EADDRINUSE"
          ? new Error(`Port ${port} is in use. Set PORT to another one: PORT=8081 npm start`)
          : error,
      );
    });
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://localhost:${address.port}/`,
    server,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
