/** One forward pass and one training step, on the GPU and by the CPU reference: largest difference, and the time of each. */
import { gradients, sgd, type Graph, type Gpu, type Tensor, type Weights } from "../src/index.js";
import { runReference } from "../src/reference/index.js";
import type { SceneBatch } from "./scenes.js";
import { sceneInputs } from "./train.js";

export interface Comparison {
  readonly what: string;
  /** Largest absolute difference. */
  readonly difference: number;
  /** Largest absolute value that was compared. */
  readonly largest: number;
  readonly gpuMs: number;
  readonly cpuMs: number;
}

type TrainedGraph = Graph<
  { readonly image: Tensor; readonly labels: Tensor },
  { readonly scores: Tensor; readonly loss: Tensor }
>;

const LEARNING_RATE = 0.01;
/** Of which the fastest counts: the first ones compile. */
const RUNS = 3;

/** `net` must have the shapes of `batch`. */
export async function compareWithReference(
  gpu: Gpu,
  net: TrainedGraph,
  weights: Weights,
  batch: SceneBatch,
): Promise<Comparison[]> {
  const inputs = sceneInputs(batch);
  const arrays = { image: batch.image, labels: batch.labels };
  using program = await gpu.compile(net);
  await program.load(weights);

  const forward = await fastest(async () => (await program.run(inputs, { outputs: ["scores"] })).scores);
  const forwardOnCpu = await timed(async () => runReference(net, weights, arrays).scores);

  const optimizer = sgd({ learningRate: LEARNING_RATE });
  const step = await fastest(async () => {
    await program.load(weights);
    for await (const _ of program.train([inputs], { loss: "loss", optimizer })) break;
    return program.save();
  });
  const stepOnCpu = await timed(async () => referenceStep(net, weights, arrays));

  const stepped = [...weights.keys()].map((name) => [step.value.get(name)!.data, stepOnCpu.value.get(name)!] as const);
  return [
    {
      what: "forward pass (scores)",
      ...largestDifference([[forward.value, forwardOnCpu.value]]),
      gpuMs: forward.ms,
      cpuMs: forwardOnCpu.ms,
    },
    { what: "training step (weights after it)", ...largestDifference(stepped), gpuMs: step.ms, cpuMs: stepOnCpu.ms },
  ];
}

/** Plain gradient descent by the reference's gradients: w - learning rate x multiplier x gradient. */
function referenceStep(
  net: TrainedGraph,
  weights: Weights,
  inputs: { readonly image: Float32Array; readonly labels: Int32Array },
): Map<string, Float64Array> {
  const grads = gradients(net.outputs.loss, net.params);
  const byName = Object.fromEntries(net.params.map((p, i) => [p.name, grads[i]!]));
  const results = runReference({ inputs: net.inputs, outputs: byName }, weights, inputs);
  return new Map(
    net.params.map(({ name, lrMult }) => {
      const gradient = results[name]!;
      return [name, Float64Array.from(weights.get(name)!.data, (w, i) => w - LEARNING_RATE * lrMult * gradient[i]!)];
    }),
  );
}

function largestDifference(pairs: readonly (readonly [ArrayLike<number>, ArrayLike<number>])[]): {
  difference: number;
  largest: number;
} {
  let difference = 0;
  let largest = 0;
  for (const [ours, reference] of pairs) {
    for (let i = 0; i < reference.length; i++) {
      difference = Math.max(difference, Math.abs(ours[i]! - reference[i]!));
      largest = Math.max(largest, Math.abs(reference[i]!));
    }
  }
  return { difference, largest };
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const start = performance.now();
  const value = await work();
  return { value, ms: performance.now() - start };
}

async function fastest<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  let best = await timed(work);
  for (let run = 1; run < RUNS; run++) {
    const next = await timed(work);
    if (next.ms < best.ms) best = next;
  }
  return best;
}
