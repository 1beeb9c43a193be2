/** The neutral operations that are functions of the host: fillers, metrics and layer sizes of the paper's nets. */
import { bilinear, bilinearEveryPair, confusionMatrix, graph, input, segmentationMetrics, type Init } from "../../src/index.js";
import { Attributes } from "./attributes.js";
import type { Engine } from "./engine.js";
import { decode, type CaseTensor, type ConformanceCase } from "./format.js";
import type { Value } from "./run-cases.js";

type HostOperation = (given: ConformanceCase, engine: Engine) => Promise<Readonly<Record<string, Value>>>;

export const HOST_OPERATIONS: Readonly<Record<string, HostOperation>> = {
  bilinearKernel: async ({ attributes }) => ({ y: filled(bilinearEveryPair(), new Attributes("bilinearKernel", attributes).numbers("shape")) }),

  async upsampleWeights({ attributes }) {
    const a = new Attributes("upsampleWeights", attributes);
    const [classes, kernel] = [a.number("classes"), a.number("kernel")];
    return { w: filled(bilinear(), [classes, classes, kernel, kernel]) };
  },

  async segMetrics(given, engine) {
    const classes = new Attributes("segMetrics", given.attributes).number("classes");
    const [labels, prediction] = [operand(given, "labels"), operand(given, "prediction")];
    const net = graph({ labels: input(labels.shape, "i32"), prediction: input(prediction.shape, "i32") }, (x) => ({
      counts: confusionMatrix(x.labels, x.prediction, { classes }),
    }));
    const { counts } = await engine.run(net, { labels: decode(labels), prediction: decode(prediction) });
    const metrics = Object.entries(segmentationMetrics(counts!)).map(([name, value]): [string, Value] => [name, { shape: [], data: [value] }]);
    return { hist: { shape: [classes, classes], data: counts! }, ...Object.fromEntries(metrics) };
  },
};

function filled(init: Init, shape: readonly number[]): Value {
  return { shape, data: init(shape, Math.random) };
}

function operand({ op, inputs }: ConformanceCase, name: string): CaseTensor {
  const found = inputs.find((tensor) => tensor.name === name);
  if (!found) throw new Error(`${op}: input ${name} is missing: it has ${inputs.map((tensor) => tensor.name).join(", ")}`);
  return found;
}
