import { expect } from "chai";
import { dropout as dropoutNode, type DropoutAttrs } from "../../src/kernels/dropout.js";
import { graph } from "../../src/graph/graph.js";
import { runReference } from "../../src/reference/evaluate.js";
import { floats, ints } from "../../src/reference/nd-array.js";
import { dropout } from "../../src/reference/dropout.js";
import { input } from "../../src/tensor/tensor.js";
import { describeOp, type OpCase } from "../harness/op-cases.js";

const shapes = [
  [],
  [1],
  [64],
  [65],
  [1030],
  [3, 5],
  [2, 3, 5],
  [1, 1, 1, 1],
  [2, 3, 5, 7],
  [2, 8, 3, 5],
  [1, 21, 4, 4],
  [2, 3, 2, 3, 2],
];
const states = [
  [1, 0],
  [0xdeadbeef, 4_000_000_000],
] as const;

function casesOf(attrs: readonly DropoutAttrs[]): OpCase<"dropout">[] {
  return shapes.flatMap((shape, i) =>
    attrs.map((a, k) => {
      const state = states[(i + k) % states.length]!;
      return {
        name: `[${shape.join(", ")}] p ${a.p}, node ${a.seed}, offset ${a.offset}, state ${state.join(" ")}`,
        inputs: [{ shape }, { shape: [2], dtype: "u32" as const, values: (j: number) => state[j]! }],
        attrs: a,
        shape,
      };
    }),
  );
}

// The mask is integer arithmetic, the scale a power of two: bit for bit the reference's.
describeOp("dropout", {
  exact: true,
  bound: { abs: 0, rel: 0 },
  differentiable: [0],
  cases: casesOf([
    { p: 0.5, seed: 0, offset: 0 },
    { p: 0.75, seed: 0xffffffff, offset: 0xfffffff0 },
    { p: 0, seed: 3, offset: 0 },
  ]),
});
// The scale rounded to f32, and the product.
describeOp("dropout", { bound: { abs: 0, rel: 2 ** -22 }, cases: casesOf([{ p: 0.3, seed: 7, offset: 105 }]) });

describe("dropout's mask", () => {
  const COUNT = 1 << 16;
  const mask = (
    p: number,
    of: { seed?: number; program?: number; step?: number; offset?: number; count?: number } = {},
  ): Float64Array => {
    const { seed = 0, program = 1, step = 0, offset = 0, count = COUNT } = of;
    const y = dropout([floats([count], new Float64Array(count).fill(1)), ints([2], Int32Array.of(program, step))], {
      p,
      seed,
      offset,
    });
    return Float64Array.from(y.data, (v) => (v === 0 ? 0 : 1));
  };
  const mean = (m: Float64Array): number => m.reduce((s, v) => s + v, 0) / m.length;
  /** Correlation of two masks of mean 1 - p, in standard deviations of independent ones. */
  const correlation = (a: Float64Array, b: Float64Array, p: number): number => {
    const sum = a.reduce((s, v, i) => s + (v - (1 - p)) * (b[i]! - (1 - p)), 0);
    return sum / (p * (1 - p) * Math.sqrt(a.length));
  };

  for (const p of [0.1, 0.5, 0.9]) {
    it(`drops a fraction ${p}, overall and in each of 64 stretches`, () => {
      const m = mask(p);
      const deviation = Math.sqrt((p * (1 - p)) / COUNT);
      expect(Math.abs(mean(m) - (1 - p))).to.be.below(4 * deviation);
      for (let k = 0; k < 64; k++) {
        expect(Math.abs(mean(m.subarray(k * 1024, (k + 1) * 1024)) - (1 - p)), `stretch ${k}`).to.be.below(4.5 * 8 * deviation);
      }
    });
  }

  it("is independent between neighbours at many distances", () => {
    const m = mask(0.5);
    for (const lag of [1, 2, 3, 4, 7, 16, 64, 100, 256, 1024, 4096]) {
      expect(Math.abs(correlation(m.subarray(0, COUNT - lag), m.subarray(lag), 0.5)), `lag ${lag}`).to.be.below(4.5);
    }
  });

  it("is independent between steps, nodes and program seeds", () => {
    const m = mask(0.5);
    for (const of of [{ step: 1 }, { step: 2 }, { seed: 1 }, { seed: 2 }, { program: 2 }, { program: 0x80000001 }]) {
      expect(Math.abs(correlation(m, mask(0.5, of), 0.5)), JSON.stringify(of)).to.be.below(4.5);
    }
  });

  it("of a part with its offset is the part of the mask", () => {
    expect(mask(0.5, { offset: 1000, count: 500 })).to.deep.equal(mask(0.5).slice(1000, 1500));
  });
});

describe("dropout", () => {
  const x = input([2, 3]);

  it("is x itself in inference", () => {
    expect(dropoutNode(x, { inference: true })).to.equal(x);
  });

  it("is left out by the reference of a graph, as by a program that runs it, but at a step of a training", () => {
    const net = graph({ x: input([1, 64]) }, (given) => ({ y: dropoutNode(given.x), z: given.x }));
    const values = { x: Float32Array.from({ length: 64 }, (_, i) => i + 1) };
    expect([...runReference(net, new Map(), values).y]).to.deep.equal([...values.x]);
    const at = (step: number): number[] => [...runReference(net, new Map(), values, { step }).y];
    expect(at(0).filter((y) => y === 0).length).to.be.within(16, 48);
    expect(at(1)).not.to.deep.equal(at(0));
  });

  it("gives stacked dropouts different seeds", () => {
    const first = dropoutNode(x);
    expect(first.attrs).to.deep.equal({ p: 0.5, seed: 0, offset: 0 });
    expect(dropoutNode(first, { p: 0.2 }).attrs).to.deep.equal({ p: 0.2, seed: 1, offset: 0 });
  });

  it("refuses what is no probability, no seed and no float", () => {
    expect(() => dropoutNode(x, { p: 1 })).to.throw("dropout: p is 1: use a probability of at least 0 and below 1");
    expect(() => dropoutNode(x, { p: NaN })).to.throw("dropout: p is NaN");
    expect(() => dropoutNode(x, { seed: 1.5 })).to.throw("dropout: seed is 1.5: use an integer");
    expect(() => dropoutNode(input([2], "i32"))).to.throw("dropout: x is i32 [2]");
  });
});
