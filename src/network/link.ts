/** What is read off an Ethernet frame without a stack: who sent it. */
import { viewOf } from "../common/bytes.js";

const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806 } as const;
/** Where the sender's IPv4 address is, by the frame's type. */
const SENDER_AT: Record<number, number> = { [ETHERTYPE.ipv4]: 26, [ETHERTYPE.arp]: 28 };

/** @returns the IPv4 address that the frame's sender claims to have; `undefined` for frames that name none */
export function sender(frame: Uint8Array): number | undefined {
  if (frame.length < 42) return undefined;
  const view = viewOf(frame);
  const at = SENDER_AT[view.getUint16(12)];
  const address = at === undefined ? 0 : view.getUint32(at);
  return address === 0 ? undefined : address;
}
