/**
 * Run by itself (test/node/clamps.test.ts): compiles the pipelines given as JSON on stdin with Dawn's dump on, which prints WGSL and what Tint
 * makes of it to the process's output. In front of the n-th pipeline it prints a line `pipeline n`.
 */
import { writeSync } from "node:fs";
import { text } from "node:stream/consumers";
import { create, globals } from "webgpu";

export interface DumpRequest {
  readonly code: string;
  readonly overrides: Readonly<Record<string, number>>;
}

const requests = JSON.parse(await text(process.stdin)) as readonly DumpRequest[];
Object.assign(globalThis, globals);
const gpu = create(["enable-dawn-features=dump_shaders"]);
const adapter = (await gpu.requestAdapter())!;
const device = await adapter.requestDevice();
requests.forEach(({ code, overrides }, i) => {
  writeSync(1, `pipeline ${i}\n`);
  device.pushErrorScope("validation");
  const compute = { module: device.createShaderModule({ code }), entryPoint: "main", constants: { ...overrides } };
  device.createComputePipeline({ layout: "auto", compute });
});
const errors = await Promise.all(requests.map(() => device.popErrorScope()));
for (const error of errors) if (error) throw new Error(error.message);
device.destroy();
process.exit(0);
