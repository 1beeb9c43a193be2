/** A GPUDevice that counts what is made, submitted and left behind, for tests of what the runtime promises. */

export interface Counts {
  buffers: number;
  bindGroups: number;
  pipelines: number;
  querySets: number;
  shaderModules: number;
  submits: number;
  dispatches: number;
  /** Buffers made and not destroyed. */
  liveBuffers: number;
  liveBytes: number;
  largestBuffer: number;
  largestBinding: number;
}

export interface CountingDevice {
  readonly device: GPUDevice;
  readonly counts: Counts;
  /** Of each buffer made, in order. */
  readonly labels: readonly string[];
  /** Bytes of each, in the same order. */
  readonly sizes: readonly number[];
  /** Counts since a copy was taken. */
  since(before: Counts): Counts;
}

export function countingDevice(real: GPUDevice): CountingDevice {
  const counts: Counts = {
    buffers: 0,
    bindGroups: 0,
    pipelines: 0,
    querySets: 0,
    shaderModules: 0,
    submits: 0,
    dispatches: 0,
    liveBuffers: 0,
    liveBytes: 0,
    largestBuffer: 0,
    largestBinding: 0,
  };

  const labels: string[] = [];
  const sizes: number[] = [];

  const countingPass = (pass: GPUComputePassEncoder): GPUComputePassEncoder =>
    new Proxy(pass, {
      get(target, key) {
        if (key === "dispatchWorkgroups") counts.dispatches++;
        return bound(target, key);
      },
    });
  const methods: Record<string, (...args: never[]) => unknown> = {
    createBuffer(descriptor: GPUBufferDescriptor) {
      const buffer = real.createBuffer(descriptor);
      counts.buffers++;
      labels.push(descriptor.label ?? "");
      sizes.push(descriptor.size);
      counts.liveBuffers++;
      counts.liveBytes += descriptor.size;
      counts.largestBuffer = Math.max(counts.largestBuffer, descriptor.size);
      let live = true;
      const destroy = buffer.destroy.bind(buffer);
      buffer.destroy = () => {
        if (live) {
          live = false;
          counts.liveBuffers--;
          counts.liveBytes -= descriptor.size;
        }
        return destroy();
      };
      return buffer;
    },
    createBindGroup(descriptor: GPUBindGroupDescriptor) {
      counts.bindGroups++;
      for (const { resource } of descriptor.entries) {
        if ("buffer" in resource) counts.largestBinding = Math.max(counts.largestBinding, resource.size ?? resource.buffer.size);
      }
      return real.createBindGroup(descriptor);
    },
    createComputePipelineAsync(descriptor: GPUComputePipelineDescriptor) {
      counts.pipelines++;
      return real.createComputePipelineAsync(descriptor);
    },
    createCommandEncoder() {
      return new Proxy(real.createCommandEncoder(), {
        get(target, key) {
          if (key === "beginComputePass")
            return (descriptor?: GPUComputePassDescriptor) => countingPass(target.beginComputePass(descriptor));
          return bound(target, key);
        },
      });
    },
    createQuerySet(descriptor: GPUQuerySetDescriptor) {
      counts.querySets++;
      return real.createQuerySet(descriptor);
    },
    createShaderModule(descriptor: GPUShaderModuleDescriptor) {
      counts.shaderModules++;
      return real.createShaderModule(descriptor);
    },
  };
  const queue = new Proxy(real.queue, {
    get(target, key) {
      if (key === "submit") {
        return (commands: Iterable<GPUCommandBuffer>) => {
          counts.submits++;
          return target.submit(commands);
        };
      }
      return bound(target, key);
    },
  });
  const device = new Proxy(real, {
    get(target, key) {
      if (key === "queue") return queue;
      return typeof key === "string" && key in methods ? methods[key] : bound(target, key);
    },
  });
  return {
    device,
    counts,
    labels,
    sizes,
    since(before) {
      return Object.fromEntries(Object.entries(counts).map(([k, v]) => [k, v - before[k as keyof Counts]])) as unknown as Counts;
    },
  };
}

/** Native methods want their own object as `this`. */
function bound(target: object, key: string | symbol): unknown {
  const value = Reflect.get(target, key, target) as unknown;
  return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value;
}
