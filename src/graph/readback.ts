/** Copies of results from the GPU to the host. Staging buffers are made once per plan, so that a steady run creates nothing. */
import { allocate, type Need } from "../gpu/allocate.js";
import type { BufferRange } from "../gpu/buffer-range.js";
import type { GpuContext } from "../gpu/context.js";
import { elementBytes, physicalSize, type Numbers } from "../tensor/layout.js";
import type { TensorSpec } from "../tensor/shape.js";
import { joinPieces, type Pieces } from "./pieces.js";

export interface Readback {
  /** Records the copies, behind the last dispatch. */
  encode(encoder: GPUCommandEncoder): void;
  /** Waits for the copies and returns the logical values, in the order given. */
  read(): Promise<Numbers[]>;
  readonly bytes: number;
  dispose(): void;
}

const OUTPUTS: Need = {
  by: "compile",
  what: "reading the outputs back",
  remedy: "ask for fewer outputs or a smaller batch, or keep them on the GPU with runOnGpu()",
};

export interface ReadbackItem {
  readonly pieces: Pieces;
  readonly ranges: readonly BufferRange[];
}

/** Throws OutOfMemoryError; `need` says who reads what, where that is not a run its outputs. */
export async function createReadback(gpu: GpuContext, items: readonly ReadbackItem[], need: Need = OUTPUTS): Promise<Readback> {
  let bytes = 0;
  const copies = items.flatMap((item) =>
    item.pieces.parts.map((part, i) => {
      const size = copiedBytes(part);
      const copy = { from: item.ranges[i]!, size };
      bytes += size;
      return copy;
    }),
  );
  const { staging, dispose } = await allocate(gpu, need, (make) => ({
    staging: copies.map((c) => make.buffer("readback", c.size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST)),
    dispose: make.dispose,
  }));
  return {
    bytes,
    encode(encoder) {
      copies.forEach((c, i) => encoder.copyBufferToBuffer(c.from.buffer, c.from.offset, staging[i]!, 0, c.size));
    },
    async read() {
      try {
        for (const s of staging) await gpu.mapped(s);
        let next = 0;
        return items.map((item) => {
          const first = next;
          next += item.pieces.parts.length;
          return joinPieces(item.pieces, (i) => staging[first + i]!.getMappedRange().slice(0));
        });
      } finally {
        // Also of those before one that failed: the next run copies into them.
        staging.forEach((s) => s.unmap());
      }
    },
    dispose,
  };
}

/** Of its elements alone, as copies are cut: memory is planned in 16 bytes, but labels of a byte a pixel are read as that. */
function copiedBytes({ shape, dtype }: TensorSpec): number {
  return Math.ceil((physicalSize(shape) * elementBytes(dtype)) / 4) * 4;
}

/** The same at once, for what is read seldom. Throws OutOfMemoryError. */
export async function readOnce(gpu: GpuContext, items: readonly ReadbackItem[], need: Need): Promise<Numbers[]> {
  const readback = await createReadback(gpu, items, need);
  try {
    await gpu.scoped(need.by, () => {
      const encoder = gpu.device.createCommandEncoder();
      readback.encode(encoder);
      gpu.device.queue.submit([encoder.finish()]);
    });
    return await readback.read();
  } finally {
    readback.dispose();
  }
}
