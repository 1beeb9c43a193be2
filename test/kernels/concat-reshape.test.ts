import type { Shape } from "../../src/tensor/shape.js";
import { describeOp } from "../harness/op-cases.js";
import { MOVED, of, text } from "./moved.js";

describeOp("concat", {
  ...MOVED,
  differentiable: [0, 1, 2],
  cases: (
    [
      [[[3]], 0, [3]],
      [[[1], [5], [2]], 0, [8]],
      [
        [
          [2, 3],
          [2, 1],
        ],
        1,
        [2, 4],
      ],
      [
        [
          [4, 4],
          [1, 4],
        ],
        0,
        [5, 4],
      ],
      [
        [
          [1, 2, 4, 3],
          [1, 3, 4, 3],
        ],
        1,
        [1, 5, 4, 3],
      ],
      [
        [
          [2, 1, 3, 3],
          [2, 3, 3, 3],
          [2, 5, 3, 3],
        ],
        1,
        [2, 9, 3, 3],
      ],
      [
        [
          [2, 4, 3, 3],
          [2, 8, 3, 3],
        ],
        1,
        [2, 12, 3, 3],
      ],
      [
        [
          [2, 4, 3, 3],
          [2, 3, 3, 3],
        ],
        1,
        [2, 7, 3, 3],
      ],
      [
        [
          [2, 3, 3, 3],
          [2, 4, 3, 3],
        ],
        1,
        [2, 7, 3, 3],
      ],
      [
        [
          [1, 3, 2, 2],
          [3, 3, 2, 2],
        ],
        0,
        [4, 3, 2, 2],
      ],
      [
        [
          [1, 3, 2, 2],
          [1, 3, 4, 2],
        ],
        2,
        [1, 3, 6, 2],
      ],
      [
        [
          [1, 5, 2, 2],
          [1, 5, 2, 1],
        ],
        3,
        [1, 5, 2, 3],
      ],
      [
        [
          [2, 2, 2, 1, 2],
          [2, 2, 3, 1, 2],
        ],
        2,
        [2, 2, 5, 1, 2],
      ],
    ] as const
  ).map(([xs, axis, shape]) => ({
    name: `${xs.map(text).join(", ")} along ${axis}`,
    inputs: xs.map((x) => of(x)),
    attrs: { axis },
    shape,
  })),
});
describeOp("concat", {
  bound: { abs: 0, rel: 0 },
  cases: [
    {
      name: "i32, ten operands",
      inputs: Array.from({ length: 10 }, (_, i) => of([2, 1 + (i % 3), 2], "i32")),
      attrs: { axis: 1 },
      shape: [2, 19, 2],
    },
  ],
});

const reshapes: readonly (readonly [x: Shape, y: Shape])[] = [
  [[], [1]],
  [[6], [2, 3]],
  [
    [2, 3, 4, 5],
    [6, 20],
  ],
  [
    [2, 60],
    [2, 3, 4, 5],
  ],
  [
    [2, 3, 4, 5],
    [2, 5, 4, 3],
  ],
  [
    [2, 8, 1, 1],
    [2, 8],
  ],
  [
    [2, 8],
    [2, 8, 1, 1],
  ],
  [
    [3, 5, 1, 1],
    [3, 5],
  ],
  [
    [1, 5, 1, 1],
    [1, 5],
  ],
  [
    [1, 5],
    [1, 5, 1, 1],
  ],
  [[120], [2, 3, 4, 5]],
  [
    [2, 3, 4, 5],
    [1, 2, 3, 4, 5],
  ],
  [
    [1, 1, 1, 1],
    [1, 1, 1, 1],
  ],
  [
    [4, 50, 2, 2],
    [4, 200],
  ],
];
describeOp("reshape", {
  ...MOVED,
  cases: reshapes.map(([x, shape]) => ({ name: `${text(x)} to ${text(shape)}`, inputs: [of(x)], attrs: { shape }, shape })),
});

describeOp("transpose", {
  ...MOVED,
  cases: (
    [
      [[5], [0]],
      [
        [2, 3],
        [1, 0],
      ],
      [
        [4, 8],
        [1, 0],
      ],
      [
        [2, 3, 5],
        [2, 0, 1],
      ],
      [
        [2, 3, 4, 5],
        [0, 2, 3, 1],
      ],
      [
        [2, 3, 4, 5],
        [0, 3, 1, 2],
      ],
      [
        [2, 3, 4, 5],
        [1, 0, 2, 3],
      ],
      [
        [2, 8, 4, 5],
        [0, 1, 3, 2],
      ],
      [
        [2, 8, 4, 5],
        [0, 1, 2, 3],
      ],
      [
        [2, 3, 2, 2, 3, 2],
        [5, 3, 1, 0, 4, 2],
      ],
    ] as const
  ).map(([x, permutation]) => ({
    name: `${text(x)} by ${text(permutation)}`,
    inputs: [of(x)],
    attrs: { permutation },
    shape: permutation.map((axis) => x[axis]!),
  })),
});
