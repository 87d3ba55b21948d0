/** The worker of test/common/rpc.test.ts: serves the example's calls on node:worker_threads. */
import { parentPort } from "node:worker_threads";
import { nodeEndpoint } from "../../src/common/endpoint.js";
import { serveExample } from "./example-calls.js";

if (parentPort) serveExample(nodeEndpoint(parentPort));
