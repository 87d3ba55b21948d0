/** The origin on which a machine's pages are shown: given by the embedder, its `*` filled with a label of the machine. */
import { hex } from "../common/bytes.js";

/** Hexadecimal digits of a label: 80 bits, and well below the 63 characters DNS allows. */
const LABEL_DIGITS = 20;

/**
 * @param pattern for example "https://router.example" or "http://*.router.localhost:8080"
 * @param machine what tells this machine from every other one
 * @returns the origin; `undefined` when the pattern is none
 */
export async function guestOrigin(pattern: string, machine: string): Promise<string | undefined> {
  const stars = pattern.split("*").length - 1;
  if (stars > 1 || (stars === 1 && !/^https?:\/\/\*\./.test(pattern))) return undefined;
  const address = stars === 1 ? pattern.replace("*", await label(machine)) : pattern;
  if (!URL.canParse(address)) return undefined;
  const { origin, protocol } = new URL(address);
  return protocol === "https:" || protocol === "http:" ? origin : undefined;
}

async function label(machine: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(machine));
  // A letter first: some resolvers take a label of digits for a number.
  return `m${hex(new Uint8Array(digest)).slice(0, LABEL_DIGITS)}`;
}
