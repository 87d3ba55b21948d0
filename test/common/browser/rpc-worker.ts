/** The worker of rpc.test.ts: serves the example's calls in a browser. */
import { webEndpoint } from "../../../src/common/endpoint.js";
import { serveExample } from "../example-calls.js";

serveExample(webEndpoint(self as unknown as Worker));
