/** What the tests of ops that only move elements share. */
import type { DType, Shape } from "../../src/tensor/shape.js";
import type { CaseInput } from "../harness/op-cases.js";

/** Bits are moved as they are. */
export const MOVED = { exact: true, bound: { abs: 0, rel: 0 }, differentiable: [0] } as const;

export const of = (shape: Shape, dtype: DType = "f32"): CaseInput => ({ shape, dtype });
export const text = (shape: Shape): string => `[${shape.join(", ")}]`;
