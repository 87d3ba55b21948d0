/** Prints what was measured, and keeps every sample for `test-results/bench.json`. */
import type { CpuTask, CpuTimes } from "./cpu.js";
import type { DiskKind, DiskTask, DiskTimes } from "./disks.js";
import { DOWNLOAD_BYTES, type NetworkTask, type NetworkTimes, UPLOAD_BYTES } from "./network.js";
import { median } from "./statistics.js";
import { FILE_BYTES, OUTPUT_BYTES, type Use, type UseTimes } from "./uses.js";

export class Report {
  /** all samples by name */
  readonly results: Record<string, number[]> = {};

  /** Prints the median, and the samples if there are several. */
  show(name: string, samples: number[]): void {
    this.results[name] = samples;
    const shown = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 2 });
    const all =
      samples.length > 1 && samples.length <= 20 ? `   (${samples.map(shown).join(", ")})` : "";
    console.log(`${name.padEnd(72)}${shown(median(samples)).padStart(12)}${all}`);
  }

  disks(times: DiskTimes): void {
    const tasks: [DiskTask, string, (ms: number) => number][] = [
      ["sequential", "32 MiB dd conv=fsync, MiB/s", (ms) => 32_000 / ms],
      ["sync", "small file and sync, ms", (ms) => ms],
      ["random", "4 KiB random writes with fsync, a second", (ms) => 50_000 / ms],
    ];
    const kinds: [DiskKind, string][] = [
      ["strict", "our disk in IndexedDB"],
      ["memory", "our store in memory"],
      ["stock", "v86's own disk in memory"],
    ];
    for (const [task, name, unit] of tasks) {
      for (const [kind, what] of kinds) this.show(`${name}: ${what}`, times[task][kind].map(unit));
      this.#ratio(name, times[task].strict, times[task].stock);
    }
  }

  network(times: NetworkTimes): void {
    const tasks: [NetworkTask, string, (ms: number) => number][] = [
      ["download", "download of a file, MiB/s", (ms) => rate(DOWNLOAD_BYTES, ms)],
      ["upload", "upload to a program, MiB/s", (ms) => rate(UPLOAD_BYTES, ms)],
      ["request", "request for a small file, ms", (ms) => ms],
    ];
    for (const [task, name, unit] of tasks) this.#both(name, times[task], unit);
  }

  cpu(times: CpuTimes): void {
    const tasks: [CpuTask, string][] = [
      ["sha256", "guest CPU: sha256sum of 12 MiB, ms"],
      ["gzip", "guest CPU: gzip and gunzip of 4 MiB, ms"],
      ["processes", "guest CPU: 200 programs begun and ended, ms"],
    ];
    for (const [task, name] of tasks) this.#both(name, times[task], (ms) => ms);
  }

  uses(times: UseTimes): void {
    const uses: [Use, string, (ms: number) => number][] = [
      ["uci", "uci show, 5 s after a first visit, s", seconds],
      ["web", "web interface's first page, clicked 5 s after a first visit, s", seconds],
      ["beside", "command beside one that runs, s", seconds],
      ["write", "8 MiB by writeFile, MiB/s", (ms) => rate(FILE_BYTES, ms)],
      ["read", "8 MiB by readFile, MiB/s", (ms) => rate(FILE_BYTES, ms)],
      ["output", "4 MiB of a command's output, MiB/s", (ms) => rate(OUTPUT_BYTES, ms)],
      ["reboot", "reboot, s", seconds],
      ["rebootBehind", "reboot while a command runs, s", seconds],
    ];
    for (const [use, name, unit] of uses) this.show(name, times[use].map(unit));
  }

  #both(
    name: string,
    { ours, stock }: { ours: number[]; stock: number[] },
    unit: (ms: number) => number,
  ): void {
    this.show(`${name}: ours`, ours.map(unit));
    this.show(`${name}: v86 as it comes`, stock.map(unit));
    this.#ratio(name, ours, stock);
  }

  #ratio(name: string, ours: number[], stock: number[]): void {
    this.show(`${name}: time of ours / v86's own`, [median(ours) / median(stock)]);
  }
}

/** MiB a second */
function rate(bytes: number, ms: number): number {
  return bytes / 1024 / 1024 / (ms / 1000);
}

function seconds(ms: number): number {
  return ms / 1000;
}
