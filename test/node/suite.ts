import type * as Chai from "@esm-bundle/chai";
import { describe, it } from "node:test";
import type { Suite } from "../disk/contracts.js";

// The package's own entry for Node names a file that it does not have.
const CHAI = "@esm-bundle/chai/esm/chai.js";
export const { expect } = (await import(CHAI)) as typeof Chai;

/** For the contracts of test/disk/. */
export const NODE: Suite = { describe, it, expect };
