/** The CPU reference, as an engine of the benchmark and as what every other one is checked against. */
import { runReference } from "../../src/reference/index.js";
import type { WorkloadData } from "../data.js";
import type { Engine, Prepared } from "../engine.js";
import { graphWeights, lossAndGradients, timedGraph, type TrainingWorkload } from "../graphs.js";
import { serveEngine } from "../session.js";

const reference: Engine = {
  webgpu: false,
  cannot: () => null,
  open: () => Promise.resolve("float64 in plain loops"),
  prepare: (workload, data) => {
    if (workload.kind === "training") return Promise.resolve(trainer(workload, data));
    const timed = timedGraph(workload);
    const weights = graphWeights(timed.params, data);
    return Promise.resolve(prepared(() => runReference(timed, weights, {})["output"]));
  },
};

export const main = serveEngine({ reference });

/** Each run is a step: v = momentum v + gradient, weight -= learningRate v. */
function trainer(workload: TrainingWorkload, data: WorkloadData): Prepared {
  const graph = lossAndGradients(workload);
  const weights = new Map(
    [...graphWeights(graph.params, data)].map(([name, { shape, data: values }]) => [name, { shape, data: values.slice() }]),
  );
  const velocities = new Map([...weights].map(([name, { data: values }]) => [name, new Float64Array(values.length)]));
  return prepared(() => {
    const results = runReference(graph, weights, { x: data.x, labels: data.labels });
    for (const [name, { data: values }] of weights) {
      const [velocity, slope] = [velocities.get(name)!, results[name]!];
      values.forEach((value, i) => {
        velocity[i] = workload.momentum * velocity[i]! + slope[i]!;
        values[i] = value - workload.learningRate * velocity[i];
      });
    }
    return results["loss"]!;
  });
}

function prepared(compute: () => ArrayLike<number>): Prepared {
  return {
    run() {
      const output = compute();
      return Promise.resolve({ read: () => Promise.resolve(Float32Array.from(output)), release: () => undefined });
    },
    release: () => undefined,
  };
}
