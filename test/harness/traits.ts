import type { DeviceTraits } from "../../src/kernels/op.js";

/** A software adapter without subgroups, at WebGPU's default limits. */
export const SOFTWARE: DeviceTraits = {
  software: true,
  subgroupSize: 0,
  maxInvocations: 256,
  maxWorkgroupStorage: 16384,
  maxBindingBytes: 2 ** 27,
};
