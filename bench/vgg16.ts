/**
 * The paper's largest net on a real GPU: FCN-8s on VGG16, pad 100, 21 classes, one image of 500 x 500, random weights; where the time of a forward
 * pass and of a training step goes, kernel by kernel, and what both take from call to call.
 *
 *     npm run bench:vgg16 -- [--width 1] [--size 500] [--runs 20] [--json FILE]
 *
 * On a software adapter use a width and size that end: `--width 0.125 --size 128 --runs 3`. Correctness at this size is bench:full-size's.
 */
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { terminalProgress } from "../demo/progress.js";
import { fcnTraining, openGpu, sgd } from "../src/index.js";

const CLASSES = 21;
/** Random weights have a large loss: small enough to stay finite. */
const LEARNING_RATE = 1e-12;
const WARM_UP = 3;

/** FCN_COMMIT says it where the code was carried to a machine without the repository. */
function commit(): string {
  if (process.env["FCN_COMMIT"] !== undefined) return process.env["FCN_COMMIT"];
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}

const { values: given } = parseArgs({
  options: {
    width: { type: "string", default: "1" },
    size: { type: "string", default: "500" },
    runs: { type: "string", default: "20" },
    json: { type: "string" },
  },
});
const [width, size, runs] = [given.width, given.size, given.runs].map(Number) as [number, number, number];
const progress = terminalProgress();
using gpu = await openGpu({ powerPreference: "high-performance" });
const speed = await gpu.measure();
progress.say(
  `${gpu.info.description || gpu.info.vendor}: ${speed.peakGflops.toFixed(0)} GFLOP/s of multiply-adds, ${speed.copyGbps.toFixed(0)} GB/s of copies`,
);
const net = fcnTraining({ trunk: "vgg16", variant: "8s", classes: CLASSES, width, size: [size, size], dropout: 0 });
using program = await progress.step("compile", 1, () => gpu.compile(net));
const inputs = {
  image: Float32Array.from({ length: 3 * size * size }, (_, i) => 128 * Math.sin(0.37 * i + 1e-5 * i * i)),
  labels: Int32Array.from({ length: size * size }, (_, i) => Math.floor(i / 1000) % CLASSES),
};

/** Milliseconds a call, over all after the first few. */
async function timed(title: string, call: () => Promise<unknown>): Promise<number> {
  return await progress.step(title, WARM_UP + runs, async (advance) => {
    let started = 0;
    for (let i = 0; i < WARM_UP + runs; i++) {
      if (i === WARM_UP) started = performance.now();
      await call();
      advance(i + 1);
    }
    return (performance.now() - started) / runs;
  });
}

const forwardMs = await timed("forward, labels read back", () => program.run(inputs, { outputs: ["prediction"] }));
const forward = await program.profile(inputs, { runs: 5 });
// The loss is read back at the end only: the host runs ahead, as in a long training run.
const endless = (function* () {
  for (;;) yield inputs;
})();
const optimizer = sgd({ learningRate: LEARNING_RATE, momentum: 0.99, weightDecay: 5e-4 });
const loop = program.train(endless, { loss: "loss", optimizer, lossEvery: WARM_UP + runs });
const stepMs = await timed("training steps", () => loop.next());
await loop.return();
const step = await program.profile(inputs, { loss: "loss", runs: 3 });

progress.say(`\nforward\n${forward.toTable()}\n\ntraining step, without the update\n${step.toTable()}\n`);
progress.say(`forward ${forward.gpuMs.toFixed(2)} ms in kernels, ${forwardMs.toFixed(2)} ms a run with image and labels`);
progress.say(`training step ${step.gpuMs.toFixed(2)} ms in kernels but the update, ${stepMs.toFixed(2)} ms a step with all`);
if (given.json !== undefined) {
  const report = {
    workload: `FCN-8s VGG16, width ${width}, ${size}x${size}, pad 100, ${CLASSES} classes, f32`,
    command: `npm run bench:vgg16 -- ${process.argv.slice(2).join(" ")}`.trimEnd(),
    adapter: gpu.info,
    commit: commit(),
    date: new Date().toISOString(),
    speed,
    forward: { kernelsMs: forward.gpuMs, runMs: forwardMs, rows: forward.rows },
    step: { kernelsMs: step.gpuMs, stepMs, rows: step.rows },
  };
  await writeFile(resolve(process.env["INIT_CWD"] ?? process.cwd(), given.json), JSON.stringify(report, null, 1) + "\n");
}
// Dawn keeps Node alive: exit by hand.
process.exit(0);
