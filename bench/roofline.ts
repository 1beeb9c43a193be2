/** Where the time of a workload goes, kernel by kernel, next to what the adapter can do at most. Runs in Node and in pages alike. */
import type { Page } from "../scripts/browser/page.js";
import { openGpu, type DeviceSpeed, type Gpu, type Profile } from "../src/index.js";
import { makeData } from "./data.js";
import { graphWeights, lossGraph, timedGraph } from "./graphs.js";
import { WORKLOADS, type Workload } from "./workloads.js";

export interface Roofline {
  readonly id: string;
  /** For people. */
  readonly text: string;
  /** A Chrome trace, JSON. */
  readonly trace: string;
}

/** Of workloads by their ids. `onText` is told what is being done. */
export async function roofline(ids: readonly string[], onText: (text: string) => void): Promise<readonly Roofline[]> {
  using gpu = await openGpu();
  const { vendor, architecture, description, software } = gpu.info;
  onText([vendor, architecture, description].filter((t) => t !== "").join(", ") + (software ? " (software)" : ""));
  const rooflines: Roofline[] = [];
  for (const workload of WORKLOADS.filter(({ id }) => ids.includes(id))) {
    onText(`${workload.id}: measuring`);
    // Anew for each: other programs come and go.
    const profile = await profileOf(gpu, workload, await gpu.measure());
    const text = [`${workload.id}  ${workload.title}`, profile.toTable()].join("\n");
    rooflines.push({ id: workload.id, text, trace: profile.toTrace() });
  }
  return rooflines;
}

async function profileOf(gpu: Gpu, workload: Workload, device: DeviceSpeed): Promise<Profile> {
  const data = makeData(workload);
  if (workload.kind === "training") {
    const graph = lossGraph(workload);
    using program = await gpu.compile(graph);
    await program.load(graphWeights(graph.params, data));
    return await program.profile({ x: data.x, labels: data.labels }, { device, loss: "output" });
  }
  const graph = timedGraph(workload);
  using program = await gpu.compile(graph);
  await program.load(graphWeights(graph.params, data));
  return await program.profile({}, { device });
}

/** In a page, whose arguments are the ids. */
export async function main(page: Page): Promise<readonly Roofline[]> {
  return await roofline(page.args as readonly string[], (text) => page.send(text));
}
