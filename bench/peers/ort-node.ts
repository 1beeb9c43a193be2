/** ONNX Runtime for Node: the native CPU line, in a process of its own beside whatever browser. */
import { createRequire } from "node:module";
import type { Engine } from "../engine.js";
import { serveEngine } from "../session.js";
import { onnxModel } from "./onnx.js";

/** Of onnxruntime-node, what is used here. */
interface Ort {
  readonly env: { readonly versions: { readonly node?: string; readonly common: string } };
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<OrtSession> };
  readonly Tensor: new (type: "float32", values: Float32Array, shape: readonly number[]) => OrtTensor;
}
interface OrtSession {
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}
interface OrtTensor {
  readonly data: Float32Array;
}

const THREADS = 2;

export const main = serveEngine({ "ort-node": ortNode() });

function ortNode(): Engine {
  let ort: Ort;
  return {
    webgpu: false,
    cannot: ({ kind }) => (kind === "forward" ? null : "the package has no gradients and no training"),
    open({ packages }) {
      ort = createRequire(packages)("onnxruntime-node") as Ort;
      const { node, common } = ort.env.versions;
      return Promise.resolve(`onnxruntime-node ${node ?? common}, ${THREADS} threads`);
    },
    async prepare({ net }, data) {
      const options = { executionProviders: ["cpu"], intraOpNumThreads: THREADS, interOpNumThreads: 1 };
      const session = await ort.InferenceSession.create(onnxModel(net, data.weights), options);
      const x = new ort.Tensor("float32", data.x, [1, ...net.input]);
      return {
        async run() {
          const { [net.output]: output } = await session.run({ x });
          return { read: () => Promise.resolve(Float32Array.from(output!.data)), release: () => undefined };
        },
        release: async () => await session.release(),
      };
    },
  };
}
