import { initialWeights } from "fcn-webgpu/reference";
import { net } from "./net.js";

// Not imported at the top: where the optional peer is missing, the error is what this prints.
const bytes = await import("fcn-webgpu/onnx").then(
  ({ exportOnnx }) => exportOnnx(net, initialWeights(net), { outputs: ["scores"] }).length,
  (error: unknown) => String(error),
);
console.log(JSON.stringify({ bytes }));
