/**
 * Kernels that do nothing useful at full speed: chains of multiply-adds in registers, a copy. Fractions of peak are fractions of what these reach.
 * Beside the op table: they compute no node.
 */
import { dispatch, grid, WORKGROUP_SIZE, type Dispatch } from "./op.js";

export interface Probe {
  readonly dispatch: Dispatch;
  /** Bytes of each of its buffers, by name. */
  readonly buffers: Readonly<Record<string, number>>;
}

/** Multiply-adds of an invocation, over all lanes and chains. */
const FMAS_PER_INVOCATION = 8192;

export interface ArithmeticProbe extends Probe {
  /** A multiply-add counts as two. */
  readonly flops: number;
}

/** The best of these is the FMA peak: scalars and vec4s, 4, 8 and 16 independent chains. */
export function fmaProbes(workgroups: number): readonly ArithmeticProbe[] {
  const invocations = workgroups * WORKGROUP_SIZE;
  return [4, 8, 16].flatMap((chains) =>
    ([1, 4] as const).map((lanes): ArithmeticProbe => {
      const of = {
        params: { step: 1e-6 },
        buffers: { result: "output" },
        workgroups: [workgroups, 1, 1],
        constants: { CHAINS: chains, STEPS: FMAS_PER_INVOCATION / lanes / chains },
      } as const;
      return {
        dispatch: lanes === 1 ? dispatch("probe.fma", of) : dispatch("probe.fma-vec4", of),
        buffers: { result: 4 * lanes * invocations },
        flops: 2 * invocations * FMAS_PER_INVOCATION,
      };
    }),
  );
}

/** Reads so many bytes, and writes as many. */
export function copyProbe(bytes: number): Probe {
  const count = Math.floor(bytes / 16);
  return {
    dispatch: dispatch("probe.copy", {
      params: { count },
      buffers: { x: { input: 0 }, y: "output" },
      workgroups: grid(count),
    }),
    buffers: { x: 16 * count, y: 16 * count },
  };
}
