/** The open sessions of a run, one for each engine, opened when first needed. */
import { ADAPTER_MODULE, REFERENCE, type CatalogEntry } from "./catalog.js";
import { LostBeforeError, messageOf, TimeoutError, type Host, type OpenHost } from "./host.js";
import type { AdapterName, AdapterPeak, EngineName } from "./report.js";
import type { Command, Replies } from "./session.js";
import { decodeFloats } from "./base64.js";

/** Reference outputs take seconds, those of F1 at 512 pixels a side minutes. */
const REFERENCE_TIMEOUT_MS = 1_800_000;
const PEAK_TIMEOUT_MS = 60_000;

/** What sessions that were ended have left on a GPU process that all share is waited for so long. */
const SETTLE_MS = 30_000;
/** Of the peak before: the adapter is free again. */
const SETTLED = 0.7;

export interface SessionsOptions {
  /** All on one GPU process, as in a page. */
  readonly sharedGpu: boolean;
}

export class Sessions {
  private readonly hosts = new Map<string, Promise<Host>>();
  private readonly used = new Set<string>();
  private readonly expected = new Map<string, Float32Array>();
  /** What each engine said of itself, or why it could not be opened: it is not tried again. */
  readonly about = new Map<string, EngineName | Error>();
  adapter: AdapterName | null = null;
  browser = "";
  private usualPeak: AdapterPeak | null = null;
  private over = false;

  constructor(
    private readonly openHost: OpenHost,
    private readonly options: SessionsOptions,
  ) {}

  /** Opens the adapter's own session, and learns its name. */
  async openAdapter(): Promise<void> {
    const host = await this.host("adapter", "platform", ADAPTER_MODULE);
    this.adapter = (await host.opened) as AdapterName | null;
    this.browser = host.browser;
  }

  /** Null where there is no WebGPU, none any more, or none that answers. */
  async peak(): Promise<AdapterPeak | null> {
    const peak = await this.measurePeak();
    this.usualPeak ??= peak;
    return peak;
  }

  /**
   * After a session was ended: what it has submitted still runs where others share its GPU process. Waits until the adapter is about as fast as it was;
   * false where it is not in half a minute.
   */
  async settle(): Promise<boolean> {
    if (!this.options.sharedGpu || this.usualPeak === null || this.over) return true;
    const until = performance.now() + SETTLE_MS;
    while (performance.now() < until && !this.over) {
      const now = await this.measurePeak();
      if (now !== null && now.gflops >= SETTLED * this.usualPeak.gflops) return true;
    }
    return false;
  }

  private async measurePeak(): Promise<AdapterPeak | null> {
    if (this.adapter === null) return null;
    const ask = async (): Promise<AdapterPeak | null> => {
      const host = await this.host("adapter", "platform", ADAPTER_MODULE);
      if ((await host.opened) === null) return null;
      return (await host.ask({ kind: "peak" }, PEAK_TIMEOUT_MS)) as AdapterPeak;
    };
    try {
      return await ask();
    } catch (error) {
      await this.close("adapter");
      if (error instanceof TimeoutError) return null;
      if (!(error instanceof LostBeforeError)) throw error;
      return await ask();
    }
  }

  /** What the CPU reference computes. */
  async expectedOutput(workload: string): Promise<Float32Array> {
    const known = this.expected.get(workload);
    if (known) return known;
    const host = await this.host("expected", "beside", REFERENCE.module, REFERENCE.name);
    await host.opened;
    const { outputs } = (await host.ask({ kind: "prepare", workload }, REFERENCE_TIMEOUT_MS)) as Replies["prepare"];
    await host.ask({ kind: "release" }, REFERENCE_TIMEOUT_MS);
    const output = decodeFloats(outputs);
    this.expected.set(workload, output);
    return output;
  }

  /** Throws why the engine could not be opened: the first time and each time after, if it never was. */
  async open(entry: CatalogEntry): Promise<void> {
    const before = this.about.get(entry.name);
    if (before instanceof Error) throw before;
    try {
      const host = await this.host(entry.name, entry.native ? "beside" : "platform", entry.module);
      const { about, webgpu } = (await host.opened) as Replies["open"];
      this.about.set(entry.name, { name: entry.name, webgpu, about });
    } catch (error) {
      const reason = new Error(`could not be opened: ${messageOf(error)}`);
      // What could be opened once may be opened again: a lost device comes back.
      if (before === undefined) this.about.set(entry.name, reason);
      await this.close(entry.name);
      throw reason;
    }
  }

  /** Asks an engine that is open. */
  async ask<K extends "prepare" | "visit" | "release">(
    engine: string,
    command: Extract<Command, { kind: K }>,
    timeoutMs: number,
  ): Promise<Replies[K]> {
    this.used.add(engine);
    return (await (await this.hosts.get(engine)!).ask(command, timeoutMs)) as Replies[K];
  }

  /** Kills it, whatever it is doing. It is opened again when next needed. */
  async close(engine: string): Promise<void> {
    const host = this.hosts.get(engine);
    this.hosts.delete(engine);
    this.used.delete(engine);
    await (await host?.catch(() => undefined))?.close();
  }

  /** Kills the engines that have done something already: the next row finds nothing compiled. */
  async closeUsed(): Promise<void> {
    await Promise.all([...this.used].map((engine) => this.close(engine)));
  }

  /** For good. */
  async closeAll(): Promise<void> {
    this.over = true;
    await Promise.all([...this.hosts.keys()].map((engine) => this.close(engine)));
  }

  private async host(name: string, where: "platform" | "beside", module: string, engine = name): Promise<Host> {
    if (this.over) throw new Error("the sessions have been ended");
    let host = this.hosts.get(name);
    if (!host) {
      host = this.openHost(where, module, engine);
      this.hosts.set(name, host);
    }
    return await host;
  }
}
