/** The process in which the conformance command runs cases on Dawn in Node: they come, and events go, over Node's IPC channel. */
import { globals } from "webgpu";
import { reportGpuErrors } from "../../scripts/browser/gpu-errors.js";
import { runOnGpu, type ConformanceEvent, type GpuRun } from "./gpu-run.js";

const send = (event: ConformanceEvent): void => void process.send?.(event);

reportGpuErrors((globals as { GPUAdapter: typeof GPUAdapter }).GPUAdapter, (text) => send({ type: "gpu-error", text }));
process.once("disconnect", () => process.exit(1)); // the command was stopped
process.once("message", (run) => {
  void runOnGpu(run as GpuRun, null, send).then(
    // Not left to the event loop: a device that a failed case leaks would keep the process alive.
    () => process.send?.("end", () => process.exit(0)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
