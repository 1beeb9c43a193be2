/** What tuning found out about one device, as a text to keep: damaged texts are recognised, entries of other kernels do not count. */
import type { GpuInfo } from "../gpu/context.js";
import type { Variant } from "../kernels/op.js";
import { hashString } from "../tensor/random.js";
import { shaderOf } from "./bind.js";

/** What was measured of one signature. */
export interface Entry {
  /** Hash of the kernels that took part, and of how they were dispatched. */
  readonly kernels: string;
  /** ms of each variant that gave right results. */
  readonly ms: Readonly<Record<string, number>>;
  /** Why others did not take part. */
  readonly rejected: Readonly<Record<string, string>>;
}

const FORMAT = "fcn-webgpu-tuning/1";

export function formatTable(device: GpuInfo, entries: ReadonlyMap<string, Entry>): string {
  return JSON.stringify({ format: FORMAT, device, entries: Object.fromEntries(entries) }, null, 1);
}

/** Throws SyntaxError or TypeError for a text that {@link formatTable} did not write. */
export function parseTable(text: string): Map<string, Entry> {
  const { format, entries } = JSON.parse(text) as { format?: unknown; entries?: Record<string, Partial<Entry> | null> };
  if (format !== FORMAT || typeof entries !== "object" || entries === null) throw new TypeError(`it is not of ${FORMAT}`);
  for (const [signature, entry] of Object.entries(entries)) {
    const { kernels, ms, rejected } = entry ?? {};
    const right =
      typeof kernels === "string" &&
      allOf(ms, (v) => typeof v === "number" && v >= 0) &&
      allOf(rejected, (v) => typeof v === "string");
    if (!right) throw new TypeError(`its entry for ${signature} is damaged`);
  }
  return new Map(Object.entries(entries as Record<string, Entry>));
}

function allOf(record: unknown, test: (value: unknown) => boolean): boolean {
  return typeof record === "object" && record !== null && Object.values(record).every(test);
}

/** 64 bits in hex: equal texts, equal hashes. */
export function hash(text: string): string {
  return ["", "+"]
    .map((salt) =>
      hashString(salt + text)
        .toString(16)
        .padStart(8, "0"),
    )
    .join("");
}

/** Changes when a shader, its constants or its dispatch geometry does. */
export function sourceHash(variants: readonly Variant[]): string {
  const shaders = new Set(variants.flatMap((v) => [...(v.prepared?.dispatches ?? []), ...v.dispatches].map((d) => d.shader)));
  return hash(JSON.stringify([variants, [...shaders].map((name) => shaderOf(name).code)]));
}
