/**
 * Twenty steps of a narrow FCN-8s beside PyTorch: the engine trains here, writes start, images and result, and compare.py trains the same in PyTorch and compares.
 * Needs a Python with torch: see python.ts.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openGpu, type Shape } from "../../src/index.js";
import { writeSafetensors } from "../../src/weights/index.js";
import { twentySteps } from "../twenty-steps.js";
import { runPython } from "./python.js";

const folder = mkdtempSync(join(tmpdir(), "fcn-pytorch-"));
try {
  const steps = twentySteps();
  const { size, ignore, examples, start } = steps;
  using gpu = await openGpu();
  const { losses, weights } = await steps.train(gpu);
  const tensors = new Map<string, { shape: Shape; data: Float32Array }>();
  for (const [name, { shape, data }] of start) tensors.set(`start:${name}`, { shape, data });
  for (const [name, { shape, data }] of weights) tensors.set(`ours:${name}`, { shape, data });
  examples.forEach(({ image, labels }, i) => {
    tensors.set(`image:${i}`, { shape: [1, 3, size, size], data: image });
    tensors.set(`labels:${i}`, { shape: [1, size, size], data: Float32Array.from(labels) });
  });
  const file = join(folder, "steps.safetensors");
  writeFileSync(file, writeSafetensors({ tensors, metadata: { steps: JSON.stringify({ ignore, losses }) } }));
  process.exitCode = runPython(join(import.meta.dirname, "compare.py"), [file], folder).status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
