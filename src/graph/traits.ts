/** What the choice of kernels may know of a device. */
import type { GpuContext } from "../gpu/context.js";
import type { DeviceTraits } from "../kernels/op.js";

export function traitsOf(gpu: GpuContext): DeviceTraits {
  const { subgroupMinSize: least, subgroupMaxSize: most } = gpu.device.adapterInfo;
  const subgroups = gpu.device.features.has("subgroups");
  return {
    software: gpu.info.software,
    subgroupSize: subgroups && least !== undefined && least === most ? least : 0,
    maxInvocations: gpu.limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupStorage: gpu.limits.maxComputeWorkgroupStorageSize,
    maxBindingBytes: Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize),
  };
}
