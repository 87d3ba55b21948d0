/** IPv4 addresses: numbers inside (192.168.1.1 is 0xc0a80101), text outside. */

/** @returns the address; `undefined` when the text is not four decimal numbers up to 255 with dots between */
export function parseIPv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part)))
    return undefined;
  const numbers = parts.map(Number);
  if (numbers.some((number) => number > 255)) return undefined;
  return numbers.reduce((address, number) => address * 256 + number, 0);
}

export function formatIPv4(address: number): string {
  return octets(address).join(".");
}

/** @returns its four bytes, the highest first */
export function octets(address: number): number[] {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255);
}

/** @param prefix length of the network's part, 0 to 32 bits */
export function netmaskOf(prefix: number): number {
  return 2 ** 32 - 2 ** (32 - prefix);
}

/** Is it ones and then zeros, with room for at least two hosts? */
export function isNetmask(mask: number): boolean {
  const hosts = ~mask >>> 0;
  return (hosts & (hosts + 1)) === 0 && hosts >= 3 && mask !== 0;
}

/** @returns an address for a second host in that network, the highest that is free */
export function neighbour(address: number, netmask: number): number {
  const highest = ((address | ~netmask) - 1) >>> 0;
  return highest === address ? highest - 1 : highest;
}

/** What an interface is set to; 0 where there is nothing. */
export interface IpAddress {
  /** by a DHCP server, and valid */
  readonly leased: boolean;
  readonly address: number;
  readonly netmask: number;
  readonly gateway: number;
  /** the DHCP server that leased it */
  readonly server: number;
}
