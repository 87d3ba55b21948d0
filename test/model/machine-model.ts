/**
 * The model of a machine's power: random sequences of what a person, a router, a store and another tab do, and what must be
 * true after each of them.
 */
import fc from "fast-check";
import type { Blob } from "node:buffer";
import type { Machine as MachineClass } from "../../src/machine/machine.js";
import { VirtualClock } from "../common/virtual-clock.js";
import type { FakeHost as FakeHostClass, FakeWorker } from "./fake-host.js";

/** The modules under test, so that a sabotaged copy of them can be put in their place. */
export interface Subject {
  readonly Machine: typeof MachineClass;
  readonly FakeHost: typeof FakeHostClass;
}

const PERSON = [
  ...["start", "reboot", "powerOff", "reset", "destroy", "takeOver", "startWithoutSaving"],
  ...["exec", "exportOverlay", "storage", "plugWan", "retry", "detach", "hide", "importOverlay"],
] as const;
const ROUTER = [
  ...["proceed", "proceed", "proceed", "reboots", "halts", "panics", "goes deaf", "crashes"],
  ...["fails", "store fails", "stalls", "reports", "import will fail"],
] as const;
const WORLD = [
  ...["another tab asks", "another tab holds", "another tab lets go"],
  ...["a second", "a quarter", "two minutes"],
] as const;
export type Step = (typeof PERSON)[number] | (typeof ROUTER)[number] | (typeof WORLD)[number];

/** After these a router may run without storing what it changes. */
const UNSAVED: readonly Step[] = ["startWithoutSaving", "detach", "stalls"];

/** Each legal change of the public state. */
const TRANSITIONS: Record<string, readonly string[]> = {
  off: ["loading", "failed"],
  loading: ["booting", "failed", "off"],
  booting: ["running", "loading", "failed", "off"],
  running: ["loading", "failed", "off"],
  failed: ["loading", "off"],
};

/**
 * What is common in a router's life and nearly never comes up by steps that are drawn one by one: a router that runs at
 * all, and another tab's question at the moment when it may not be answered with yes.
 */
const PHRASES: readonly (readonly Step[])[] = [
  ["start", "proceed", "proceed"],
  ["start", "proceed", "proceed", "proceed"],
  ["stalls", "another tab asks"],
  ["another tab asks", "stalls"],
];

const one = (...of: readonly Step[]) =>
  fc.constantFrom(...of.map((step): readonly Step[] => [step]));

export const steps: fc.Arbitrary<Step[]> = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: one(...PERSON.filter((step) => step !== "destroy")) },
      { weight: 8, arbitrary: one(...ROUTER) },
      { weight: 3, arbitrary: one(...WORLD) },
      { weight: 3, arbitrary: fc.constantFrom(...PHRASES) },
      { weight: 1, arbitrary: one("destroy") },
    ),
    { minLength: 3, maxLength: 24 },
  )
  .map((parts) => parts.flat());

/** One life of a machine. @throws {Error} an invariant does not hold, with the step that broke it */
export async function live({ Machine, FakeHost }: Subject, script: readonly Step[]): Promise<void> {
  const clock = new VirtualClock();
  const fake = new FakeHost(clock);
  const machine = new Machine({ firmware: "model" }, fake.host);
  const watch = new Watch(machine, fake, !script.some((step) => UNSAVED.includes(step)));
  for (const step of script) {
    watch.step = step;
    await take(step, machine, fake, watch, clock);
    await settled();
    watch.check();
  }
  watch.step = "two minutes";
  await clock.pass(200_000);
  // A router that does not obey is cut off, and one that cannot store what it holds hands it over.
  watch.isSettled("powerOff");
  watch.step = "destroy";
  void machine.destroy();
  await settled();
  watch.destroyed = true;
  watch.check();
  await clock.pass(200_000);
  await watch.allSettled();
}

async function take(
  step: Step,
  machine: MachineClass,
  fake: FakeHostClass,
  watch: Watch,
  clock: VirtualClock,
): Promise<void> {
  const worker: FakeWorker | undefined = fake.live.at(-1);
  switch (step) {
    case "start":
    case "reboot":
    case "reset":
    case "takeOver":
    case "startWithoutSaving":
      return watch.arrives(step, machine[step]());
    case "powerOff":
      return watch.follow(step, machine.powerOff());
    case "destroy":
      watch.follow(step, machine.destroy());
      watch.destroyed = true;
      return;
    case "exec":
      return watch.follow(step, machine.exec("true"));
    case "exportOverlay":
      return watch.follow(step, machine.exportOverlay());
    case "storage":
      return watch.follow(step, machine.storage());
    case "plugWan":
      return watch.follow(step, machine.plugWan(!machine.wan));
    case "importOverlay":
      return watch.imports(await copy(machine));
    case "retry":
    case "detach":
      return machine[step]();
    case "hide":
      return void fake.visibility.dispatchEvent(new Event("change"));
    case "proceed":
      return worker?.proceed();
    case "reboots":
      return worker?.ends("reboot");
    case "halts":
      return worker?.ends("halt");
    case "panics":
      return worker?.ends("panic");
    case "goes deaf":
      if (worker) worker.deaf = true;
      return;
    case "crashes":
      return worker?.crashes();
    case "fails":
      return worker?.fails(undefined);
    case "store fails":
      return worker?.fails("damaged");
    case "stalls":
      return worker?.stalls();
    case "reports":
      return worker?.reports();
    case "import will fail":
      fake.replaceFails = "full";
      if (worker) worker.replaceFails = "full";
      return;
    case "another tab asks":
      return worker?.wanted();
    case "another tab holds":
      if (!fake.locks.holder) fake.locks.holder = "another tab";
      return;
    case "another tab lets go":
      return fake.locks.release("another tab");
    case "a second":
      return clock.pass(1000);
    case "a quarter":
      return clock.pass(250);
    case "two minutes":
      return clock.pass(120_000);
  }
}

/** A file that a machine of this firmware takes, made once. */
let made: Promise<Blob> | undefined;
function copy(machine: MachineClass): Promise<globalThis.Blob> {
  made ??= machine.exportOverlay() as Promise<unknown> as Promise<Blob>;
  made.catch(() => (made = undefined));
  return made as Promise<unknown> as Promise<globalThis.Blob>;
}

/** Everything that needs no time is done. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

class Watch {
  step: Step | "" = "";
  destroyed = false;
  readonly #machine: MachineClass;
  readonly #fake: FakeHostClass;
  readonly #pending = new Map<Promise<unknown>, string>();
  readonly #faults: string[] = [];
  readonly #told = new Set<Error>();
  #state: string;
  #runnings = 0;
  #failedWith: Error | undefined;

  /** @param saves whether nothing is done that ends saving */
  constructor(
    machine: MachineClass,
    fake: FakeHostClass,
    private readonly saves: boolean,
  ) {
    this.#machine = machine;
    this.#fake = fake;
    this.#state = machine.state;
    machine.addEventListener("statechange", () => this.#changed());
    machine.addEventListener("error", (event) =>
      this.#error((event as Event & { error: Error }).error),
    );
  }

  follow(step: string, promise: Promise<unknown>): void {
    this.#pending.set(promise, step);
    const done = () => this.#pending.delete(promise);
    promise.then(done, done);
  }

  /** A promise that resolves when a shell answers: then it must have. */
  arrives(step: string, promise: Promise<void>): void {
    const already = this.#machine.state === "running";
    const before = this.#runnings;
    this.follow(
      step,
      promise.then(() => {
        if (!already && this.#runnings === before)
          this.#faults.push(`${step}() resolved, and no shell has answered`);
      }),
    );
  }

  /** A copy that is restored: the router runs on whatever came of it, or is off as it was. */
  async imports(blob: globalThis.Blob): Promise<void> {
    const promise = this.#machine.importOverlay(blob);
    this.follow("importOverlay", promise);
    promise.catch(() => undefined);
    // Reading it takes turns of its own.
    for (let turn = 0; turn < 20 && this.#pending.has(promise); turn++)
      await new Promise((resolve) => setImmediate(resolve));
  }

  check(): void {
    const { live, locks } = this.#fake;
    const { state, error, stall } = this.#machine;
    const fault = (what: string) => this.#faults.push(what);
    if (this.#fake.givenAwayUnsaved) fault("given away though it cannot save");
    if (live.length > 1) fault(`${live.length} workers live`);
    const holder = locks.holder;
    if (holder && holder !== "another tab" && !live.includes(holder))
      fault("a dead worker holds the overlay");
    const [worker] = live;
    const on = state === "loading" || state === "booting" || state === "running";
    if (on !== (worker !== undefined)) fault(`state ${state} with ${live.length} workers`);
    if (state === "running" && worker) {
      const stores = worker.wishes?.saving && !worker.wishes.memory && !worker.detached;
      if ((stores || this.saves) && holder !== worker) fault("running without the lease");
      if (worker.stage !== "running" && worker.stage !== "over")
        fault(`running, and the worker is ${worker.stage}`);
    }
    if (state === "failed" && error !== this.#failedWith)
      fault(`the first cause was lost: ${String(this.#failedWith)} became ${String(error)}`);
    if (state !== "failed" && on && error) fault(`on with an error: ${String(error)}`);
    if (stall && !worker) fault("stalled without a worker");
    if (this.#state !== state) fault(`the state became ${state} and no event told`);
    if (
      this.destroyed &&
      (live.length > 0 || (holder && holder !== "another tab") || state !== "off")
    )
      fault("something is held after destroy()");
    this.#raise();
  }

  isSettled(wanted: string): void {
    for (const step of this.#pending.values())
      if (step === wanted) this.#faults.push(`${step}() never settled`);
    this.#raise();
  }

  async allSettled(): Promise<void> {
    // What is compressed takes a thread of its own.
    for (let turn = 0; turn < 200 && this.#pending.size > 0; turn++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    for (const step of this.#pending.values()) this.#faults.push(`${step}() never settled`);
    this.#raise();
  }

  #raise(): void {
    if (this.#faults.length > 0)
      throw new Error(`after "${this.step}": ${this.#faults.join("; ")}`);
  }

  #changed(): void {
    const { state, error } = this.#machine;
    if (!TRANSITIONS[this.#state]?.includes(state)) this.#faults.push(`${this.#state} → ${state}`);
    this.#state = state;
    if (state === "running") this.#runnings++;
    this.#failedWith = state === "failed" ? error : undefined;
  }

  #error(error: Error): void {
    if (this.#told.has(error)) this.#faults.push(`told twice: ${error.message}`);
    this.#told.add(error);
  }
}
