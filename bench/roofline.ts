/** A session that profiles ours: where the time of a workload goes, kernel by kernel, next to what the adapter can do at most. */
import { openGpu, type DeviceSpeed, type Gpu, type Profile } from "../src/index.js";
import { makeData } from "./data.js";
import { graphWeights, lossGraph, timedGraph } from "./graphs.js";
import { messageOf } from "./host.js";
import type { RooflineCommand, RooflineReply } from "./rooflines.js";
import type { Answer, Channel } from "./session.js";
import { withVariant } from "./with-variant.js";
import { WORKLOADS, type Workload } from "./workloads.js";

/** The first answer is the adapter's name. */
export async function main(channel: Channel): Promise<null> {
  using gpu = await openGpu();
  const { vendor, architecture, description, software } = gpu.info;
  const name = [vendor, architecture, description].filter((t) => t !== "").join(", ") + (software ? " (software)" : "");
  channel.send({ reply: name } satisfies Answer);
  for (;;) {
    const command = (await channel.receive()) as RooflineCommand;
    if (command.kind === "end") return null;
    try {
      const workload = WORKLOADS.find(({ id }) => id === command.workload)!;
      channel.send({ reply: await rooflineOf(gpu, workload, command.variant) } satisfies Answer);
    } catch (error) {
      channel.send({ error: messageOf(error), lostBefore: false } satisfies Answer);
    }
  }
}

async function rooflineOf(gpu: Gpu, workload: Workload, variant: string | undefined): Promise<RooflineReply> {
  // Anew for each: other programs come and go.
  const device = await gpu.measure();
  const profile = await profileOf(gpu, workload, device, variant);
  const { id, title } = workload;
  const { rows, gpuMs, wallMs, gapMs, submitMs, clock, warnings } = profile;
  return {
    roofline: { id, title, device, rows, gpuMs, wallMs, gapMs, submitMs, clock, warnings },
    text: [`${id}  ${title}`, profile.toTable()].join("\n"),
    trace: profile.toTrace(),
  };
}

async function profileOf(gpu: Gpu, workload: Workload, device: DeviceSpeed, variant: string | undefined): Promise<Profile> {
  const data = makeData(workload);
  if (workload.kind === "training") {
    if (variant !== undefined)
      throw new Error(`--variant: ${workload.id} is a training step: choose rows of forward passes by --only`);
    const graph = lossGraph(workload);
    using program = await gpu.compile(graph);
    await program.load(graphWeights(graph.params, data));
    return await program.profile({ x: data.x, labels: data.labels }, { device, loss: "output" });
  }
  const graph = timedGraph(workload);
  using program = await gpu.compile(graph);
  await program.load(graphWeights(graph.params, data));
  if (variant !== undefined) await program.resume(await withVariant(await program.checkpoint(), variant));
  return await program.profile({}, { device });
}
