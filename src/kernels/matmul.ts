/**
 * Matrix products: y = alpha * A B + beta * C over the last two axes, where A is a or its transpose, B is b or its transpose and C is
 * broadcast to y; leading axes are batches and broadcast. f32, ranks 2 to 6, any layout. Size: [..., M, N] from [..., M, K] and [..., K, N].
 * Its gradients are matrix products too, of transposed operands: flags of the same op.
 */
import { ShapeError } from "../tensor/errors.js";
import { logicalStrides, physicalSize } from "../tensor/layout.js";
import { broadcastShapes, formatShape, numel, sameShape, type Shape, type TensorSpec } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { scale } from "./elementwise.js";
import { apply, dispatch, grid, inputRef, type Dispatch, type Op } from "./op.js";
import { sumTo } from "./reduce.js";
import { reshape } from "./reshape.js";
import { axisTable, broadcastStrides, walk } from "./strided.js";

/** Of the product of inputs a, b and, where there is a third, c. */
export interface MatmulAttrs {
  readonly alpha: number;
  readonly beta: number;
  /** a's last two axes are swapped: it is stored as [..., K, M]. */
  readonly transA: boolean;
  /** b is stored as [..., N, K]. */
  readonly transB: boolean;
}

const PLAIN: MatmulAttrs = { alpha: 1, beta: 1, transA: false, transB: false };

/**
 * a b over the last two axes, [..., M, K] and [..., K, N] -> [..., M, N], with leading axes broadcast (numpy's matmul); a vector counts as a row
 * on the left and as a column on the right, and its axis vanishes from the result. f32. Throws ShapeError where K differs or batches do not broadcast.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  if (a.shape.length === 0 || b.shape.length === 0) {
    throw new ShapeError(
      `matmul: a is ${formatShape(a.shape)} and b is ${formatShape(b.shape)}: a scalar has no product, use multiply or scale`,
    );
  }
  const left = a.shape.length === 1 ? reshape(a, [1, a.shape[0]!]) : a;
  const right = b.shape.length === 1 ? reshape(b, [b.shape[0]!, 1]) : b;
  const y = apply(matmulOp, [left, right], PLAIN);
  const batch = y.shape.slice(0, -2);
  if (left !== a && right !== b) return reshape(y, []);
  if (left !== a) return reshape(y, [...batch, y.shape[y.shape.length - 1]!]);
  return right !== b ? reshape(y, [...batch, y.shape[y.shape.length - 2]!]) : y;
}

/**
 * alpha * A B + beta * C of matrices (BLAS, ONNX): A is a [M, K], or with `transA` the transpose of a [K, M]; B is b [K, N], or with `transB` the
 * transpose of b [N, K]; c, or null, broadcasts to [M, N]. f32. Throws ShapeError where ranks or extents do not fit.
 */
export function gemm(a: Tensor, b: Tensor, c: Tensor | null, attrs: Partial<MatmulAttrs> = {}): Tensor {
  if (a.shape.length !== 2 || b.shape.length !== 2) {
    throw new ShapeError(
      `gemm: a is ${formatShape(a.shape)} and b is ${formatShape(b.shape)}: both must be matrices (matmul takes batches)`,
    );
  }
  return apply(matmulOp, c ? [a, b, c] : [a, b], { ...PLAIN, ...attrs });
}

/** M, N, K and the shapes of the batches. Throws ShapeError. */
function sizes(a: Shape, b: Shape, { transA, transB }: MatmulAttrs) {
  const [rowsA, columnsA] = a.slice(-2) as [number, number];
  const [rowsB, columnsB] = b.slice(-2) as [number, number];
  const [m, k] = transA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [n, kOfB] = transB ? [rowsB, columnsB] : [columnsB, rowsB];
  if (k !== kOfB) {
    const turned = [transA ? "a transposed" : "", transB ? "b transposed" : ""].filter((t) => t !== "").join(", ");
    throw new ShapeError(
      `matmul: a has ${k} columns but b has ${kOfB} rows (a is ${formatShape(a)}, b is ${formatShape(b)}${turned && `, ${turned}`}): they must be equal`,
    );
  }
  return { m, n, k };
}

export const matmulOp: Op<MatmulAttrs> = {
  name: "matmul",
  infer(inputs, attrs) {
    const [a, b, c] = inputs as [TensorSpec, TensorSpec, TensorSpec | undefined];
    for (const x of inputs)
      if (x.dtype !== "f32") throw new ShapeError(`matmul: an operand is ${x.dtype} ${formatShape(x.shape)}: all must be f32`);
    if (a.shape.length < 2 || b.shape.length < 2) {
      throw new ShapeError(`matmul: a is ${formatShape(a.shape)} and b is ${formatShape(b.shape)}: give each at least two axes`);
    }
    if (!Number.isFinite(attrs.alpha) || !Number.isFinite(attrs.beta))
      throw new ShapeError(`matmul: alpha is ${attrs.alpha} and beta ${attrs.beta}: use finite numbers`);
    const { m, n } = sizes(a.shape, b.shape, attrs);
    const shape = [...broadcastShapes("matmul", a.shape.slice(0, -2), b.shape.slice(0, -2)), m, n];
    if (c && !sameShape(broadcastShapes("matmul", c.shape, shape), shape)) {
      throw new ShapeError(`matmul: c is ${formatShape(c.shape)} but a b is ${formatShape(shape)}: c must broadcast to it`);
    }
    return { shape, dtype: "f32" };
  },
  variants([a, b, c], output, attrs) {
    const direct = { name: "direct", dispatches: [matmulDirect(a!.shape, b!.shape, c?.shape, output.shape, attrs)] };
    const tiled = matmulTiled(a!.shape, b!.shape, c?.shape, output.shape, attrs);
    return tiled ? [direct, { name: "tiled", dispatches: [tiled] }] : [direct];
  },
  flops([a, b, c], output, attrs) {
    return numel(output.shape) * (2 * sizes(a!.shape, b!.shape, attrs).k + (c ? 2 : 0));
  },
  grad(dy, [a, b, c], _y, { alpha, beta, transA, transB }) {
    const product = (p: Tensor, q: Tensor, transP: boolean, transQ: boolean): Tensor =>
      apply(matmulOp, [p, q], { alpha, beta: 1, transA: transP, transB: transQ });
    const da = transA ? product(b!, dy, transB, true) : product(dy, b!, false, !transB);
    const db = transB ? product(dy, a!, true, transA) : product(a!, dy, !transA, false);
    const dc = c ? scale(sumTo(dy, c.shape), beta) : null;
    return [sumTo(da, a!.shape), sumTo(db, b!.shape), ...(dc ? [dc] : [])];
  },
};

/** Strides of an operand by the output's logical axes (0 along the one it lacks), and along K. */
function operandStrides(
  operand: Shape,
  output: Shape,
  isLeft: boolean,
  transposed: boolean,
): { strides: number[]; step: number } {
  const own = logicalStrides(operand);
  const [row, column] = own.slice(-2) as [number, number];
  const [outer, inner] = transposed ? [column, row] : [row, column];
  const batch = broadcastStrides(operand, [...output.slice(0, -2), ...operand.slice(-2)]).slice(0, -2);
  return isLeft ? { strides: [...batch, outer, 0], step: inner } : { strides: [...batch, 0, inner], step: outer };
}

function matmulDirect(a: Shape, b: Shape, c: Shape | undefined, y: Shape, attrs: MatmulAttrs): Dispatch {
  const left = operandStrides(a, y, true, attrs.transA);
  const right = operandStrides(b, y, false, attrs.transB);
  const { axes, lanes } = walk(y, [left.strides, right.strides, c ? broadcastStrides(c, y) : y.map(() => 0)]);
  const count = physicalSize(y);
  return dispatch("matmul.direct", {
    params: {
      count,
      rank: axes.length,
      lanes,
      terms: sizes(a, b, attrs).k,
      a_step: left.step,
      b_step: right.step,
      alpha: attrs.alpha,
      beta: attrs.beta,
      axes: axisTable(axes),
    },
    buffers: { a: inputRef(0), b: inputRef(1), c: c ? inputRef(2) : "absent", y: "output" },
    constants: { HAS_C: c !== undefined },
    workgroups: grid(count),
  });
}

/** For matrices whose stored rows are whole vec4s; null otherwise. */
function matmulTiled(a: Shape, b: Shape, c: Shape | undefined, y: Shape, attrs: MatmulAttrs): Dispatch | null {
  if (a.length !== 2 || b.length !== 2 || a[1]! % 4 !== 0 || b[1]! % 4 !== 0) return null;
  const { m, n, k } = sizes(a, b, attrs);
  const [cRow, cColumn] = c ? (broadcastStrides(c, y) as [number, number]) : [0, 0];
  return dispatch("matmul.tiled", {
    params: {
      rows: m,
      columns: n,
      terms: k,
      a_row: a[1]! / 4,
      b_row: b[1]! / 4,
      c_row_stride: cRow,
      c_column_stride: cColumn,
      alpha: attrs.alpha,
      beta: attrs.beta,
    },
    buffers: { a: inputRef(0), b: inputRef(1), c: c ? inputRef(2) : "absent", y: "output" },
    constants: { TRANS_A: attrs.transA, TRANS_B: attrs.transB, HAS_C: c !== undefined },
    workgroups: grid(Math.ceil(m / 4) * Math.ceil(n / 4)),
  });
}
