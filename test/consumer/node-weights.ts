import { initialWeights } from "fcn-webgpu/reference";
import { loadSafetensors, writeSafetensors } from "fcn-webgpu/weights";
import { net } from "./net.js";

// Not imported at the top: where the optional peer is missing, the error is what this prints.
const caffe = await import("fcn-webgpu/caffe").then(
  ({ readCaffemodel }) => readCaffemodel(new Uint8Array(0)).catch((error: unknown) => String(error)),
  (error: unknown) => String(error),
);
const tensors = initialWeights(net);
const read = await loadSafetensors(writeSafetensors({ tensors, metadata: {} }));
console.log(JSON.stringify({ caffe, tensors: read.tensors.size === tensors.size }));
