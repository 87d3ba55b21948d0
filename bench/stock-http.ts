/** HTTP over v86's own TCP, as much as the measurements need: one request on one connection, its answer counted. */
const HEADER_END = "\r\n\r\n";

export interface StockAdapter {
  connect(port: number): StockConnection;
}

interface StockConnection {
  on(event: "data", listener: (bytes: Uint8Array) => void): void;
  on(event: "connect" | "shutdown" | "close", listener: () => void): void;
  write(bytes: Uint8Array): void;
  close(): void;
}

/** @returns how many bytes the answer's body has */
export function stockRequest(
  adapter: StockAdapter,
  path: string,
  uploadBytes: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const connection = adapter.connect(80);
    let head = "";
    let wanted = Infinity;
    let length = 0;
    const body = (bytes: number) => {
      length += bytes;
      if (length >= wanted) finish();
    };
    const finish = () => {
      connection.close();
      resolve(length);
    };
    connection.on("connect", () => {
      const method = uploadBytes > 0 ? "POST" : "GET";
      const fields = uploadBytes > 0 ? `Content-Length: ${uploadBytes}\r\n` : "";
      const text = `${method} ${path} HTTP/1.1\r\nHost: router\r\n${fields}\r\n`;
      connection.write(new TextEncoder().encode(text));
      if (uploadBytes > 0) connection.write(new Uint8Array(uploadBytes));
    });
    connection.on("data", (bytes) => {
      if (wanted !== Infinity) return body(bytes.length);
      head += String.fromCharCode(...bytes);
      const end = head.indexOf(HEADER_END);
      if (end < 0) return;
      if (!head.includes(" 200 ")) return reject(new Error(head.slice(0, end)));
      // What comes in one segment with the end of the connection is lost there.
      wanted = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? Number.MAX_SAFE_INTEGER);
      body(head.length - end - HEADER_END.length);
    });
    connection.on("shutdown", finish);
    connection.on("close", finish);
  });
}
