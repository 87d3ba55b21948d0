/** `npm run test:browsers -- --durability` */
import type { Engine } from "./engines.js";
export async function measureDurability(
  engines: readonly Engine[],
  site: string,
  folder: string,
): Promise<void> {
  await Promise.resolve([engines, site, folder]);
}
