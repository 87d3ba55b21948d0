/**
 * A number for the content of a chunk store, so that a saved memory state can tell whether the disk it belongs to is
 * still the same.
 *
 * 0 is a store that was never written. Every change counts one on, a reset too. The first one starts at a random
 * place, because an overlay that was deleted and made anew must not come to a number it had before.
 *
 * @param last number of the content before the change
 */
export function nextGeneration(last: number): number {
  return last > 0 ? last + 1 : randomStart();
}

/** Whether this is a number of a store that was written. */
export function isGeneration(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

/** From 1 to 2⁴⁸: leaves 2⁵³ − 2⁴⁸ changes until numbers stop being exact. */
function randomStart(): number {
  const random = crypto.getRandomValues(new Uint16Array(3));
  return random.reduce((value, part) => value * 2 ** 16 + part, 0) + 1;
}
