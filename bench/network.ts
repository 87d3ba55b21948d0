/** Runs in the page: the same requests to the router's web server through our network and through v86's own. */
import { type Plan, startOurs, startStock } from "./machines.js";

export type NetworkKind = "ours" | "stock";
export type NetworkTask = "download" | "upload" | "request";
/** milliseconds of each run */
export type NetworkTimes = Record<NetworkTask, Record<NetworkKind, number[]>>;

export const DOWNLOAD_BYTES = 8 * 1024 * 1024;
export const UPLOAD_BYTES = 1024 * 1024;
/** Small requests in each run. */
const REQUESTS = 10;
const SMALL_BYTES = 100;
/** Rounds that are not counted, as with the disks. */
const WARM_UP = 3;
/** milliseconds; an answer that was lost must not be waited for for ever */
const GIVE_UP = 60_000;

const PREPARE = `mkdir -p /www/bench
head -c ${DOWNLOAD_BYTES} /dev/urandom > /www/bench/large
head -c ${SMALL_BYTES} /dev/urandom > /www/bench/small
cat > /www/cgi-bin/count <<'END'
#!/bin/sh
printf 'Content-Type: text/plain\\r\\nContent-Length: %s\\r\\n\\r\\n' ${SMALL_BYTES}
printf '%0${SMALL_BYTES}d' "$(head -c "$CONTENT_LENGTH" | wc -c)"
END
chmod +x /www/cgi-bin/count
# In memory: the way there is what is measured.
cat /www/bench/* > /dev/null
# OpenWrt's firewall drops what exceeds 25 new connections a second, and v86's own network sends nothing twice.
iptables -F syn_flood 2>/dev/null || true`;

const TASKS: Record<NetworkTask, [path: string, uploadBytes: number, answerBytes: number]> = {
  download: ["/bench/large", 0, DOWNLOAD_BYTES],
  upload: ["/cgi-bin/count", UPLOAD_BYTES, SMALL_BYTES],
  request: ["/bench/small", 0, SMALL_BYTES],
};

export async function measureNetwork(plan: Plan): Promise<NetworkTimes> {
  const none = () => ({ ours: [], stock: [] });
  const times: NetworkTimes = { download: none(), upload: none(), request: none() };
  const machines = { ours: await startOurs(plan, null), stock: await startStock(plan) };
  for (const machine of Object.values(machines)) await machine.run(PREPARE);
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  for (const task of Object.keys(TASKS) as NetworkTask[])
    for (let run = -WARM_UP; run < plan.runs; run++)
      for (const kind of ["ours", "stock"] as const) {
        const [path, uploadBytes, answerBytes] = TASKS[task];
        const samples: number[] = [];
        for (let request = 0; request < (task === "request" ? REQUESTS : 1); request++) {
          const started = performance.now();
          const length = await Promise.race([
            machines[kind].request(path, uploadBytes),
            new Promise((resolve) => setTimeout(resolve, GIVE_UP, "no")),
          ]);
          samples.push(performance.now() - started);
          if (length !== answerBytes)
            throw new Error(`${kind}: ${path} has ${String(length)} bytes, not ${answerBytes}.`);
        }
        if (run >= 0) times[task][kind].push(...samples);
      }
  for (const machine of Object.values(machines)) machine.end();
  return times;
}
