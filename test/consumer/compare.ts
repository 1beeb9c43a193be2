import { initialWeights, openGpu, sgd } from "fcn-webgpu";
import { runReference } from "fcn-webgpu/reference";
import { inputs, net } from "./net.js";

export interface Comparison {
  readonly software: boolean;
  /** Between the GPU's scores and the CPU reference's, from the same weights. */
  readonly largestDifference: number;
  readonly losses: readonly (number | null)[];
}

/** Runs the net on the GPU and on the CPU reference, then trains it for three steps. */
export async function compare(): Promise<Comparison> {
  using gpu = await openGpu();
  using program = await gpu.compile(net);
  const { scores } = await program.run(inputs);
  const expected = runReference(net, initialWeights(net), inputs).scores;
  const losses: (number | null)[] = [];
  for await (const { loss } of program.train([inputs, inputs, inputs], { loss: "loss", optimizer: sgd({ learningRate: 0.1 }) }))
    losses.push(loss);
  return {
    software: gpu.info.software,
    largestDifference: Math.max(...Array.from(scores, (value, i) => Math.abs(value - expected[i]!))),
    losses,
  };
}
