/**
 * One life of the emulated PC: its consoles, its shell and its network, from the first instruction or from a saved
 * state to the reset, the halt or the panic that ends it. Knows nothing of where its disk is stored.
 */
import type { Clock } from "../common/clock.js";
import { type Deferred, deferred } from "../common/deferred.js";
import type { LayeredDisk } from "../disk/layered-disk.js";
import type { LanStatus } from "../network/lan-host.js";
import { type BootStage, ConsoleWatch } from "./boot-watch.js";
import { ByteTail } from "./byte-tail.js";
import { COMMAND_LINE, FAILSAFE } from "./command-line.js";
import { ControlShell } from "./control-shell.js";
import { MachineError } from "./errors.js";
import { FailsafeConsole } from "./failsafe-console.js";
import { freshen } from "./freshen.js";
import type { Hold } from "./holds.js";
import { isPanic } from "./panic.js";
import { MEMORY_BYTES } from "./pc-identity.js";
import { RouterNetwork } from "./router-network.js";
import type { BootParts, Restored } from "./start-plan.js";
import { Pc } from "./v86.js";

/**
 * True when the first boot's configuration exists (OpenWrt's /bin/config_generate makes it; other roots have none to
 * wait for) and the router has taken its name from it.
 */
const CONFIGURED =
  "{ [ ! -x /bin/config_generate ] || [ -s /etc/config/system ]; } && " +
  "read -r name </proc/sys/kernel/hostname && [ \"$name\" != '(none)' ]";
/** True when the services have started, for routers whose log tells it and not their console (OpenWrt, once logd runs). */
const INIT_COMPLETE = "logread 2>/dev/null | grep -q 'procd: - init complete -'";
/**
 * Has the overlay's filesystem tell the disk of what it frees (ext4, f2fs), which OpenWrt's mount_root does not ask for. A
 * restored router was asked before it was saved.
 */
export const TRIM_AT_ONCE = "mount -o remount,discard /overlay";
const INIT_POLL_MS = 3000;
const INIT_POLLS = 100;
const CONFIG_POLL_MS = 250;
const CONFIG_WAIT_MS = 60_000;
/**
 * How much of the first console is kept for the next visit, in bytes: some screens of it. Below 64 KiB, for Chromium
 * stores larger values in files of their own.
 */
const SHOWN_BYTES = 48 * 1024;
/** How long a restored router may take to answer before it is given up and booted, in milliseconds. */
const RESTORED_ANSWER_MS = 30_000;

export interface BootOptions {
  readonly clock: Clock;
  /** compiled v86.wasm */
  readonly emulator: WebAssembly.Module;
  readonly disk: LayeredDisk;
  /** what it boots, or what it goes on from */
  readonly from: { readonly parts: BootParts } | { readonly restored: Restored };
  /** whether it boots into failsafe */
  readonly failsafe: boolean;
  /** whether the WAN cable is plugged in */
  readonly wan: boolean;
  /** @param path below the directory with the built files */
  loadWasm(path: string): Promise<WebAssembly.Module>;
  readonly on: BootListener;
}

export interface BootListener {
  /** bytes on the first console */
  output(bytes: Uint8Array<ArrayBuffer>): void;
  stage(stage: BootStage): void;
  network(status: LanStatus): void;
  /** The WAN cable leads nowhere, against what was wished: what answers there could not be downloaded. */
  unplugged(error: unknown): void;
}

/** How the guest ended its life. */
export interface BootEnd {
  readonly how: "reboot" | "halt" | "panic";
  readonly lastLines: readonly string[];
}

export class Boot {
  readonly pc: Pc;
  /** the host's own channel into the router */
  readonly shell: ControlShell;
  readonly network: RouterNetwork;
  readonly #options: BootOptions;
  readonly #watch: ConsoleWatch;
  /** what the first console showed last */
  readonly #shown = new ByteTail(SHOWN_BYTES);
  /** what was typed before a restored router may be used; `undefined` from then on */
  #held: Uint8Array[] | undefined;
  readonly #ended: Deferred<BootEnd> = deferred();
  /** the services have started */
  #isUp = false;
  /** a shell answered, of a router that is not in failsafe */
  #isAnswering = false;
  /** set when it is in failsafe */
  #failsafe: FailsafeConsole | undefined;
  #panicSuspected = false;
  #over = false;

  /** Resolves when a shell answers that finds its configuration; rejects when a restored router does not answer. */
  readonly ready: Promise<void>;
  /** Resolves when the guest ended; rejects when the emulator failed. */
  readonly ended: Promise<BootEnd> = this.#ended.promise;

  constructor(options: BootOptions) {
    this.#options = options;
    const { on, from } = options;
    const restored = "restored" in from ? from.restored : undefined;
    this.#watch = new ConsoleWatch({
      onStage: (stage) => this.#reached(stage),
      onPanicLine: () => void this.#checkPanic(),
      onFailsafe: () => this.#enterFailsafe(),
    });
    this.shell = new ControlShell(options.clock);
    this.#held = restored ? [] : undefined;
    if (restored?.console) this.#print(restored.console);
    this.pc = new Pc({
      wasm: options.emulator,
      boot: "parts" in from ? from.parts : undefined,
      commandLine: options.failsafe ? `${COMMAND_LINE} ${FAILSAFE}` : COMMAND_LINE,
      memoryBytes: MEMORY_BYTES,
      disk: options.disk,
      restored,
      on: {
        serial: (bytes) => {
          this.#watch.receive(bytes);
          if (this.#failsafe?.print(bytes) ?? true) this.#print(bytes);
        },
        ports: (ports) => this.shell.attach(ports),
        frame: (card, frame) => this.network.receive(card, frame),
        reboot: () => this.#end(this.#panicSuspected ? "panic" : "reboot"),
        halt: () => this.#end("halt"),
        error: (error) => this.#fail(error),
      },
    });
    this.network = new RouterNetwork({
      loadWasm: (path) => options.loadWasm(path),
      pc: this.pc,
      shell: this.shell,
      isUp: restored !== undefined,
      onStatus: (status) => on.network(status),
    });
    if (options.wan) this.network.plugWan(true).catch((error: unknown) => on.unplugged(error));
    this.ready = (restored ? this.#restored() : this.#booted()).then(() => this.#letIn());
    this.ready.catch(() => undefined);
  }

  /** What the first console showed last. */
  get shown(): Uint8Array<ArrayBuffer> {
    return this.#shown.bytes;
  }

  get lastLines(): readonly string[] {
    return this.#watch.lastLines;
  }

  /** Types on the first console; before a restored router may be used it waits. */
  type(bytes: Uint8Array): void {
    if (this.#held) this.#held.push(bytes);
    else this.pc.sendSerial(bytes);
  }

  /**
   * Holds the CPU where a state can be had and everything that was written to the disk is stored.
   *
   * @throws {MachineError} the router is too busy
   */
  async still(disk: LayeredDisk): Promise<Hold> {
    for (;;) {
      await disk.flush();
      const hold = await this.pc.holdIdle("still");
      // Something was written before it idled: that state belongs to a disk that is not stored yet.
      if (disk.flushed) return hold;
      hold[Symbol.dispose]();
    }
  }

  /** Ends it from outside: the CPU stands still for good, and whoever waits for the router is told why. */
  end(reason: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#letGo(reason);
  }

  async #restored(): Promise<void> {
    const { clock } = this.#options;
    const late = deferred<never>();
    const intime = clock.after(RESTORED_ANSWER_MS, () =>
      late.reject(new Error("The restored router does not answer.")),
    );
    await Promise.race([freshen(this.shell), late.promise]).finally(intime);
  }

  /**
   * OpenWrt starts its consoles while it still writes its first configuration: a shell that finds no /etc/config/system
   * yet is of no use to anybody, so that moment is waited for; no longer than until the services have started, for its
   * owner may have removed it.
   */
  async #booted(): Promise<void> {
    const { clock } = this.#options;
    await this.shell.connect();
    if (this.#failsafe) {
      this.#failsafe.show();
      return this.#reached("ready");
    }
    this.#isAnswering = true;
    const giveUp = clock.now() + CONFIG_WAIT_MS;
    while (clock.now() < giveUp) {
      const status = await this.shell.status(`${CONFIGURED} || ${INIT_COMPLETE}`);
      if (status === 0 || this.#isUp) break;
      await this.#sleep(CONFIG_POLL_MS);
    }
    void this.shell.status(TRIM_AT_ONCE).catch(() => undefined);
    void this.#watchServices().catch(() => undefined);
  }

  #letIn(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const bytes of held) this.pc.sendSerial(bytes);
    this.network.begin();
  }

  #reached(stage: BootStage): void {
    if (stage === "ready") this.#isUp = true;
    this.#options.on.stage(stage);
  }

  /** Believed while it boots: later it is only a line that somebody looks at. */
  #enterFailsafe(): void {
    if (this.#isAnswering || this.#failsafe) return;
    this.#failsafe = new FailsafeConsole(this.#options.clock, (bytes) => this.pc.sendSerial(bytes));
    this.shell.useInstead(this.#failsafe);
  }

  async #watchServices(): Promise<void> {
    for (let poll = 0; poll < INIT_POLLS && !this.#over; poll++) {
      await this.#sleep(INIT_POLL_MS);
      if (this.#isUp) return;
      if ((await this.shell.status(INIT_COMPLETE)) === 0) return this.#reached("ready");
    }
  }

  #print(bytes: Uint8Array<ArrayBuffer>): void {
    this.#shown.push(bytes);
    this.#options.on.output(bytes);
  }

  /** A line looked like a kernel panic: believe it only when the guest is really dead. */
  async #checkPanic(): Promise<void> {
    if (this.#panicSuspected) return;
    this.#panicSuspected = true;
    const dead = await isPanic(this.pc, this.shell, this.#options.clock);
    this.#panicSuspected = false;
    if (dead) this.#end("panic");
  }

  #end(how: BootEnd["how"]): void {
    if (this.#over) return;
    this.#over = true;
    this.#ended.resolve({ how, lastLines: this.lastLines });
    this.#letGo(new MachineError("The router was switched off or restarted."));
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    const reason = error instanceof Error ? error : new Error(String(error));
    this.#ended.reject(reason);
    this.#letGo(reason);
  }

  #letGo(reason: Error): void {
    this.shell.end(reason instanceof MachineError ? reason : new MachineError(reason.message));
    this.network.destroy();
    this.pc.end();
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.after(milliseconds, resolve));
  }
}
