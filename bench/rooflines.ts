/** Profiles of ours, asked of a session of roofline.ts. */
import type { Host, OpenHost } from "./host.js";
import type { Roofline } from "./report.js";

export const ROOFLINE_MODULE = "bench/roofline.ts";

/** F1's forward pass and F3's training step take a minute each on two software cores. */
const TIMEOUT_MS = 600_000;

/** Unless others are asked for. */
export const ROOFLINE_IDS: readonly string[] = ["F1", "F3"];

export interface RooflineCommand {
  readonly kind: "profile" | "end";
  /** Id. */
  readonly workload: string;
  /** Compute its forward convolutions by this one, not by the rule's; where there is one. */
  readonly variant?: string;
}

export interface RooflineReply {
  readonly roofline: Roofline;
  /** For a terminal. */
  readonly text: string;
  /** A Chrome trace, JSON. */
  readonly trace: string;
}

/** Opens a session for them; the caller closes it. */
export async function openRooflines(openHost: OpenHost): Promise<Host> {
  return await openHost("platform", ROOFLINE_MODULE, "ours");
}

/** `id` is a workload's. Rejects where `variant` does not apply to all its convolutions. */
export async function roofline(host: Host, id: string, variant?: string): Promise<RooflineReply> {
  const command: RooflineCommand = { kind: "profile", workload: id, ...(variant === undefined ? {} : { variant }) };
  return (await host.ask(command, TIMEOUT_MS)) as RooflineReply;
}
