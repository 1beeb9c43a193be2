/** This engine, through its public API. */
import { openGpu, sgd, type Gpu, type TypedArray } from "../../src/index.js";
import type { WorkloadData } from "../data.js";
import type { Engine, EngineHost, Prepared } from "../engine.js";
import { graphWeights, lossGraph, timedGraph, type TrainingWorkload } from "../graphs.js";
import { serveEngine } from "../session.js";

/** Steps between losses that are read back, once the first ones have been: none is, in the steps that are timed. */
const NEVER = 1_000_000;

function ours(): Engine {
  let gpu: Gpu;
  let host: EngineHost;
  return {
    webgpu: true,
    cannot: () => null,
    async open(opened) {
      host = opened;
      gpu = await openGpu();
      return "fcn-webgpu, this commit, WebGPU's default limits";
    },
    async prepare(workload, data) {
      if (workload.kind === "training") return await trainer(gpu, host, workload, data);
      const graph = timedGraph(workload);
      const program = await gpu.compile(graph);
      await program.load(graphWeights(graph.params, data));
      return {
        /** The time ends with the GPU's work, as it does for the peers: run() also reads the result back, which `read` and `release` await. */
        async run() {
          const done = host.nextSubmitDone();
          const running = program.run({});
          await Promise.race([done, running]); // running settles first only where it throws
          const submits = host.submits();
          const output = async (): Promise<TypedArray> => {
            const results = await running;
            if (host.submits() !== submits) throw new Error("run() submitted more after its first go: its time was cut short");
            return results.output;
          };
          return { read: async () => Float32Array.from(await output()), release: async () => void (await output()) };
        },
        release: () => program[Symbol.dispose](),
      };
    },
  };
}

export const main = serveEngine({ ours: ours() });

/** Each run is a step. */
async function trainer(gpu: Gpu, host: EngineHost, workload: TrainingWorkload, data: WorkloadData): Promise<Prepared> {
  const graph = lossGraph(workload);
  const program = await gpu.compile(graph);
  await program.load(graphWeights(graph.params, data));
  const batch = { x: data.x, labels: data.labels };
  const optimizer = sgd({ learningRate: workload.learningRate, momentum: workload.momentum });
  const steps = (lossEvery: number) => program.train(endless(batch), { loss: "output", optimizer, lossEvery });
  let [training, reading] = [steps(1), true];
  return {
    async run(read) {
      if (read !== reading) {
        await training.return();
        [training, reading] = [steps(read ? 1 : NEVER), read];
      }
      const { value } = await training.next();
      await host.finished();
      return { read: () => Promise.resolve(Float32Array.of(value!.loss!)), release: () => undefined };
    },
    async release() {
      await training.return();
      program[Symbol.dispose]();
    },
  };
}

function* endless<T>(value: T): Generator<T> {
  for (;;) yield value;
}
