/**
 * Which variant computes a node. By rule the last that applies and whose `fromFlops` the node reaches; over it goes what was measured on this
 * device (tune.ts), and over that what a checkpoint was trained with, so that a resumed run gives the same bits.
 */
import { opOf } from "../kernels/ops.js";
import { storedAs } from "../kernels/half.js";
import type { DeviceTraits, Variant } from "../kernels/op.js";
import { formatShape, type Shape, type TensorSpec } from "../tensor/shape.js";
import { signatureOf, type Application } from "./signature.js";
import { table } from "./table.js";

/** The kernel chosen for a node of a plan. */
export interface Choice {
  readonly node: string;
  readonly op: string;
  readonly inputs: readonly Shape[];
  readonly output: Shape;
  readonly variant: string;
  /** All variants that apply here, the simplest first. */
  readonly applicable: readonly string[];
  /** "only variant", "rule", "tuned: 1.90 ms against direct's 5.10 ms", "checkpoint"; with what else is worth knowing behind a semicolon. */
  readonly why: string;
}

export interface Choices {
  readonly rows: readonly Choice[];
  /** One line per node. */
  toTable(): string;
}

/** What goes before the rule. */
export interface Preferences {
  /** Signature -> variant, from a checkpoint. */
  readonly saved: ReadonlyMap<string, string>;
  /** Signature, of values that decide nothing, -> what measuring said. */
  readonly tuned: ReadonlyMap<string, Verdict>;
}

/** What measuring said of the variants of a node. */
export interface Verdict {
  /** Of each variant that gave right results; none where nothing was measured. */
  readonly ms: Readonly<Record<string, number>>;
  /** Those that the time did not reach to: where the rule would take one of them, what was measured beside it decides nothing. */
  readonly unmeasured: readonly string[];
  /** Why others have no time. */
  readonly notes: readonly string[];
}

/** Nothing was measured. */
export function noVerdict(...reasons: readonly string[]): Verdict {
  return { ms: {}, unmeasured: [], notes: reasons };
}

export const NO_PREFERENCES: Preferences = { saved: new Map(), tuned: new Map() };

/** What the choice may know of a device. */
export interface ChoiceDevice {
  readonly traits: DeviceTraits;
  /** Most bytes of one buffer. */
  readonly limitBytes: number;
}

/** The variants that apply here, the simplest first, for the types that the tensors are stored in; never empty. */
export function applicableVariants(
  { op, inputs, attrs, decides }: Application,
  output: TensorSpec,
  { traits, limitBytes }: ChoiceDevice,
): readonly Variant[] {
  return opOf(op)
    .variants(inputs, output, attrs, traits)
    .map((v) => storedAs(v, inputs, output))
    .filter((v, i) => i === 0 || [...(v.scratchBytes ?? []), ...(v.prepared?.bytes ?? [])].every((bytes) => bytes <= limitBytes))
    .filter((v) => !decides || !roundsMore(v));
}

/** Whether its results may differ more from the exact ones than those of `direct`. */
function roundsMore({ errorFactor = 1 }: Variant): boolean {
  return errorFactor > 1;
}

/** The choice without any preference. */
function ruleVariant(variants: readonly Variant[], flops: number): Variant {
  return variants.findLast((v) => flops >= (v.fromFlops ?? 0)) ?? variants[0]!;
}

export function choose(
  application: Application,
  variants: readonly Variant[],
  flops: number,
  { saved, tuned }: Preferences,
): { readonly variant: Variant; readonly why: string } {
  const rule = ruleVariant(variants, flops);
  if (variants.length === 1 && saved.size === 0) return { variant: rule, why: "only variant" };
  const signature = signatureOf(application);
  const named = (name: string | undefined): Variant | undefined => variants.find((v) => v.name === name);
  const before = saved.get(signature);
  const resumed = named(before);
  if (resumed) return { variant: resumed, why: "checkpoint" };
  const { ms, unmeasured, notes } = tuned.get(signatureOf({ ...application, decides: false })) ?? noVerdict();
  const [fastest, ...slower] = variants.filter((v) => v.name in ms).sort((a, b) => ms[a.name]! - ms[b.name]!);
  const reasons = [...notes, ...(before === undefined ? [] : [`the checkpoint's ${before} does not apply here`])];
  if (variants.length === 1 || !fastest || unmeasured.includes(rule.name))
    return { variant: rule, why: [variants.length === 1 ? "only variant" : "rule", ...reasons].join("; ") };
  // Against the plain kernel; where that is the fastest, against the next.
  const other = slower.find((v) => v === variants[0]) ?? slower[0];
  const against = other ? ` against ${other.name}'s ${formatMs(ms[other.name]!)}` : "";
  return { variant: fastest, why: [`tuned: ${formatMs(ms[fastest.name]!)}${against}`, ...reasons].join("; ") };
}

function formatMs(ms: number): string {
  return `${ms < 0.1 ? ms.toFixed(4) : ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}

export function choicesOf(rows: readonly Choice[]): Choices {
  return {
    rows,
    toTable: () =>
      table(
        ["node", "op", "inputs", "output", "variant", "of", "why"],
        rows.map((r) => [
          r.node,
          r.op,
          r.inputs.map(formatShape).join(" "),
          formatShape(r.output),
          r.variant,
          r.applicable.join(" "),
          r.why,
        ]),
      ),
  };
}
