/**
 * `npm start`: builds the site and serves it on loopback. PORT chooses the port (default 8080; 0: any). The first time it
 * also makes the demo's factory state, so that nobody has to wait for a boot afterwards.
 */
import { build } from "./lib/build.js";
import { ensureDemoFactory } from "./lib/factory.js";
import { serve } from "./lib/serve.js";

const port = Number(process.env["PORT"] ?? 8080);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  console.error(`PORT is "${process.env["PORT"] ?? ""}", which is not a port number.`);
  process.exit(2);
}
try {
  const dist = await build();
  await ensureDemoFactory((line) => console.log(line));
  const server = await serve(dist, port);
  console.log(`OpenWrt Playground: ${server.url}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
