import { expect } from "chai";
import { wholeBuffer } from "../../src/gpu/buffer-range.js";
import { bindDispatch, encode, kernelFor, paramsBytes, writeParams } from "../../src/graph/bind.js";
import {
  accumulateGradient,
  GUARD_AT,
  guard,
  HYPER,
  HYPER_BYTES,
  sgdUpdate,
  type UpdateDispatch,
} from "../../src/kernels/sgd.js";
import { sgdStep, type SgdHyper } from "../../src/reference/sgd.js";
import { byteLength, layoutOf, pack, unpack } from "../../src/tensor/layout.js";
import { uniform } from "../../src/tensor/random.js";
import { formatShape, numel, type Shape } from "../../src/tensor/shape.js";
import { testContext } from "../harness/device.js";

/** Runs an update kernel on buffers of a shape (`hyper` as it is) and gives back all of them, with their padding lanes. */
async function runUpdate(
  update: UpdateDispatch<"sgd.direct"> | UpdateDispatch<"accumulate.direct"> | UpdateDispatch<"guard.direct">,
  shape: Shape,
  data: Readonly<Record<string, Float32Array>>,
): Promise<Record<string, Float32Array>> {
  const { gpu, pipelines } = await testContext();
  const { device } = gpu;
  return gpu.scoped(update.shader, async () => {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const packed = Object.entries(data).map(([name, values]) => [name, name === "hyper" ? values : pack(shape, values)] as const);
    const buffers = new Map(
      packed.map(([name]) => [name, device.createBuffer({ size: name === "hyper" ? HYPER_BYTES : byteLength(shape), usage })]),
    );
    for (const [name, values] of packed) device.queue.writeBuffer(buffers.get(name)!, 0, values as Float32Array<ArrayBuffer>);
    const params = new ArrayBuffer(paramsBytes(update));
    writeParams(update, new DataView(params), 0);
    const uniforms = device.createBuffer({ size: params.byteLength, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
    device.queue.writeBuffer(uniforms, 0, params);
    const kernel = await kernelFor(pipelines, update);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    encode(pass, [
      bindDispatch(gpu, kernel, update, update.shader, { buffer: uniforms, offset: 0 }, (name) =>
        wholeBuffer(buffers.get(name)!),
      ),
    ]);
    pass.end();
    const staging = [...buffers].map(([name, buffer]) => {
      const copy = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
      encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size);
      return { name, copy };
    });
    device.queue.submit([encoder.finish()]);
    const out: Record<string, Float32Array> = {};
    for (const { name, copy } of staging) {
      await gpu.mapped(copy);
      out[name] = new Float32Array(copy.getMappedRange().slice(0));
      copy.destroy();
    }
    for (const buffer of [...buffers.values(), uniforms]) buffer.destroy();
    return out;
  });
}

const shapes = [[], [1], [5], [255], [256], [257], [3, 5], [2, 3, 5, 7], [16, 8, 3, 3], [1, 21, 4, 4]];
const random = uniform(3);
const values = (shape: Shape): Float32Array => Float32Array.from({ length: numel(shape) }, () => random() * 2 - 1);
const padding = (shape: Shape, memory: Float32Array): number[] => {
  const { padded, dims, size } = layoutOf(shape);
  return shape.length === 4 ? [...memory.subarray(0, size)].filter((_, i) => i % padded[3]! >= dims[3]!) : [];
};

describe("sgdUpdate", () => {
  const hypers: readonly (SgdHyper & { lrMult: number; decayMult: number })[] = [
    { learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4, gradScale: 1, lrMult: 1, decayMult: 1 },
    { learningRate: 0.5, momentum: 0, weightDecay: 0.1, gradScale: 0.25, lrMult: 2, decayMult: 0 },
    { learningRate: 0.1, momentum: 0.99, weightDecay: 5e-4, gradScale: 1, lrMult: 0, decayMult: 1 },
  ];
  for (const shape of shapes) {
    for (const h of hypers) {
      it(`${formatShape(shape)} ${JSON.stringify(h)}`, async () => {
        const [weight, velocity, grad] = [values(shape), values(shape), values(shape)];
        const want = { weight: Float64Array.from(weight), velocity: Float64Array.from(velocity) };
        sgdStep(want.weight, want.velocity, grad, h, h);
        const got = await runUpdate(sgdUpdate(byteLength(shape), h), shape, {
          grad,
          hyper: Float32Array.from(HYPER.map((name) => h[name])),
          velocity,
          weight,
        });
        for (const name of ["weight", "velocity"] as const) {
          // At most eight roundings, of values of at most 3.5.
          unpack(shape, got[name]!).forEach((v, i) =>
            expect(Math.abs(v - want[name][i]!), `${name} ${i}`).to.be.at.most(8 * 3.5 * 2 ** -24),
          );
          expect(
            padding(shape, got[name]!).every((v) => v === 0),
            `${name}: padding lanes`,
          ).to.equal(true);
        }
        expect([...unpack(shape, got["grad"]!)]).to.deep.equal([...grad]);
      });
    }
  }

  it("leaves a frozen parameter (lr_mult 0, no velocity) as it is, bit for bit", async () => {
    const shape = [2, 3, 5, 7];
    const weight = values(shape);
    const got = await runUpdate(sgdUpdate(byteLength(shape), { lrMult: 0, decayMult: 1 }), shape, {
      grad: values(shape),
      hyper: Float32Array.of(0.1, 0.9, 5e-4, 1),
      velocity: new Float32Array(numel(shape)),
      weight,
    });
    expect([...unpack(shape, got["weight"]!)]).to.deep.equal([...weight]);
  });
});

describe("accumulateGradient", () => {
  for (const shape of shapes) {
    it(formatShape(shape), async () => {
      const integers = (): Float32Array => values(shape).map((v) => Math.round(100 * v));
      const [grad, total] = [integers(), integers()];
      const got = await runUpdate(accumulateGradient(byteLength(shape)), shape, { grad, total });
      expect([...unpack(shape, got["total"]!)]).to.deep.equal([...total.map((v, i) => v + grad[i]!)]);
      expect(padding(shape, got["total"]!).every((v) => v === 0)).to.equal(true);
    });
  }
});

describe("guard", () => {
  const halt = async (shape: Shape, x: Float32Array): Promise<{ halted: number; first: number }> => {
    const hyper = new Float32Array(HYPER_BYTES / 4);
    new Uint32Array(hyper.buffer).set([7, 0xffffffff], GUARD_AT.batch / 4);
    const got = await runUpdate(guard(layoutOf(shape).size), shape, { x, hyper });
    const after = got["hyper"]!;
    return { halted: after[GUARD_AT.halted / 4]!, first: new Uint32Array(after.buffer)[GUARD_AT.first / 4]! };
  };

  for (const shape of shapes) {
    it(`sees an infinity and a NaN anywhere in ${formatShape(shape)}`, async () => {
      expect(await halt(shape, values(shape))).to.deep.equal({ halted: 0, first: 0xffffffff });
      for (const bad of [NaN, Infinity, -Infinity]) {
        const x = values(shape);
        x[Math.floor(random() * x.length)] = bad;
        expect(await halt(shape, x)).to.deep.equal({ halted: 1, first: 7 });
      }
    });
  }

  it("keeps weights and velocities from an update, bit for bit", async () => {
    const shape = [2, 3, 5, 7];
    const [weight, velocity] = [values(shape), values(shape)];
    const hyper = Float32Array.of(0.1, 0.9, 5e-4, 1, 1, 0, 0, 0);
    const update = sgdUpdate(byteLength(shape), { lrMult: 1, decayMult: 1 });
    const got = await runUpdate(update, shape, { grad: values(shape), hyper, velocity, weight });
    expect([...unpack(shape, got["weight"]!)]).to.deep.equal([...weight]);
    expect([...unpack(shape, got["velocity"]!)]).to.deep.equal([...velocity]);
  });
});
