import { initialWeights, runReference } from "fcn-webgpu/reference";
import { inputs, net } from "./net.js";

console.log(JSON.stringify({ scores: runReference(net, initialWeights(net), inputs).scores.length }));
