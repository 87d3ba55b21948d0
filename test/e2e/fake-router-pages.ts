/** The pages of the router that {@link fakeRouter} stands in for. */
import type { IncomingMessage, ServerResponse } from "node:http";

export interface Visits {
  /** endless answers that are being sent, or kept waiting */
  open: number;
  /** endless answers that the other side gave up */
  cancelled: number;
  readonly seen: { method: string; url: string; headers: Record<string, unknown> }[];
}

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  visits: Visits,
) => void | Promise<void>;

const STYLE = `<style>:root{color-scheme:light dark} body{font:15px system-ui;margin:20px}
  input,button{font:inherit}</style>`;
const page = (title: string, body: string) =>
  `<!doctype html><html lang="en"><title>${title}</title>${STYLE}<h1>${title}</h1>${body}`;

const PAGES: Record<string, Handler> = {
  "/": (_, response) => redirect(response, "/cgi-bin/luci/"),
  "/cgi-bin/luci/": (request, response) => {
    if (!cookies(request).includes("sysauth=secret"))
      return html(
        response,
        page(
          "Authorization Required",
          `<form method="post"><input name="luci_username" value="root">
           <input name="luci_password" type="password"><button>Log in</button></form>`,
        ),
        { "X-Frame-Options": "SAMEORIGIN" },
        request.method === "POST" ? undefined : 403,
      );
    html(
      response,
      page(
        "Overview",
        `<nav><a id="system" href="/cgi-bin/luci/admin/system">System</a>
         <a id="frames" href="/frames">Frames</a>
         <a id="out" href="https://openwrt.example/docs">Documentation</a>
         <a id="blank" href="/cgi-bin/luci/admin/system" target="_blank">New window</a>
         <a id="backup" href="/backup">Backup</a></nav><p id="who">signed in</p>
         <script src="/luci-static/app.js"></script>`,
      ),
    );
  },
  "/cgi-bin/luci/admin/system": (_, response) =>
    html(response, page("System", `<a id="home" href="../">Home</a>`)),
  "/login": async (request, response) => {
    await text(request);
    redirect(response, "http://192.168.1.1/cgi-bin/luci/", [
      "sysauth=secret; Path=/cgi-bin/luci; HttpOnly; SameSite=Strict",
      "language=en; Path=/",
    ]);
  },
  "/luci-static/app.js": (_, response) => {
    response.setHeader("Content-Type", "text/javascript");
    response.end(`document.querySelector("#who").dataset.cookie = document.cookie;`);
  },
  "/frames": (_, response) =>
    html(
      response,
      `<!doctype html><title>Frames</title><iframe name="a" src="/frame?a"></iframe><iframe name="b" src="/frame?b"></iframe>`,
    ),
  "/frame": (request, response) =>
    html(response, page(`Frame ${request.url?.slice(-1) ?? ""}`, "")),
  "/echo": async (request, response) => {
    response.setHeader("Content-Type", "application/json");
    const body = await text(request);
    response.end(JSON.stringify({ method: request.method, headers: request.headers, body }));
  },
  "/upload": async (request, response) => {
    const length = request.headers["content-length"];
    let bytes = 0;
    for await (const piece of request) bytes += (piece as Buffer).length;
    html(response, page("Uploaded", `<p id="bytes">${bytes} ${length ?? "no length"}</p>`));
  },
  "/forms": (_, response) =>
    html(
      response,
      page(
        "Forms",
        `<form method="post" enctype="multipart/form-data" action="/upload"><input type="file" name="image"><button>Flash</button></form>`,
      ),
    ),
  "/backup": (_, response) => {
    response.writeHead(200, {
      "Content-Type": "application/x-targz",
      "Content-Disposition": 'attachment; filename="backup-OpenWrt.tar.gz"',
    });
    for (let piece = 0; piece < 64; piece++) response.write(Buffer.alloc(16384, piece));
    response.end();
  },
  "/poll": async (_, response) => {
    await new Promise((resolve) => setTimeout(resolve, 2500));
    response.end("polled");
  },
  "/redirected": (_, response) => redirect(response, "/echo"),
  "/https": (_, response) => redirect(response, "https://192.168.1.1/cgi-bin/luci/"),
  "/outside": (_, response) => redirect(response, "https://evil.example/?secret"),
  "/blank": (_, response) => html(response, page("Blank", "")),
  "/headers": (_, response) => {
    response.writeHead(200, { "Content-Type": "text/html", "X-Long": "x".repeat(1 << 20) });
    response.end("never shown");
  },
  "/endless": (_, response, visits) => {
    response.writeHead(200, { "Content-Type": "text/plain" });
    visits.open++;
    const timer = setInterval(() => response.write("more and more\n".repeat(500)), 20);
    response.on("close", () => {
      clearInterval(timer);
      visits.open--;
      visits.cancelled++;
    });
  },
  "/silent": (_, response, visits) => {
    visits.open++;
    response.on("close", () => {
      visits.open--;
      visits.cancelled++;
    });
  },
  "/half": (_, response) => {
    response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": "1000" });
    response.write("half");
    setTimeout(() => response.destroy(), 100);
  },
  "/basic": (request, response) => {
    const wanted = `Basic ${Buffer.from("root:pässword").toString("base64")}`;
    if (request.headers.authorization === wanted) return html(response, page("Signed in", ""));
    html(response, page("401", ""), { "WWW-Authenticate": 'Basic realm="router"' }, 401);
  },
  "/gzip": async (_, response) => {
    const { gzipSync } = await import("node:zlib");
    response.writeHead(200, { "Content-Type": "text/html", "Content-Encoding": "gzip" });
    response.end(gzipSync("<h1>Compressed</h1> a page that knows of light only"));
  },
};

export function answerAsRouter(
  request: IncomingMessage,
  response: ServerResponse,
  visits: Visits,
): void {
  const { method = "", url = "", headers } = request;
  visits.seen.push({ method, url, headers: { ...headers } });
  const path = url.replace(/\?.*/, "");
  const handler = path === "/cgi-bin/luci/" && method === "POST" ? PAGES["/login"] : PAGES[path];
  if (handler) void handler(request, response, visits);
  else html(response, page("Not Found", ""), {}, 404);
}

function html(
  response: ServerResponse,
  body: string,
  headers: Record<string, string> = {},
  status = 200,
): void {
  response.writeHead(status, { "Content-Type": "text/html; charset=utf-8", ...headers });
  response.end(body);
}

function redirect(response: ServerResponse, to: string, setCookie: string[] = []): void {
  response.writeHead(302, { Location: to, "Set-Cookie": setCookie });
  response.end();
}

function cookies(request: IncomingMessage): string[] {
  return (request.headers.cookie ?? "").split("; ");
}

async function text(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const piece of request) body += String(piece);
  return body;
}
