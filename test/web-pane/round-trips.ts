/** Lets messages arrive, without time: as many messages go there and back over a channel of their own. */
export async function roundTrips(count: number): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = () => port2.postMessage(0);
  for (let trip = 0; trip < count; trip++)
    await new Promise((resolve) => {
      port1.onmessage = resolve;
      port1.postMessage(0);
    });
  port1.close();
}
