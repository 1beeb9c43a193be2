/** Expected values against computed ones. */
import { decode, type CaseTensor, type Tolerance } from "./format.js";

export interface Comparison {
  /** Largest |got - want| / (atol + rtol |want|); {@link UNBOUNDED} where a value must be exact and is not, or is not finite. */
  readonly worst: number;
  /** The first difference in words; null: all values are right. */
  readonly difference: string | null;
}

/** Stands for infinity, which JSON does not hold. */
export const UNBOUNDED = Number.MAX_VALUE;

export function compare(
  label: string,
  want: CaseTensor,
  tolerance: Tolerance,
  got: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
): Comparison {
  const shape = `[${want.shape.join(", ")}]`;
  if (`[${got.shape.join(", ")}]` !== shape)
    return { worst: UNBOUNDED, difference: `${label} has shape [${got.shape.join(", ")}], expected ${shape}` };
  const expected = decode(want);
  let worst = 0;
  let wrong = 0;
  let first = -1;
  for (let i = 0; i < expected.length; i++) {
    const fraction = errorFraction(got.data[i]!, expected[i]!, tolerance);
    worst = Math.max(worst, fraction);
    if (fraction <= 1) continue;
    if (first === -1) first = i;
    wrong++;
  }
  if (first === -1) return { worst, difference: null };
  const allowed = tolerance.atol + tolerance.rtol * Math.abs(expected[first]!);
  const place = want.shape.length === 0 ? label : `${label} [${position(first, want.shape).join(", ")}] of ${shape}`;
  const values = `is ${got.data[first]}, expected ${expected[first]} within ${Number(allowed.toPrecision(3))}`;
  return {
    worst,
    difference: `${place} ${values}${expected.length > 1 ? ` (${wrong} of ${expected.length} values are wrong)` : ""}`,
  };
}

function errorFraction(got: number, want: number, { atol, rtol }: Tolerance): number {
  if (got === want) return 0;
  const error = Math.abs(got - want);
  const allowed = atol + rtol * Math.abs(want);
  return Number.isFinite(error) && allowed > 0 ? error / allowed : UNBOUNDED;
}

function position(index: number, shape: readonly number[]): number[] {
  const at: number[] = [];
  for (const extent of [...shape].reverse()) {
    at.unshift(index % extent);
    index = Math.floor(index / extent);
  }
  return at;
}
