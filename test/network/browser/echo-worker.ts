/** A worker that serves, at each port it gets, a web server which says what it was asked; `/gzip` is no gzip. */
import type { ByteStream } from "../../../src/common/byte-stream.js";
import { serveByteStream } from "../../../src/common/byte-port.js";
import { NETWORK_PORT } from "../../../src/network/failure.js";

function server(): ByteStream {
  const answers = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
  const writer = answers.writable.getWriter();
  const say = (text: string) => writer.write(new TextEncoder().encode(text));
  let heard = "";
  const writable = new WritableStream<Uint8Array<ArrayBuffer>>({
    write: async (bytes) => {
      heard += new TextDecoder().decode(bytes);
      for (let end = heard.indexOf("\r\n\r\n"); end >= 0; end = heard.indexOf("\r\n\r\n")) {
        const head = heard.slice(0, end);
        heard = heard.slice(end + 4);
        const { length } = head;
        if (head.startsWith("GET /endless"))
          await say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegin");
        else if (head.startsWith("GET /gzip"))
          await say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nbad");
        else
          await say(
            `HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: ${length}\r\n\r\n${head}`,
          );
      }
    },
    close: () => writer.close(),
  });
  return { readable: answers.readable, writable };
}

onmessage = ({ data }: MessageEvent<MessagePort>) =>
  void serveByteStream(data, server(), NETWORK_PORT);
