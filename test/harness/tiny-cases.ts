/** A tiny case for every shader with workgroup memory, for what looks at single shaders. A new one is added to TINY. */
import { PLAIN_EPILOGUE } from "../../src/kernels/conv-geometry.js";
import { opOf } from "../../src/kernels/ops.js";
import type { DeviceTraits, Dispatch } from "../../src/kernels/op.js";
import { byteLength } from "../../src/tensor/layout.js";
import type { Shape, TensorSpec } from "../../src/tensor/shape.js";

interface Tiny {
  readonly op: string;
  readonly inputs: readonly Shape[];
  readonly attrs: object;
}

const GEOMETRY = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 };
/** As few operations as run each barrier twice, by shader. */
export const TINY: Readonly<Record<string, Tiny>> = {
  "conv2d.gemm": {
    op: "conv2d",
    inputs: [
      [1, 16, 2, 2],
      [4, 16, 1, 1],
    ],
    attrs: { ...GEOMETRY, ...PLAIN_EPILOGUE },
  },
  "conv2d-weight-grad.gemm": {
    op: "conv2dWeightGrad",
    inputs: [
      [1, 4, 3, 3],
      [1, 4, 3, 3],
    ],
    attrs: { ...GEOMETRY, kernel: [1, 1] },
  },
  "reduce.workgroup": { op: "reduceSum", inputs: [[5, 9, 2]], attrs: { axes: [0, 1], keep: [] } },
};

const TRAITS: DeviceTraits = {
  software: false,
  subgroupSize: 0,
  maxInvocations: 256,
  maxWorkgroupStorage: 16384,
  maxBindingBytes: 2 ** 27,
};

/** The first dispatch of the op's variants that runs the shader, and buffers for it: ones in, NaNs out. */
export function tinyDispatch(shader: string): { dispatch: Dispatch; buffers: Record<string, ArrayBuffer> } {
  const { op: name, inputs, attrs } = TINY[shader]!;
  const op = opOf(name);
  const specs = inputs.map((shape): TensorSpec => ({ shape, dtype: "f32" }));
  const output = op.infer(specs, attrs);
  for (const variant of op.variants(specs, output, attrs, TRAITS)) {
    const { prepared, scratchBytes } = variant;
    const dispatch = [...(prepared?.dispatches ?? []), ...variant.dispatches].find((d) => d.shader === shader);
    if (!dispatch) continue;
    const make = (bytes: number, value: number): ArrayBuffer => new Float32Array(bytes / 4).fill(value).buffer;
    const buffers = Object.entries(dispatch.buffers).map(([binding, ref]): [string, ArrayBuffer] => {
      if (ref === "output") return [binding, make(byteLength(output.shape), NaN)];
      if (ref === "second") return [binding, make(byteLength(op.second!(specs, attrs).shape), NaN)];
      if (ref === "absent") return [binding, make(16, 0)];
      if ("input" in ref) return [binding, make(byteLength(inputs[ref.input]!), 1)];
      return [binding, make("scratch" in ref ? scratchBytes![ref.scratch]! : prepared!.bytes[ref.prepared]!, 1)];
    });
    return { dispatch, buffers: Object.fromEntries(buffers) };
  }
  throw new Error(`no variant of ${name} runs ${shader}`);
}
