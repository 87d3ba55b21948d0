/**
 * A static server for dist/, on loopback only. Any other static host does as well.
 *
 * `router.localhost` and the names under it are guest origins: they get the bridge's files and never the playground's
 * own, for what they are served could be read and used by the router's pages.
 */
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

/** What a guest origin is served; names as in src/web-pane/messages.ts. */
const GUEST_FILES = /^\/router-(?:bridge\.html|bridge\.js|service-worker\.js)(?:\.map)?$/;
/** Only pages of this computer may be the bridge's host. */
const BRIDGE_POLICY = "frame-ancestors 'self' http://localhost:* http://127.0.0.1:*";
const SITE_HOST = /^(?:localhost|127\.0\.0\.1)$/;
const GUEST_HOST = /^(?:[a-z0-9-]+\.)?router\.localhost$/;

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
    const refuse = (status: number, text: string) => {
      response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
      response.end(`${text}\n`);
    };
    const missing = () => refuse(404, "There is no such file here.");
    const host = (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
    const path = (request.url ?? "").replace(/\?.*/, "");
    if (GUEST_HOST.test(host) || GUEST_FILES.test(path))
      response.setHeader("Origin-Agent-Cluster", "?1");
    if (path === "/router-bridge.html")
      response.setHeader("Content-Security-Policy", BRIDGE_POLICY);
    // Another name that leads here is another site's, which would make this one its own origin.
    if (!SITE_HOST.test(host) && !GUEST_HOST.test(host)) refuse(421, "There is no such site here.");
    else if (GUEST_HOST.test(host) && !GUEST_FILES.test(path)) missing();
    else files(request, response, missing);
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
