/** The script of docs/weights.md, as it stands there, on a narrow FCN-32s: what PyTorch loads strictly and saves again has the same bits, and so has a .pth. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fcn, initialWeights, type Weights } from "../../src/index.js";
import { loadSafetensors, writeSafetensors } from "../../src/weights/index.js";
import { runPython } from "./python.js";

const SCRIPT = /```py\n([\s\S]*?)```/.exec(readFileSync(new URL("../../docs/weights.md", import.meta.url), "utf8"))![1]!;
/** What the last line of the script reads. */
const PTH = `import torch\ntorch.save({"features.0.weight": torch.arange(6.0).reshape(2, 3)}, "vgg16-397923af.pth")\n`;

const folder = mkdtempSync(join(tmpdir(), "fcn-round-trip-"));
const load = async (name: string): Promise<Weights> => (await loadSafetensors(readFileSync(join(folder, name)))).tensors;
try {
  const net = fcn({ trunk: "vgg16", variant: "32s", classes: 5, width: 1 / 16, size: [64, 64] });
  const before: Weights = initialWeights(net, 7);
  writeFileSync(join(folder, "fcn32s.safetensors"), writeSafetensors({ tensors: before, metadata: {} }));
  writeFileSync(join(folder, "script.py"), PTH + SCRIPT);
  if (runPython("script.py", [], folder).status !== 0) throw new Error("docs/weights.md: its script failed");
  const after = await load("fcn32s-trained.safetensors");
  const bits = ({ data }: { readonly data: ArrayLike<number> }): string =>
    Buffer.from(Float32Array.from(data).buffer).toString("hex");
  const differing = [...before].filter(([name, tensor]) => !after.has(name) || bits(after.get(name)!) !== bits(tensor));
  if (differing.length > 0 || after.size !== before.size)
    throw new Error(
      `${after.size} tensors came back of ${before.size}; these differ: ${differing.map(([name]) => name).join(", ")}`,
    );
  const torchvision = (await load("vgg16.safetensors")).get("features.0.weight")!;
  if (torchvision.shape.join() !== "2,3" || torchvision.data[5] !== 5)
    throw new Error("vgg16.safetensors does not hold what the .pth held");
  console.log(`PyTorch and back: ${after.size} tensors, the same bits; a .pth too`);
} finally {
  rmSync(folder, { recursive: true });
}
