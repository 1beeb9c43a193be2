/** LiteRT.js (the successor of TensorFlow Lite's web runtime) on WebGPU. Models are .tflite files, made here. Forward only. */
import * as litert from "@litertjs/core";
import type { Engine, EngineHost } from "../engine.js";
import { serveEngine } from "../session.js";
import { fromNhwc, nhwcShape, toNhwc } from "./layout.js";
import { tfliteModel } from "./tflite.js";

export const main = serveEngine({ "litert-webgpu": litertWebGpu() });

function litertWebGpu(): Engine {
  let host: EngineHost;
  return {
    webgpu: true,
    cannot: ({ kind }) => (kind === "forward" ? null : "the package has no gradients and no training"),
    async open(opened) {
      host = opened;
      const folder = `${host.packages}@litertjs/core/wasm/`;
      // In a worker its script looks for the .wasm beside the worker's, unless a global Module says where it is.
      Object.assign(globalThis, { Module: { locateFile: (file: string) => folder + file } });
      await litert.loadLiteRt(folder, { jspi: false, threads: false });
      return "@litertjs/core, webgpu, f32";
    },
    async prepare({ net }, data) {
      const model = await litert.loadAndCompile(tfliteModel(net, data.weights), {
        accelerator: "webgpu",
        gpuOptions: { precision: "fp32" },
      });
      const x = await new litert.Tensor(toNhwc(data.x, net.input), nhwcShape(net.input)).moveTo("webgpu");
      return {
        notes: model.isFullyAccelerated ? [] : ["part of the net runs on the CPU"],
        async run() {
          const outputs = await model.run([x]);
          await host.finished();
          return {
            read: async () => fromNhwc(Float32Array.from(await outputs[0]!.data()), data.outputShape),
            release: () => outputs.forEach((output) => output.delete()),
          };
        },
        release() {
          x.delete();
          model.delete();
        },
      };
    },
  };
}
