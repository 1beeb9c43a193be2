/** A run saved at step 25 and resumed in a new process gives the bits of the run that was not interrupted. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { sgd } from "../../src/index.js";
import { testGpu } from "../harness/device.js";
import { toyFcn, toyInputs } from "../harness/toy-nets.js";

const net = toyFcn({ dropout: true });
const inputs = toyInputs(net);
const optimizer = sgd({ learningRate: (step) => 0.05 / (1 + step / 20), momentum: 0.9, weightDecay: 5e-4 });

/** Losses of some steps, then the checkpoint; from another checkpoint where one is given. */
export async function trainSteps(steps: number, from?: Uint8Array): Promise<{ losses: number[]; checkpoint: Uint8Array }> {
  using program = await (await testGpu()).compile(net);
  if (from) await program.resume({ bytes: from });
  const losses: number[] = [];
  for await (const { loss } of program.train(Array(steps).fill(inputs), { loss: "loss", optimizer })) losses.push(loss!);
  return { losses, checkpoint: (await program.checkpoint()).bytes };
}

if (typeof describe === "function") {
  describe("resuming in a new process", () => {
    it("gives the same 25 losses and the same checkpoint, bit for bit", async () => {
      const whole = await trainSteps(50);
      const half = await trainSteps(25);
      const folder = await mkdtemp(join(tmpdir(), "fcn-resume-"));
      try {
        await writeFile(join(folder, "half"), half.checkpoint);
        await promisify(execFile)(process.execPath, ["--import", "tsx", fileURLToPath(import.meta.url), folder], {
          cwd: fileURLToPath(new URL("../..", import.meta.url)),
        });
        const losses = JSON.parse(await readFile(join(folder, "losses"), "utf8")) as number[];
        expect(losses).to.deep.equal(whole.losses.slice(25));
        expect(new Uint8Array(await readFile(join(folder, "whole")))).to.deep.equal(whole.checkpoint);
      } finally {
        await rm(folder, { recursive: true });
      }
    }).timeout(180_000);
  });
} else {
  const folder = process.argv[2]!;
  const { losses, checkpoint } = await trainSteps(25, new Uint8Array(await readFile(join(folder, "half"))));
  await writeFile(join(folder, "losses"), JSON.stringify(losses));
  await writeFile(join(folder, "whole"), checkpoint);
  process.exit(0);
}
