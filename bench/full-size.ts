/**
 * The paper's largest net at its full size and at WebGPU's default limits: FCN-8s on VGG16, pad 100, 21 classes, 134 million seeded random
 * weights, one image of 500 x 500: a forward pass, training steps, and the same scores from ONNX Runtime on the exported file.
 *
 *     npm run bench:full-size -- [--json FILE] [--width 1] [--size 500] [--passes 2] [--steps 1]
 *
 * Fails where the scores differ by more than 1e-4 of their range, or where the device needs more than 4 GiB.
 */
import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { seconds, terminalProgress } from "../demo/progress.js";
import { cacheFolder } from "../scripts/paths.js";
import {
  fcn,
  fcnTraining,
  gaussian,
  heNormal,
  initialWeights,
  openGpu,
  parameterCount,
  sgd,
  type GpuInfo,
  type Param,
  type Program,
  type Shape,
  type Tensor,
  type Weights,
} from "../src/index.js";
import { exportOnnx } from "../src/onnx/index.js";
import { runOnnx } from "../tools/onnx/runtime.js";
import { countGpuWork } from "./counters.js";

const TOLERANCE = 1e-4;
const MOST_BYTES = 4 * 2 ** 30;
const CLASSES = 21;
/** For the time left before anything was timed. */
const GUESSED_GFLOPS = 5;
/** A training step in forward passes: forward, and the gradients of inputs and of weights. */
const STEP_IN_PASSES = 3;
/** Small enough for random weights, whose summed loss is large. */
const LEARNING_RATE = 1e-12;

const { values: given } = parseArgs({
  options: {
    json: { type: "string" },
    width: { type: "string", default: "1" },
    size: { type: "string", default: "500" },
    passes: { type: "string", default: "2" },
    steps: { type: "string", default: "1" },
  },
});
const [width, size, passes, steps] = [given.width, given.size, given.passes, given.steps].map(Number) as [
  number,
  number,
  number,
  number,
];
const net = { trunk: "vgg16", variant: "8s", classes: CLASSES, width, size: [size, size] } as const;
const progress = terminalProgress();

/** A bar over work that says nothing of itself, by how long it should take. */
async function timedStep<T>(title: string, expectedMs: number, work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const started = performance.now();
  const result = await progress.step(title, Math.ceil(expectedMs), async (advance) => {
    const tick = setInterval(() => {
      const ms = performance.now() - started;
      advance(Math.min(ms, 0.99 * expectedMs), ms > expectedMs ? `longer than expected: ${seconds(ms)}` : "");
    }, 1000);
    return await work().finally(() => clearInterval(tick));
  });
  return { result, ms: performance.now() - started };
}

/** Seeded. Score layers and biases, which start at zero, are drawn too. */
async function drawWeights(): Promise<Weights> {
  const { params } = fcn(net);
  const drawn = params.map((p): Param => {
    if (p.shape.length === 1) return { ...p, init: gaussian(0.05) };
    return p.name.startsWith("score") ? { ...p, init: heNormal() } : p;
  });
  const weights = new Map<string, { readonly shape: Shape; readonly data: Float32Array }>();
  return await progress.step("draw the weights", numbersIn(params), async (advance) => {
    let done = 0;
    for (const param of drawn) {
      for (const [name, weight] of initialWeights({ params: [param] })) weights.set(name, weight);
      advance((done += numbersIn([param])), param.name);
      await afterPendingEvents();
    }
    return weights;
  });
}

function numbersIn(tensors: readonly Tensor[]): number {
  return tensors.reduce((n, { shape }) => n + shape.reduce((m, d) => m * d, 1), 0);
}

/** Bars and Ctrl-C have their turn between long synchronous pieces. */
function afterPendingEvents(): Promise<void> {
  return new Promise((next) => setImmediate(next));
}

/** Of the convolutions behind a tensor, a multiply-add counted as two. */
function gflopsOf(output: Tensor): number {
  const seen = new Set<Tensor>();
  const visit = (node: Tensor): number => {
    if (seen.has(node)) return 0;
    seen.add(node);
    const behind = node.inputs.reduce((n, input) => n + visit(input), 0);
    const [x, weight] = node.inputs;
    const perWeight = { conv2d: node, convTranspose2d: x }[node.op];
    return behind + (perWeight && weight ? (2 * numbersIn([perWeight]) * numbersIn([weight])) / weight.shape[0]! : 0);
  };
  return visit(output) / 1e9;
}

const image = Float32Array.from({ length: 3 * size * size }, (_, i) => 128 * Math.sin(0.37 * i + 1e-5 * i * i));
const labels = Int32Array.from({ length: size * size }, (_, i) => Math.floor(i / 1000) % CLASSES);

type Training = ReturnType<typeof fcnTraining>;
type TrainingProgram = Program<Training["inputs"], Training["outputs"]>;

/** Forward passes: the first compiles kernels. */
async function forwardPasses(program: TrainingProgram, guessMs: number) {
  const times: number[] = [];
  let scores: ArrayLike<number> = [];
  for (let i = 0; i < passes; i++) {
    const title = `forward ${i + 1} of ${passes}${i === 0 ? ", kernels compiled" : ""}`;
    const pass = await timedStep(title, times.at(-1) ?? guessMs, () => program.run({ image, labels }));
    scores = pass.result.scores;
    times.push(pass.ms);
  }
  return { scores, times };
}

async function trainingSteps(program: TrainingProgram, guessMs: number) {
  const losses: number[] = [];
  const times: number[] = [];
  const optimizer = sgd({ learningRate: LEARNING_RATE, momentum: 0.99, weightDecay: 5e-4 });
  const loop = program.train(repeated({ image, labels }, steps), { loss: "lossSum", optimizer });
  for (let i = 0; i < steps; i++) {
    const step = await timedStep(`training step ${i + 1} of ${steps}`, times.at(-1) ?? guessMs, () => loop.next());
    if (step.result.value) losses.push(step.result.value.loss ?? NaN);
    times.push(step.ms);
  }
  await loop.return();
  return { losses, times };
}

function* repeated<T>(value: T, count: number): Generator<T> {
  for (let i = 0; i < count; i++) yield value;
}

function adapterName({ vendor, architecture, description, software }: GpuInfo): string {
  return `${[vendor, architecture, description].filter((text) => text !== "").join(", ")}${software ? " (software)" : ""}`;
}

/** The same weights and image by ONNX Runtime, from the exported file. */
async function runElsewhere(weights: Weights, expectedMs: number) {
  const path = join(cacheFolder, "full-size.onnx");
  await mkdir(cacheFolder, { recursive: true });
  try {
    const exported = await timedStep("export to ONNX", 5_000, async () => {
      const file = exportOnnx(fcn(net), weights, { dynamic: true, outputs: ["scores"] });
      await writeFile(path, file);
      return file.length;
    });
    const ran = await timedStep("ONNX Runtime", expectedMs, () =>
      runOnnx(path, [{ image: { shape: [1, 3, size, size], data: image } }]),
    );
    return { bytes: exported.result, exportMs: exported.ms, runMs: ran.ms, scores: ran.result[0]!["scores"]!.data };
  } finally {
    await rm(path, { force: true });
  }
}

/** Largest difference, and the range of `want`. */
function compare(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
): { difference: number; low: number; high: number; ofRange: number } {
  let [difference, low, high] = [0, Infinity, -Infinity];
  for (let i = 0; i < want.length; i++) {
    [low, high] = [Math.min(low, want[i]!), Math.max(high, want[i]!)];
    const off = Math.abs(want[i]! - (got[i] ?? NaN));
    // NaN too.
    if (!(off <= difference)) difference = Number.isNaN(off) ? Infinity : off;
  }
  return { difference, low, high, ofRange: difference / (high - low) };
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

async function main(): Promise<void> {
  const training = fcnTraining({ ...net, dropout: 0 });
  const { learnable, frozen } = parameterCount(training);
  const gflops = gflopsOf(training.outputs.scores);
  const workload = `vgg16 FCN-8s, width ${width}, ${size} x ${size}, pad 100, ${CLASSES} classes, ${((learnable + frozen) / 1e6).toFixed(1)} M weights`;
  progress.say(`${workload}, ${gflops.toFixed(0)} GFLOP a forward pass`);
  const weights = await drawWeights();

  using gpu = await openGpu({ limits: "default" });
  const { maxStorageBufferBindingSize, maxBufferSize } = gpu.device.limits;
  progress.say(
    `${adapterName(gpu.info)}; bindings up to ${mib(maxStorageBufferBindingSize)}, buffers up to ${mib(maxBufferSize)}`,
  );
  // The prototypes that it wraps are there once Dawn is.
  const work = countGpuWork();
  const compiled = await timedStep("compile", 20_000, () => gpu.compile(training));
  using program = compiled.result;
  await timedStep("load the weights", 5_000, () => program.load(weights));

  const { scores: ours, ...forward } = await forwardPasses(program, (gflops / GUESSED_GFLOPS) * 1000);
  const forwardMs = Math.min(...forward.times);
  const { scores: theirs, ...onnxRuntime } = await runElsewhere(weights, forwardMs);
  const scores = compare(ours, theirs);
  progress.say(
    [
      `scores from ${scores.low.toFixed(2)} to ${scores.high.toFixed(2)}; largest difference from ONNX Runtime's ${scores.difference.toExponential(2)}, ${scores.ofRange.toExponential(2)} of their range`,
      `forward ${forward.times.map(seconds).join(", ")}: ${(gflops / (forwardMs / 1000)).toFixed(1)} GFLOP/s; ONNX Runtime, file read and optimised, ${seconds(onnxRuntime.runMs)}`,
    ].join("\n"),
  );

  const { result: plan } = await timedStep("plan the training step", 5_000, () => program.trainingPlan("lossSum"));
  const trainingStep = await trainingSteps(program, STEP_IN_PASSES * forwardMs);
  // Weights, their gradients and velocities.
  const stateBytes = 3 * plan.weightBytes;
  const memory = {
    plannedBytes: plan.transientBytes + stateBytes,
    boundBytes: plan.transientLowerBoundBytes + stateBytes,
    forwardPlanBytes: program.plan.transientBytes,
    deviceBytes: work.counts.peakBytes,
  };
  progress.say(
    [
      `training step ${trainingStep.times.map(seconds).join(", ")}; summed loss ${trainingStep.losses.map((loss) => loss.toFixed(0)).join(", ")}; ${plan.dispatches} dispatches in ${plan.submits} submits`,
      `memory of a training step: planned ${mib(memory.plannedBytes)}, liveness bound ${mib(memory.boundBytes)}; the device holds ${mib(memory.deviceBytes)} in all, ${mib(memory.forwardPlanBytes)} of it the forward plan, which stays`,
    ].join("\n"),
  );

  if (given.json !== undefined) {
    const report = {
      workload,
      date: new Date().toISOString(),
      commit: (await promisify(execFile)("git", ["describe", "--always", "--dirty"])).stdout.trim(),
      command: `npm run bench:full-size -- ${process.argv.slice(2).join(" ")}`.trim(),
      adapter: gpu.info,
      limits: { maxStorageBufferBindingSize, maxBufferSize },
      node: process.versions.node,
      cpu: `${cpus().length} x ${cpus()[0]?.model}`,
      // Over 1, 5 and 15 minutes: times mean little where it is far from 1.
      load: loadavg(),
      gflops,
      compileMs: compiled.ms,
      forward,
      trainingStep: { ...trainingStep, dispatches: plan.dispatches, submits: plan.submits },
      memory,
      onnxRuntime,
      scores,
    };
    await writeFile(resolve(process.env["INIT_CWD"] ?? process.cwd(), given.json), JSON.stringify(report, null, 2) + "\n");
  }
  if (!(scores.ofRange <= TOLERANCE)) throw new Error(`the scores differ by more than ${TOLERANCE} of their range`);
  if (memory.deviceBytes > MOST_BYTES) throw new Error(`the device holds more than ${mib(MOST_BYTES)}`);
  if (!trainingStep.losses.every(Number.isFinite)) throw new Error("the loss is not finite");
}

process.once("SIGINT", () => {
  console.error("stopped: nothing was written");
  process.exit(130);
});
await main().then(
  // Not left to the event loop: Dawn keeps it alive for a while.
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
