/**
 * The emulated PC: the one file that touches v86 and its internals (0.5.462, see V86_DIRECTORY).
 *
 * Runs in a worker or in Node. Every listener is wrapped: an exception that reaches v86's bus freezes the machine
 * silently, and even its own `stop()` then hangs.
 */
import { V86, type V86Options } from "v86";
import type { LayeredDisk } from "../disk/layered-disk.js";
import type { StoppedMachine } from "../snapshot/memory-image.js";
import { type MemoryPage, PAGE_BYTES } from "../snapshot/shared-pages.js";
import { MachineError } from "./errors.js";
import { type Hold, Holds } from "./holds.js";
import type { BootParts, Restored } from "./start-plan.js";
import { CONTROL_PORT, portName, SERIAL_RINGS } from "./serial-layout.js";
import type { SerialPort } from "./serial-port.js";
import { V86Disk } from "./v86-disk.js";
import { completeDrives, type Drive } from "./v86-drive.js";
import { isZeroPage, type MemoryCpu, patchMemory, savedWithoutMemory } from "./v86-memory.js";
import { type NicPlace, type TransportConstructor, VirtioNic } from "./v86-nic.js";
import { VirtioSerial } from "./v86-serial.js";

/** Bytes of video memory. v86 saves all of it in a state; nothing is ever drawn. */
const VGA_BYTES = 1024 * 1024;
/** How long the guest may take to idle before it is saved, in milliseconds, and how often that is looked at. */
const IDLE_WAIT_MS = 5000;
const IDLE_LOOK_MS = 10;
/**
 * How many pages of the guest's code v86 compiles together at most, and under which number it knows that setting
 * (src/rust/jit.rs, set_jit_config). Its default of 3 compiles much of the code several times: with 1, the first pages
 * of LuCI after a restore take two thirds of the time, and what runs for long (sha256sum, gzip) takes no longer.
 */
const JIT_MAX_PAGES = 1;
const JIT_MAX_PAGES_SETTING = 1;
/** Status register of a drive: busy, or in a transfer. */
const DRIVE_BUSY = 0x88;

/** The router's network cards. The guest numbers them by their slots: eth0 is the LAN, eth1 the WAN. */
export type Card = "lan" | "wan";

/**
 * Slots and ports that v86's devices leave free. The addresses are of the range for local use, and always the same: no
 * two machines are ever on one wire, and what a router wrote down of its card stays true over a reboot.
 */
const CARDS: Record<Card, NicPlace> = {
  lan: { name: "lan", slot: 0x0a, ports: 0xc600, mac: new Uint8Array([2, 0x4f, 0x57, 0, 0, 1]) },
  wan: { name: "wan", slot: 0x0d, ports: 0xe600, mac: new Uint8Array([2, 0x4f, 0x57, 0, 0, 2]) },
};

export interface PcOptions {
  /** compiled v86.wasm */
  readonly wasm: WebAssembly.Module;
  /** not needed with a state */
  readonly boot: BootParts | undefined;
  readonly commandLine: string;
  /** RAM in bytes */
  readonly memoryBytes: number;
  readonly disk: LayeredDisk;
  /** what to go on from instead of booting */
  readonly restored: Restored | undefined;
  readonly on: PcEvents;
}

export interface PcEvents {
  /** bytes the guest wrote to ttyS0 */
  serial(bytes: Uint8Array<ArrayBuffer>): void;
  /** The machine is about to run: its serial ports, of which the first is the console hvc0. */
  ports(ports: readonly SerialPort[]): void;
  /** an Ethernet frame that the guest sent, in a buffer of its own */
  frame(card: Card, frame: Uint8Array<ArrayBuffer>): void;
  /** the guest asked for a reset of the CPU; it is stopped and must not go on, its kernel is loaded only once */
  reboot(): void;
  /** the guest halted the CPU with interrupts off, which is how it powers off without ACPI */
  halt(): void;
  /** something failed inside an emulator callback; the machine cannot go on */
  error(error: unknown): void;
}

/** What of v86's undeclared parts is used here. */
interface Internals {
  readonly v86: {
    save_state(): ArrayBuffer;
    readonly cpu: MemoryCpu & {
      reboot_internal: () => void;
      readonly wm: { readonly exports: { set_jit_config(setting: number, value: number): void } };
      readonly in_hlt: Uint8Array;
      /** views of the CPU's memory, which a restore replaces by copies of their own */
      last_result: Int32Array;
      fpu_status_word: Uint16Array;
      mxcsr: Int32Array;
      readonly devices: {
        readonly ide: { readonly primary: { readonly master: Drive } };
        /** v86's own; only its transport is used, and its place */
        virtio_console:
          { readonly virtio: { readonly constructor: TransportConstructor } } | VirtioSerial;
        /** v86's own cards; free when it is told to make none */
        net: VirtioNic | undefined;
        virtio_net: VirtioNic | undefined;
      };
    };
  };
}

export class Pc {
  readonly #emulator: V86 & Internals;
  readonly #on: PcEvents;
  readonly #disk: V86Disk;
  readonly #holds: Holds;
  #serialOut: number[] = [];
  #cards: Record<Card, VirtioNic> | undefined;
  #ports: readonly SerialPort[] = [];
  /** whether the WAN cable is plugged in, whatever a restored state says */
  #wan = false;
  /** whether the CPU and its devices exist */
  #ready = false;
  #ended = false;

  constructor(options: PcOptions) {
    this.#on = options.on;
    this.#disk = new V86Disk(options.disk, (error) => this.#fail(error));
    const settings: V86Options & { hda: unknown; virtio_console: boolean } = {
      wasm_fn: async (imports) => (await WebAssembly.instantiate(options.wasm, imports)).exports,
      ...(options.boot && {
        bios: { buffer: options.boot.bios },
        vga_bios: { buffer: options.boot.vgaBios },
        bzimage: { buffer: options.boot.kernel },
        cmdline: options.commandLine,
      }),
      memory_size: options.memoryBytes,
      vga_memory_size: VGA_BYTES,
      hda: this.#disk as never,
      net_device: { type: "none" as never },
      virtio_console: true as never,
      disable_keyboard: true,
      disable_mouse: true,
      disable_speaker: true,
      autostart: false,
    };
    this.#emulator = new V86(settings) as V86 & Internals;
    this.#holds = new Holds(this.#emulator);
    this.#listen("serial0-output-byte", (byte) => this.#serial(byte));
    this.#listen("cpu-event-halt" as never, () => this.#finish(() => this.#on.halt()));
    const { restored } = options;
    this.#listen("emulator-loaded", () => void this.#begin(restored));
    this.#listen("emulator-ready", () => {
      const { cpu } = this.#emulator.v86;
      cpu.wm.exports.set_jit_config(JIT_MAX_PAGES_SETTING, JIT_MAX_PAGES);
      completeDrives(this.#drive);
      patchMemory(cpu);
      this.#addDevices();
      this.#catchReboot();
    });
  }

  /** Types on ttyS0. */
  sendSerial(bytes: Uint8Array): void {
    this.#guard(() => this.#emulator.serial_send_bytes(0, bytes));
  }

  /** An Ethernet frame for one of the guest's cards; not changed any more by the caller. */
  sendFrame(card: Card, frame: Uint8Array): void {
    if (!this.#ended) this.#guard(() => this.#cards?.[card].receive(frame));
  }

  /** Plugs the WAN cable in, or pulls it. */
  plugWan(plugged: boolean): void {
    this.#wan = plugged;
    this.#guard(() => {
      if (this.#cards) this.#cards.wan.plugged = plugged;
    });
  }

  /** Whether the CPU waits in a HLT just now: a guest that idles lives. */
  get idle(): boolean {
    return this.#ready && this.#emulator.v86.cpu.in_hlt[0] === 1;
  }

  /** Stops the CPU until the hold is released, and every other hold with it. @returns when it stands */
  hold(why: string): Promise<Hold> {
    return this.#holds.hold(why);
  }

  /**
   * The same, at a moment when the CPU idles and nothing is under way on the disk's channel, so that a state can be made.
   *
   * @throws {MachineError} the guest did not idle for so long
   */
  async holdIdle(why: string): Promise<Hold> {
    const giveUp = performance.now() + IDLE_WAIT_MS;
    while (performance.now() < giveUp && !this.#ended) {
      if (this.#canBeSaved()) {
        const hold = await this.hold(why);
        if (this.#canBeSaved()) return hold;
        hold[Symbol.dispose]();
      }
      await new Promise((resolve) => setTimeout(resolve, IDLE_LOOK_MS));
    }
    throw new MachineError("The router is too busy to be saved just now.");
  }

  /** In the middle of an instruction's flags or of a transfer, a state would not be one. */
  #canBeSaved(): boolean {
    return this.idle && (this.#drive.status_reg & DRIVE_BUSY) === 0;
  }

  get #drive(): Drive {
    return this.#emulator.v86.cpu.devices.ide.primary.master;
  }

  /** The guest's memory itself, not a copy. */
  get memory(): Uint8Array<ArrayBuffer> {
    return this.#emulator.v86.cpu.mem8.subarray(0);
  }

  /** Memory and devices as they are; only while the CPU is held idle. */
  capture(): StoppedMachine {
    const { v86 } = this.#emulator;
    const { cpu } = v86;
    return {
      devices: savedWithoutMemory(cpu, () => v86.save_state()),
      memory: this.memory,
      isZero: (page) => isZeroPage(cpu, page * PAGE_BYTES),
    };
  }

  /**
   * v86's state of all of it; only while the CPU is held idle. What the disk holds then is the caller's to keep.
   *
   * @param leaveOut addresses of pages that are zeros in the state: they cost nothing there
   */
  async saveState(leaveOut: readonly number[] = []): Promise<ArrayBuffer> {
    const { memory } = this;
    const pages = leaveOut.map((address) => ({
      address,
      content: memory.slice(address, address + PAGE_BYTES),
    }));
    for (const { address } of pages) memory.fill(0, address, address + PAGE_BYTES);
    try {
      return await this.#emulator.save_state();
    } finally {
      this.#putPages(pages);
    }
  }

  #putPages(pages: readonly MemoryPage[]): void {
    const { memory } = this;
    for (const { address, content } of pages) memory.set(content, address);
  }

  /** Ends it: the CPU stands still for good, and nothing of it is heard or reaches the disk any more. */
  end(): void {
    this.#ended = true;
    this.#disk.end();
    void this.#holds.forbid().catch(() => undefined);
  }

  #listen<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): void {
    this.#emulator.add_listener(name as never, (value: Events[Name]) =>
      this.#guard(() => listener(value)),
    );
  }

  /** Bytes come one by one: hand them on together, at the end of the CPU's time slice. */
  #serial(byte: number): void {
    if (this.#serialOut.length === 0)
      queueMicrotask(() =>
        this.#guard(() => {
          const bytes = Uint8Array.from(this.#serialOut);
          this.#serialOut = [];
          this.#on.serial(bytes);
        }),
      );
    this.#serialOut.push(byte);
  }

  #addDevices(): void {
    const { cpu } = this.#emulator.v86;
    const { virtio_console: console } = cpu.devices;
    if (console instanceof VirtioSerial) return;
    const transport = console.virtio.constructor;
    const serial = new VirtioSerial(transport, cpu, {
      rings: SERIAL_RINGS,
      name: portName,
      present: CONTROL_PORT + 1,
      guard: (action) => this.#guard(action),
    });
    cpu.devices.virtio_console = serial;
    this.#ports = serial.ports;
    const card = (name: Card) =>
      new VirtioNic(transport, cpu, CARDS[name], (frame) =>
        this.#guard(() => this.#on.frame(name, frame)),
      );
    this.#cards = { lan: card("lan"), wan: card("wan") };
    this.#cards.lan.plugged = true;
    this.#cards.wan.plugged = this.#wan;
    // The slots of v86's own cards: it resets, saves and restores what is in them.
    cpu.devices.virtio_net = this.#cards.lan;
    cpu.devices.net = this.#cards.wan;
  }

  /** Everything is there: the state goes in, and the CPU may run. */
  async #begin(restored: Restored | undefined): Promise<void> {
    try {
      if (restored) await this.#restore(restored);
      this.#on.ports(this.#ports);
      await this.#holds.allow();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A guest's reset would boot the BIOS without a kernel: say so instead. */
  #catchReboot(): void {
    this.#ready = true;
    this.#emulator.v86.cpu.reboot_internal = () => this.#finish(() => this.#on.reboot());
  }

  /**
   * v86 puts copies in place of three views of the CPU's memory, so that what they hold would never reach the CPU
   * (0.5.462, src/cpu.js, set_state): the values go into the views, and the views back where they were.
   */
  async #restore({ state, pages = [] }: Restored): Promise<void> {
    const { cpu } = this.#emulator.v86;
    const { last_result, fpu_status_word, mxcsr } = cpu;
    await this.#emulator.restore_state(state);
    this.#putPages(pages);
    last_result.set(cpu.last_result);
    fpu_status_word.set(cpu.fpu_status_word);
    mxcsr.set(cpu.mxcsr);
    Object.assign(cpu, { last_result, fpu_status_word, mxcsr });
    // A state has the cables as they were when it was saved.
    this.plugWan(this.#wan);
  }

  #finish(tell: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    void this.#holds.forbid().catch(() => undefined);
    this.#guard(tell);
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#on.error(error);
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }
}

interface Events {
  "serial0-output-byte": number;
  "cpu-event-halt": undefined;
  "emulator-ready": undefined;
  "emulator-loaded": undefined;
}
