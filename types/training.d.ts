// For TypeScript 5, whose lib.dom lacks WebGPU: package.json's "types@<6". That of TypeScript 6 has it and clashes with @webgpu/types.
/// <reference types="@webgpu/types" preserve="true" />
export * from "../dist/training/index.js";
