/**
 * The first workload: VGG16 FCN-8s at a sixteenth of its width, padding "same", one image of 160 x 120: forward and training step on the GPU against the CPU
 * reference. Checked before it is timed. Runs in Node and in pages alike.
 */
import {
  fcnLayers,
  fcnTraining,
  gradients,
  graph,
  initialWeights,
  input,
  openGpu,
  sgd,
  softmaxCrossEntropy,
  type GpuInfo,
  type Graph,
  type Tensor,
  type Weights,
} from "../src/index.js";
import { runReference } from "../src/reference/index.js";
import { measure, timed, timingOf, type Timing } from "./measure.js";

const OPTIONS = { trunk: "vgg16", variant: "8s", classes: 11, width: 1 / 16, padding: "same" } as const;
const SIZE = [120, 160] as const;
const LEARNING_RATE = 0.01;
/** Largest difference from the reference, as a fraction of the largest value, that counts as the same. */
const TOLERANCE = 1e-3;

export interface Row {
  readonly pass: "forward" | "training step";
  readonly engine: "webgpu" | "cpu reference";
  readonly timing: Timing;
}

export interface Report {
  readonly workload: string;
  readonly adapter: GpuInfo;
  readonly compileMs: number;
  /** The first forward pass and the first training step: drivers compile some kernels then. */
  readonly firstRunMs: { readonly forward: number; readonly trainingStep: number };
  /** From the reference, as a fraction of the largest value: scores, and weights after a step. */
  readonly differences: { readonly scores: number; readonly weights: number };
  readonly rows: readonly Row[];
}

/** Throws where the GPU does not compute what the reference does. `onStage` is told what is being done. */
export async function benchNarrowFcn(onStage: (text: string) => void): Promise<Report> {
  const net = fcnTraining({ ...OPTIONS, size: SIZE, dropout: 0 });
  const weights = weightsWithScores(initialWeights(net));
  const inputs = {
    image: Float32Array.from({ length: 3 * SIZE[0] * SIZE[1] }, (_, i) => Math.sin(0.37 * i)),
    labels: Int32Array.from({ length: SIZE[0] * SIZE[1] }, (_, i) => (i * 7) % OPTIONS.classes),
  };

  onStage("opening the GPU and compiling");
  using gpu = await openGpu();
  const started = performance.now();
  using program = await gpu.compile(net);
  const compileMs = performance.now() - started;
  await program.load(weights);

  onStage("forward: checking against the reference");
  let scores: ArrayLike<number> = [];
  const firstForward = await timed(async () => ({ scores } = await program.run(inputs, { outputs: ["scores"] })));
  let expected: ArrayLike<number> = [];
  const referenceForward = [await timed(() => ({ scores: expected } = runReference(net, weights, inputs)))];
  const differences = { scores: difference(scores, expected), weights: 0 };
  requireSame("scores", differences.scores);

  onStage("training step: checking against the reference");
  const training = program.train(endless(inputs), { loss: "loss", optimizer: sgd({ learningRate: LEARNING_RATE }) });
  const step = (): Promise<number> => timed(() => training.next());
  const firstStep = await step();
  const after = await program.save();
  const backward = gradientGraph();
  let reference: Readonly<Record<string, ArrayLike<number>>> = {};
  const referenceTraining = [await timed(() => (reference = runReference(backward, weights, inputs)))];
  for (const { name, lrMult } of net.params) {
    const [start, slope] = [weights.get(name)!.data, reference[name]!];
    const moved = start.map((w, i) => w - LEARNING_RATE * lrMult * slope[i]!);
    differences.weights = Math.max(differences.weights, difference(after.get(name)!.data, moved));
  }
  requireSame("weights after a step", differences.weights);

  onStage("timing the GPU");
  const gpuForward = await measure(() => timed(() => program.run(inputs, { outputs: ["prediction"] })), 5);
  const gpuTraining = await measure(step, 5);
  await training.return();
  onStage("timing the reference");
  for (let i = 0; i < 2; i++) {
    referenceForward.push(await timed(() => runReference(net, weights, inputs)));
    referenceTraining.push(await timed(() => runReference(backward, weights, inputs)));
  }
  return {
    workload: `vgg16 FCN-8s, width 1/16, padding same, ${SIZE[1]} x ${SIZE[0]}, batch 1`,
    adapter: gpu.info,
    compileMs,
    firstRunMs: { forward: firstForward, trainingStep: firstStep },
    differences,
    rows: [
      { pass: "forward", engine: "webgpu", timing: gpuForward },
      { pass: "forward", engine: "cpu reference", timing: timingOf(referenceForward) },
      { pass: "training step", engine: "webgpu", timing: gpuTraining },
      { pass: "training step", engine: "cpu reference", timing: timingOf(referenceTraining) },
    ],
  };
}

/** Forward and backward as one graph: the gradient of every parameter by its name. */
function gradientGraph(): Graph<{ readonly image: Tensor; readonly labels: Tensor }, Readonly<Record<string, Tensor>>> {
  return graph(
    { image: input([1, 3, ...SIZE]), labels: input([1, ...SIZE], "i32") },
    ({ image, labels }): Readonly<Record<string, Tensor>> => {
      const { scores, params } = fcnLayers(image, OPTIONS);
      const loss = softmaxCrossEntropy(scores, labels, { ignoreIndex: 255 });
      return Object.fromEntries(gradients(loss, params).map((gradient, i) => [params[i]!.name, gradient]));
    },
  );
}

/** Score layers start at zero: random ones let gradients reach the trunk. */
function weightsWithScores(weights: Weights): Weights {
  return new Map(
    [...weights].map(([name, { shape, data }]) => [
      name,
      { shape, data: name.startsWith("score") ? data.map((_, i) => 0.2 * Math.sin(i + 1)) : data },
    ]),
  );
}

function* endless<T>(value: T): Generator<T> {
  for (;;) yield value;
}

function difference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let [largest, off] = [Number.MIN_VALUE, 0];
  for (let i = 0; i < want.length; i++) {
    largest = Math.max(largest, Math.abs(want[i]!));
    off = Math.max(off, Math.abs(got[i]! - want[i]!));
  }
  return off / largest;
}

function requireSame(what: string, off: number): void {
  if (!(off <= TOLERANCE))
    throw new Error(`bench: the ${what} differ from the reference by ${off} of the largest: nothing is timed`);
}
