/** A rough guess of a step's time, only for deciding where to split submits: wrong by a factor of a few is fine. */
import type { Step } from "./lower.js";

/** Sustained rates of our kernels: measured order of magnitude on two software cores, and a modest GPU. */
const SOFTWARE = { gflops: 2, gbps: 2 };
const HARDWARE = { gflops: 500, gbps: 50 };

export function estimateMs(step: Pick<Step, "flops" | "bytes">, software: boolean): number {
  const { gflops, gbps } = software ? SOFTWARE : HARDWARE;
  return Math.max(step.flops / gflops, step.bytes / gbps) / 1e6;
}
