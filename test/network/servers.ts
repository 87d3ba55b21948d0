/** Servers on 127.0.0.1 that the HTTP tests talk to: Node's own, and raw ones that say what they are told. */
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer, type AddressInfo, type Socket, type Server as NetServer } from "node:net";

export interface TestServer extends AsyncDisposable {
  readonly port: number;
  /** connections accepted so far */
  readonly connections: () => number;
}

export async function httpServer(
  listener: RequestListener,
  set: (server: Server) => void = () => undefined,
): Promise<TestServer> {
  const server = createHttpServer(listener);
  set(server);
  return listening(server, () => server.closeAllConnections());
}

/** @param serve called for every connection */
export async function rawServer(serve: (socket: Socket) => void): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    serve(socket);
  });
  return listening(server, () => sockets.forEach((socket) => socket.destroy()));
}

/** A raw server that answers every request head with the same bytes. @param then what it does after them */
export function saying(
  answer: string | Uint8Array,
  then: (socket: Socket) => void = () => undefined,
): Promise<TestServer> {
  return rawServer((socket) => {
    let heard = "";
    socket.on("data", (data) => {
      heard += data.toString("latin1");
      if (!heard.includes("\r\n\r\n")) return;
      heard = "";
      socket.write(answer);
      then(socket);
    });
    socket.on("end", () => socket.end());
  });
}

async function listening(server: NetServer, cut: () => void): Promise<TestServer> {
  let connections = 0;
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
