import type { Shape } from "../../src/tensor/shape.js";
import { describeOp, type CaseInput } from "../harness/op-cases.js";

/** The first three take every option, the others one each. */
const shapes: readonly Shape[] = [
  [2, 21, 5, 7],
  [3, 5],
  [2, 5, 3, 2, 3],
  [1, 1],
  [65, 2],
  [3, 5, 2],
  [1, 2, 3, 3],
  [1, 8, 8, 8],
  [1, 63, 3, 3],
  [1, 64, 3, 3],
  [1, 65, 3, 3],
  [2, 3, 1, 65],
  [2, 5, 4, 2, 3],
  [2, 3, 2, 3, 2, 2],
];

/** Every kind of label: classes, 255, -1 and others that are no class and must not be read through. */
function labels(shape: Shape): CaseInput {
  const [n, classes, ...rest] = shape as [number, number, ...number[]];
  const values = (i: number, random: () => number): number =>
    i % 7 === 3 ? 255 : i % 11 === 5 ? -1 : i % 13 === 6 ? classes : i % 17 === 9 ? -0x80000000 : Math.floor(random() * classes);
  return { shape: [n, ...rest], dtype: "i32", values };
}

const options = [
  { name: "", ignoreIndex: null, weighted: false },
  { name: ", ignoring 255", ignoreIndex: 255, weighted: false },
  { name: ", ignoring 0, weighted", ignoreIndex: 0, weighted: true },
  { name: ", ignoring -1, weighted", ignoreIndex: -1, weighted: true },
];

type Make<A> = (shape: Shape, o: (typeof options)[number]) => { inputs: readonly CaseInput[]; attrs: A; shape: Shape };

function casesOf<A>(make: Make<A>): { name: string; inputs: readonly CaseInput[]; attrs: A; shape: Shape }[] {
  return shapes.flatMap((shape, i) =>
    options
      .filter((_, k) => i < 3 || k === i % options.length)
      .map((o) => ({ name: `[${shape.join(", ")}]${o.name}`, ...make(shape, o) })),
  );
}

const pixels = ([n, , ...rest]: Shape): Shape => [n!, ...rest];
const weights = (shape: Shape, weighted: boolean): CaseInput[] => (weighted ? [{ shape: [shape[1]!] }] : []);

// exp, its sum and log on logits in [-1, 1): as for logSoftmax.
describeOp("crossEntropy", {
  bound: { abs: 4e-6, rel: 1e-6 },
  differentiable: [0],
  cases: casesOf((shape, { ignoreIndex, weighted }) => ({
    inputs: [{ shape }, labels(shape), ...weights(shape, weighted)],
    attrs: { ignoreIndex, floorProbability: false },
    shape: pixels(shape),
  })),
});

describeOp("crossEntropyGrad", {
  bound: { abs: 4e-6, rel: 1e-6 },
  cases: casesOf((shape, { ignoreIndex, weighted }) => ({
    inputs: [{ shape: pixels(shape) }, { shape }, labels(shape), ...weights(shape, weighted)],
    attrs: { ignoreIndex },
    shape,
  })),
});

describeOp("crossEntropyBoth", {
  bound: { abs: 4e-6, rel: 1e-6 },
  cases: casesOf((shape, { ignoreIndex, weighted }) => ({
    inputs: [{ shape: pixels(shape) }, { shape }, labels(shape), ...weights(shape, weighted)],
    attrs: { ignoreIndex, floorProbability: false },
    shape: pixels(shape),
  })),
});

// Logits hundreds apart: without the floor the loss is their difference, with it at most 87.3365.
const far = (i: number): number => (i % 2 === 0 ? 200 : -150) + i;
const apart = [true, false].map((floorProbability) => ({
  name: `logits far apart, floorProbability ${floorProbability}`,
  inputs: [{ shape: [2, 2, 3, 3], values: far }, labels([2, 2, 3, 3])],
  attrs: { ignoreIndex: null, floorProbability },
}));
describeOp("crossEntropy", { bound: { abs: 4e-6, rel: 4e-7 }, cases: apart });
describeOp("crossEntropyBoth", {
  bound: { abs: 4e-6, rel: 4e-7 },
  cases: apart.map((c) => ({ ...c, inputs: [{ shape: [2, 3, 3] }, ...c.inputs] })),
});

describeOp("nll", {
  exact: true,
  bound: { terms: () => 1 },
  differentiable: [0],
  cases: casesOf((shape, { ignoreIndex, weighted }) => ({
    inputs: [{ shape }, labels(shape), ...weights(shape, weighted)],
    attrs: { ignoreIndex },
    shape: pixels(shape),
  })),
});

describeOp("nllGrad", {
  exact: true,
  bound: { terms: () => 1 },
  differentiable: [0],
  cases: casesOf((shape, { ignoreIndex, weighted }) => ({
    inputs: [{ shape: pixels(shape) }, labels(shape), ...weights(shape, weighted)],
    attrs: { ignoreIndex, classes: shape[1]! },
    shape,
  })),
});

describeOp("labelWeights", {
  bound: { abs: 0, rel: 0 },
  cases: casesOf((shape, { ignoreIndex, weighted }) => ({
    inputs: [labels(shape), ...weights(shape, weighted)],
    attrs: { ignoreIndex, classes: shape[1]! },
    shape: pixels(shape),
  })),
});
