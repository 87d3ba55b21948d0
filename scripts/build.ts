/** `npm run build`: makes dist/, static files for any host, and prints what they weigh. */
import { build } from "./lib/build.js";
import { sizeTable } from "./lib/sizes.js";

const dist = await build();
console.log(sizeTable(dist));
