/** Makes a program compute its nodes by each variant that applies to any of them: by resuming from a checkpoint whose run used it. */
import type { Names, Program } from "../../src/index.js";
import { F4 } from "../../src/kernels/conv-winograd.js";
import { loadSafetensors, writeSafetensors } from "../../src/weights/index.js";

interface Use {
  readonly node: string;
  readonly variant: string;
}

export interface ForcedVariant {
  readonly name: string;
  /** Winograd's transforms round more than plain sums. */
  readonly slack: number;
}

/** While the caller looks at an entry, nodes to which the variant applies are computed by it, the others by what was chosen for them. */
export async function* everyVariant(program: Program<Names, Names>): AsyncGenerator<ForcedVariant, void, void> {
  const { tensors, metadata } = await loadSafetensors((await program.checkpoint()).bytes);
  const chosen = Object.entries(JSON.parse(metadata["variants"]!) as Record<string, Use>);
  const applicable = new Map(program.plan.choices.rows.map((row) => [row.node, row.applicable]));
  const names = new Set([...applicable.values()].flat());
  for (const name of names) {
    const uses = chosen.map(([signature, use]): [string, Use] => [
      signature,
      applicable.get(use.node)!.includes(name) ? { ...use, variant: name } : use,
    ]);
    if (uses.every(([, { variant }], i) => variant === chosen[i]![1].variant)) continue;
    const variants = JSON.stringify(Object.fromEntries(uses));
    await program.resume({ bytes: writeSafetensors({ tensors, metadata: { ...metadata, variants } }) });
    const now = new Map(program.plan.choices.rows.map(({ node, variant }) => [node, variant]));
    for (const [, { node, variant }] of uses)
      if (now.get(node) !== variant) throw new Error(`${node} was to be computed by ${variant} but is by ${now.get(node)}`);
    yield { name, slack: name.startsWith(F4.name) ? F4.errorFactor : 1 };
  }
}
