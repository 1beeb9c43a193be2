/**
 * Decides which adapter Dawn in Node runs on: the machine's own Vulkan (or Metal, or D3D12) if Dawn accepts it, a real GPU or lavapipe from
 * Mesa 25 or newer, else SwiftShader from npm. `FCN_ADAPTER` = swiftshader | lavapipe | default forces one; `default` takes what the
 * system offers and nothing else.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { chromiumPackage, chromiumPackageRunsHere } from "./chromium-package.js";
import type { Environment } from "./environment.js";
import { lavapipeEnv } from "./lavapipe.js";

export type AdapterKind = "swiftshader" | "lavapipe" | "software" | "hardware";

export interface ProbedAdapter {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly software: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

export interface NodeAdapter {
  readonly kind: AdapterKind;
  /** One line for a person. */
  readonly line: string;
  /** To be set before the Node process that uses it starts. */
  readonly env: Environment;
  readonly probed: ProbedAdapter;
}

const REMEDY = "install a Vulkan driver, or Mesa 25 or newer (scripts/install-browsers.sh does on Debian)";

/** The adapter for Node on this machine. Throws with the remedy where there is none, or not the one that was forced. */
export async function chooseNodeAdapter(forced = process.env["FCN_ADAPTER"]): Promise<NodeAdapter> {
  switch (forced) {
    case undefined:
    case "": {
      const own = await tryAdapter({});
      if (own !== null) return own;
      if (!chromiumPackageRunsHere) throw new Error(`Dawn finds no adapter on this machine: ${REMEDY}`);
      return await requireAdapter("swiftshader", (await chromiumPackage()).vulkanEnv);
    }
    case "default":
      return await requireAdapter(undefined, {});
    case "lavapipe":
      return await requireAdapter("lavapipe", lavapipeEnv());
    case "swiftshader":
      return await requireAdapter("swiftshader", (await chromiumPackage()).vulkanEnv);
    default:
      throw new Error(`FCN_ADAPTER is "${forced}": it may be swiftshader, lavapipe or default`);
  }
}

/** What kind of adapter these names belong to, in Dawn's, Chromium's or Firefox's words. */
export function adapterKind(names: string, software: boolean): AdapterKind {
  if (/swiftshader/i.test(names)) return "swiftshader";
  if (/llvmpipe|lavapipe/i.test(names)) return "lavapipe";
  return software ? "software" : "hardware";
}

async function requireAdapter(kind: AdapterKind | undefined, env: Environment): Promise<NodeAdapter> {
  const adapter = await tryAdapter(env);
  if (adapter === null) throw new Error(`Dawn finds no adapter (asked for ${kind ?? "the system's own"}): ${REMEDY}`);
  if (kind !== undefined && adapter.kind !== kind) throw new Error(`asked for ${kind}, but Dawn got ${adapter.line}`);
  return adapter;
}

async function tryAdapter(env: Environment): Promise<NodeAdapter | null> {
  const probe = join(import.meta.dirname, "probe.mjs");
  const { stdout } = await promisify(execFile)(process.execPath, [probe], { env: { ...process.env, ...env }, timeout: 60_000 });
  const probed = JSON.parse(stdout) as ProbedAdapter | null;
  if (probed === null) return null;
  const names = [probed.vendor, probed.architecture, probed.device, probed.description].filter((name) => name !== "");
  const kind = adapterKind(names.join(" "), probed.software);
  return { kind, line: `${kind}: ${names.join(", ")} (Dawn in Node ${process.versions.node})`, env, probed };
}
