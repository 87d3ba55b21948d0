/** The worker's program when the sources themselves run: tsx does not reach into workers by itself. */
import { register } from "tsx/esm/api";

register();
await import("../node-worker.js");
