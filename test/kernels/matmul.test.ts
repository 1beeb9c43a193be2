import type { Shape } from "../../src/tensor/shape.js";
import { describeOp, type OpCase } from "../harness/op-cases.js";

const text = (shape: Shape): string => `[${shape.join(", ")}]`;
const plain = { alpha: 1, beta: 1, transA: false, transB: false };

/** Batches, ranks 2 to 6. */
const batched: readonly (readonly [a: Shape, b: Shape, y: Shape])[] = [
  [
    [1, 1],
    [1, 1],
    [1, 1],
  ],
  [
    [3, 4],
    [4, 5],
    [3, 5],
  ],
  [
    [7, 5],
    [5, 3],
    [7, 3],
  ],
  [
    [4, 4],
    [4, 4],
    [4, 4],
  ],
  [
    [5, 8],
    [8, 12],
    [5, 12],
  ],
  [
    [64, 40],
    [40, 12],
    [64, 12],
  ],
  [
    [2, 3, 4],
    [4, 3],
    [2, 3, 3],
  ],
  [
    [3, 4],
    [2, 4, 3],
    [2, 3, 3],
  ],
  [
    [2, 3, 4],
    [1, 4, 1],
    [2, 3, 1],
  ],
  [
    [2, 3, 5, 4],
    [2, 3, 4, 6],
    [2, 3, 5, 6],
  ],
  [
    [3, 1, 3, 4],
    [1, 2, 4, 2],
    [3, 2, 3, 2],
  ],
  [
    [2, 3, 4],
    [3, 2, 4, 3],
    [3, 2, 3, 3],
  ],
  [
    [2, 4, 2, 3],
    [3, 2],
    [2, 4, 2, 2],
  ],
  [
    [2, 1, 2, 3, 4],
    [3, 1, 4, 2],
    [2, 3, 2, 3, 2],
  ],
  [
    [2, 8193],
    [8193, 2],
    [2, 2],
  ],
  [
    [3, 260],
    [260, 4],
    [3, 4],
  ],
];

/** M, N, K on both sides of a tile of 4, rows of whole vec4s and not, with c in every form. */
const transposed: OpCase<"matmul">[] = [
  [4, 4, 4],
  [8, 12, 16],
  [5, 8, 12],
  [8, 5, 12],
  [4, 8, 3],
  [12, 4, 5],
  [1, 10, 20],
  [3, 7, 1],
  [9, 9, 9],
  [16, 12, 264],
].flatMap(([m, n, k]) =>
  [false, true].flatMap((transA) =>
    [false, true].flatMap((transB) =>
      ([null, [m!, n!], [n!], [m!, 1], []] as (number[] | null)[]).map((c) => ({
        name: `${m} x ${n} x ${k}${transA ? ", a transposed" : ""}${transB ? ", b transposed" : ""}${c ? `, c ${text(c)}` : ""}`,
        inputs: [{ shape: transA ? [k!, m!] : [m!, k!] }, { shape: transB ? [n!, k!] : [k!, n!] }, ...(c ? [{ shape: c }] : [])],
        attrs: { alpha: c ? 0.5 : 1, beta: 2, transA, transB },
        shape: [m!, n!],
      })),
    ),
  ),
);

describeOp("matmul", {
  exact: true,
  bound: { terms: ([a], { transA }) => a!.shape[a!.shape.length - (transA ? 2 : 1)]! + 2 },
  differentiable: [0, 1, 2],
  cases: [
    ...batched.map(([a, b, shape]) => ({
      name: `${text(a)} by ${text(b)}`,
      inputs: [{ shape: a }, { shape: b }],
      attrs: plain,
      shape,
    })),
    ...transposed,
  ],
});
