/** What the choice of kernels may know of a device. */
import type { GpuContext } from "../gpu/context.js";
import type { DeviceTraits } from "../kernels/op.js";

export function traitsOf(gpu: GpuContext): DeviceTraits {
  return {
    software: gpu.info.software,
    subgroups: gpu.device.features.has("subgroups"),
    maxInvocations: gpu.limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupStorage: gpu.limits.maxComputeWorkgroupStorageSize,
  };
}
