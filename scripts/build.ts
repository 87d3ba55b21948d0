/** `npm run build`: makes dist/, static files for any host and a module for Node, and prints what they weigh. */
import { build } from "./lib/build.js";
import { writeElementsManifest } from "./lib/elements-manifest.js";
import { sizeTable } from "./lib/sizes.js";
import { buildTypes } from "./lib/types.js";

const dist = await build();
buildTypes();
writeElementsManifest(`${dist}playground/custom-elements.json`);
console.log(sizeTable(dist));
