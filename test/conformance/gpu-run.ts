/** All cases on one GPU, in Node and in pages alike: what both report to the command. */
import { openGpu } from "../../src/index.js";
import { gpuEngine, type EngineOptions } from "./engine.js";
import type { ConformanceCase } from "./format.js";
import { runCases, type CaseResult } from "./run-cases.js";

export type ConformanceEvent =
  /** First: which adapter it runs on. */
  | { readonly type: "adapter"; readonly names: string; readonly software: boolean }
  | { readonly type: "result"; readonly result: CaseResult }
  | { readonly type: "gpu-error"; readonly text: string };

export interface GpuRun {
  readonly cases: readonly ConformanceCase[];
  readonly engine: EngineOptions;
}

/** `hiddenAdapter`: the adapter's name where the browser keeps it from pages. */
export async function runOnGpu(
  { cases, engine }: GpuRun,
  hiddenAdapter: string | null,
  send: (event: ConformanceEvent) => void,
): Promise<void> {
  using gpu = await openGpu({ checked: true, f16: engine.precision !== "f32" });
  const { vendor, architecture, description, software } = gpu.info;
  send({
    type: "adapter",
    names: hiddenAdapter ?? [vendor, architecture, description].filter((name) => name !== "").join(", "),
    software,
  });
  await runCases(cases, gpuEngine(gpu, engine), (result) => send({ type: "result", result }));
}
