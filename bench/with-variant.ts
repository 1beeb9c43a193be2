/** Makes a program compute its convolutions by a variant of the caller's choice: by resuming from a checkpoint that says so. */
import type { Checkpoint } from "../src/index.js";
import { loadSafetensors, writeSafetensors } from "../src/weights/index.js";

/** A checkpoint whose run computed the forward convolutions by this variant. */
export async function withVariant(checkpoint: Checkpoint, variant: string): Promise<Checkpoint> {
  const { tensors, metadata } = await loadSafetensors(checkpoint.bytes);
  const uses = JSON.parse(metadata["variants"]!) as Record<string, { node: string; variant: string }>;
  for (const [signature, use] of Object.entries(uses)) if (signature.startsWith('["conv2d"')) use.variant = variant;
  return { bytes: writeSafetensors({ tensors, metadata: { ...metadata, variants: JSON.stringify(uses) } }) };
}
