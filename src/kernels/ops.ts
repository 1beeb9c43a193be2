/** Every op of the engine, by name. Adding one: docs/adding-an-op.md. */
import type { Op } from "./op.js";
import { reluGradOp, reluOp } from "./relu.js";

export const OPS = {
  relu: reluOp,
  reluGrad: reluGradOp,
} as const;

export type OpName = keyof typeof OPS;
export type OpAttrs<K extends OpName> = (typeof OPS)[K] extends Op<infer A> ? A : never;

/** The op of a node that is not a leaf. The cast is sound: a node's attributes were made by its own op. */
export function opOf(name: string): Op<object> {
  const op = (OPS as unknown as Record<string, Op<object>>)[name];
  if (!op) throw new Error(`no op is called ${name}`);
  return op;
}
