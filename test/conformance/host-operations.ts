/** The neutral operations that are functions of the host: fillers, metrics and layer sizes of the paper's nets. */
import {
  bilinear,
  bilinearEveryPair,
  confusionMatrix,
  fcnLayers,
  graph,
  input,
  segmentationMetrics,
  type FcnOptions,
  type Init,
} from "../../src/index.js";
import { Attributes } from "./attributes.js";
import type { Engine } from "./engine.js";
import { decode, type CaseTensor, type ConformanceCase } from "./format.js";
import type { Computed, Value } from "./run-cases.js";

type HostOperation = (given: ConformanceCase, engine: Engine) => AsyncIterable<Computed>;

export const HOST_OPERATIONS: Readonly<Record<string, HostOperation>> = {
  async *bilinearKernel({ attributes }) {
    yield onHost({ y: filled(bilinearEveryPair(), new Attributes("bilinearKernel", attributes).numbers("shape")) });
  },

  async *upsampleWeights({ attributes }) {
    const a = new Attributes("upsampleWeights", attributes);
    const [classes, kernel] = [a.number("classes"), a.number("kernel")];
    yield onHost({ w: filled(bilinear(), [classes, classes, kernel, kernel]) });
  },

  /** Sizes of the layers that the case names, read off the graph of the net. */
  async *fcnSizes({ attributes, outputs }) {
    const a = new Attributes("fcnSizes", attributes);
    const image = input([1, 3, a.number("height"), a.number("width")]);
    const { layers } = fcnLayers(image, { ...referenceNet(a.string("variant")), classes: 21, padding: "caffe" });
    const sizes = outputs.flatMap(({ name }): [string, Value][] => {
      const layer = layers.get(name);
      return layer ? [[name, { shape: [2], data: layer.shape.slice(2) }]] : [];
    });
    yield onHost(Object.fromEntries(sizes));
  },

  async *segMetrics(given, engine) {
    const classes = new Attributes("segMetrics", given.attributes).number("classes");
    const [labels, prediction] = [operand(given, "labels"), operand(given, "prediction")];
    const net = graph({ labels: input(labels.shape, "i32"), prediction: input(prediction.shape, "i32") }, (x) => ({
      counts: confusionMatrix(x.labels, x.prediction, { classes }),
    }));
    for await (const { outputs, ...run } of engine.runs(net, { labels: decode(labels), prediction: decode(prediction) })) {
      const counts = outputs["counts"]!;
      const metrics = Object.entries(segmentationMetrics(counts)).map(([name, value]): [string, Value] => [
        name,
        { shape: [], data: [value] },
      ]);
      yield { ...run, values: { hist: { shape: [classes, classes], data: counts }, ...Object.fromEntries(metrics) } };
    }
  },
};

/** The authors' nets are called by data set and net: `voc-fcn8s`, `voc-fcn-alexnet`. */
function referenceNet(variant: string): Pick<FcnOptions, "trunk" | "variant"> {
  if (variant.endsWith("-fcn-alexnet")) return { trunk: "alexnet", variant: "32s" };
  const stride = /-fcn(\d+s)(-atonce)?$/.exec(variant);
  if (!stride) throw new Error(`fcnSizes: there is no net ${variant}`);
  return { trunk: "vgg16", variant: `${stride[1]}${stride[2] ? "-at-once" : ""}` };
}

/** What no engine computes. */
function onHost(values: Readonly<Record<string, Value>>): Computed {
  return { values, how: "", slack: 1 };
}

function filled(init: Init, shape: readonly number[]): Value {
  return { shape, data: init(shape, Math.random) };
}

function operand({ op, inputs }: ConformanceCase, name: string): CaseTensor {
  const found = inputs.find((tensor) => tensor.name === name);
  if (!found) throw new Error(`${op}: input ${name} is missing: it has ${inputs.map((tensor) => tensor.name).join(", ")}`);
  return found;
}
