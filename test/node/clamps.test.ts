/**
 * Tint clamps an index that it cannot bound (robustness), which costs up to 40 % of a matrix product (kernels.md B 3.1a): the compiled kernels have
 * no clamp on an array in workgroup memory. Read from what Dawn prints in a process of its own.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { specialize } from "../../src/gpu/specialize.js";
import { PLAIN_EPILOGUE } from "../../src/kernels/conv-geometry.js";
import { gemmVariant } from "../../src/kernels/conv-gemm.js";
import { weightGradGemmVariant } from "../../src/kernels/conv-weight-gemm.js";
import type { Dispatch } from "../../src/kernels/op.js";
import { SHADERS } from "../../src/shaders.gen.js";
import type { DumpRequest } from "../harness/dump-shaders.js";
import { TINY, tinyDispatch } from "../harness/tiny-cases.js";

/** What Dawn prints for each request. */
async function dump(requests: readonly DumpRequest[]): Promise<readonly string[]> {
  const file = fileURLToPath(new URL("../harness/dump-shaders.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", file], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(JSON.stringify(requests));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const parts = out.split(/^pipeline \d+$/m).slice(1);
  expect(parts.length, `pipelines printed; on stderr: ${err}`).to.equal(requests.length);
  return parts;
}

/** Access chains into workgroup arrays in SPIR-V's disassembly, and those of them with an index that is the result of min or clamp. */
function accesses(spirv: string): { readonly all: number; readonly clamped: readonly string[] } {
  const workgroup = new Set(Array.from(spirv.matchAll(/^ *(%\w+) = OpVariable %\w+ Workgroup/gm), ([, id]) => id!));
  const clamps = new Set(Array.from(spirv.matchAll(/^ *(%\w+) = OpExtInst %\w+ %\w+ (?:[US]Min|[US]Clamp) /gm), ([, id]) => id!));
  const casts = new Map(Array.from(spirv.matchAll(/^ *(%\w+) = OpBitcast %\w+ (%\w+)/gm), ([, to, from]) => [to!, from!]));
  const chains = Array.from(spirv.matchAll(/^ *%\w+ = OpAccessChain %\w+ (%\w+)((?: %\w+)+)/gm)).filter(([, base]) =>
    workgroup.has(base!),
  );
  const isClamped = (id: string): boolean => clamps.has(casts.get(id) ?? id);
  return {
    all: chains.length,
    clamped: chains.filter(([, , ids]) => ids!.trim().split(" ").some(isClamped)).map(([line]) => line),
  };
}

const FORM = {
  batch: 1,
  groups: 1,
  channels: 128,
  outputs: 128,
  x: [32, 32],
  y: [32, 32],
  kernel: [3, 3],
  stride: [1, 1],
  pad: [1, 1],
  dilation: [1, 1],
} as const;
const TRAITS = { software: false, subgroupSize: 0, maxInvocations: 256, maxWorkgroupStorage: 16384, maxBindingBytes: 2 ** 27 };

/** Each shader with workgroup memory as its tiny case has it, and the larger tiles and the transposes of the products. */
function dispatches(): readonly Dispatch[] {
  const large = [
    gemmVariant(FORM, false, PLAIN_EPILOGUE),
    gemmVariant(FORM, true, PLAIN_EPILOGUE),
    weightGradGemmVariant(FORM, [128, 128, 3, 3], TRAITS),
  ];
  return [...Object.keys(TINY).map((name) => tinyDispatch(name).dispatch), ...large.map((variant) => variant!.dispatches[0]!)];
}

describe("compiled kernels", () => {
  it("every shader with workgroup memory has a tiny case", () => {
    const shared = Object.entries(SHADERS).filter(([, { code }]) => code.includes("var<workgroup>"));
    expect(shared.map(([name]) => name).filter((name) => !(name in TINY))).to.deep.equal([]);
  });

  it("have no index clamp on an array in workgroup memory", async function () {
    if (process.platform !== "linux") this.skip(); // elsewhere Dawn prints another language than SPIR-V
    this.timeout(120_000);
    const kernels = dispatches();
    const clamping = `
      @group(0) @binding(0) var<storage, read_write> y: array<f32>;
      var<workgroup> sums: array<f32, 64>;
      @compute @workgroup_size(64)
      fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3u) {
        sums[local] = y[local];
        workgroupBarrier();
        y[local] = sums[local + group.x];
      }`;
    const [control, ...dumps] = await dump([
      { code: clamping, overrides: {} },
      ...kernels.map((d) => specialize(SHADERS[d.shader], d.constants)),
    ]);
    expect(accesses(control!).clamped, "the clamp of a kernel that needs one").to.have.lengthOf(1);
    kernels.forEach(({ shader }, i) => {
      const { all, clamped } = accesses(dumps[i]!);
      expect(all, `accesses to workgroup memory in ${shader}`).to.be.at.least(3);
      expect(clamped, shader).to.deep.equal([]);
    });
  });
});
