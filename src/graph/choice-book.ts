/** What the plans of one program were and are to be made of, by signature: the tuner's verdicts and a checkpoint's variants. */
import { opOf } from "../kernels/ops.js";
import { VariantError, WeightsError } from "../tensor/errors.js";
import type { TensorSpec } from "../tensor/shape.js";
import { applicableVariants, type ChoiceDevice, type Preferences } from "./choose.js";
import { parseSignature } from "./signature.js";
import type { Lowered } from "./lower.js";
import type { CompiledPlan } from "./plan.js";
import type { Tuner } from "./tune.js";

/** A variant that a node was computed by. */
interface Use {
  readonly variant: string;
  /** A node of that signature, for messages. */
  readonly node: string;
}

export class ChoiceBook implements Preferences {
  /** By signature; a resumed run's and this one's. */
  private readonly uses = new Map<string, Use>();
  saved: ReadonlyMap<string, string> = new Map();

  constructor(readonly tuner: Tuner | undefined) {}

  get tuned(): Preferences["tuned"] {
    return this.tuner?.verdicts ?? new Map();
  }

  record({ steps }: Lowered): void {
    for (const { signature, name, variant } of steps) {
      if (this.uses.get(signature)?.variant !== variant.name) this.uses.set(signature, { variant: variant.name, node: name });
    }
  }

  /** All that plans have used, as text for a checkpoint. */
  write(): string {
    return JSON.stringify(Object.fromEntries([...this.uses].sort(([a], [b]) => (a < b ? -1 : 1))));
  }

  /**
   * Reads what {@link write} wrote; a function that puts it into force. Throws WeightsError where the text is damaged, and where `strict`,
   * VariantError for variants that cannot be had on this device.
   */
  read(text: string, device: ChoiceDevice, strict: boolean): () => void {
    const uses = parseUses(text);
    const gone = [...uses].filter(([signature, { variant }]) => !variantNames(signature, device).includes(variant));
    if (strict && gone.length > 0) {
      const list = gone.map(([signature, { variant, node }]) => {
        const names = variantNames(signature, device);
        return `${node} by ${parseSignature(signature).op}'s ${variant} (here: ${names.length > 0 ? names.join(", ") : "no such op"})`;
      });
      throw new VariantError(
        `resume: the checkpoint's run computed ${list.join("; ")}: resume on the device and version that it was made with, or with { strict: false }, which takes another variant and gives other last bits`,
      );
    }
    return () => {
      this.saved = new Map([...uses].map(([signature, { variant }]) => [signature, variant]));
      for (const [signature] of gone) uses.delete(signature);
      for (const [signature, use] of uses) this.uses.set(signature, use);
    };
  }

  /** Whether a load or a resume has overtaken a plan. `diagonal`: of the weights now. */
  hasOvertaken(plan: CompiledPlan, diagonal: ReadonlySet<string>): boolean {
    return !sameNames(plan.diagonal, diagonal) || this.isStale(plan);
  }

  /** Whether a plan computes a node otherwise than the checkpoint's run did. */
  private isStale({ executable }: CompiledPlan): boolean {
    return executable.steps.some(({ step: { signature, variant } }) => {
      const before = this.saved.get(signature);
      return before !== undefined && before !== variant.name;
    });
  }
}

function sameNames(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((name) => b.has(name));
}

function parseUses(text: string): Map<string, Use> {
  try {
    const uses = new Map(Object.entries(JSON.parse(text) as Record<string, Use>));
    for (const [signature, { variant, node }] of uses) {
      parseSignature(signature);
      if (typeof variant !== "string" || typeof node !== "string") throw new TypeError("a variant has no name");
    }
    return uses;
  } catch (cause) {
    throw new WeightsError(`resume: the checkpoint's list of variants cannot be read: the file is damaged`, { cause });
  }
}

/** None for an op that this version does not have. */
function variantNames(signature: string, device: ChoiceDevice): readonly string[] {
  const application = parseSignature(signature);
  try {
    // Ops know of f32 only: f16 is a way to store it.
    const inputs = application.inputs.map((t): TensorSpec => (t.dtype === "f16" ? { ...t, dtype: "f32" } : t));
    const inferred = opOf(application.op).infer(inputs, application.attrs);
    const output: TensorSpec = application.f16 ? { ...inferred, dtype: "f16" } : inferred;
    return applicableVariants(application, output, device).map((v) => v.name);
  } catch {
    return [];
  }
}
