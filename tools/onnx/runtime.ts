/** ONNX Runtime on the CPU, from the package beside this file: what tests and benchmarks run exported files with. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Shape, TypedArray } from "../../src/index.js";

/** What is used of onnxruntime-node, which the root package does not know. */
interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array | string, options?: object): Promise<Session>;
  };
  readonly Tensor: new (type: string, data: TypedArray, dims: Shape) => OnnxTensor;
}

interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Readonly<Record<string, OnnxTensor>>>;
  release(): Promise<void>;
}

interface OnnxTensor {
  readonly type: string;
  readonly dims: Shape;
  readonly data: TypedArray;
}

export interface OnnxArray {
  readonly shape: Shape;
  readonly data: TypedArray;
}

function loadRuntime(): OnnxRuntime {
  try {
    return createRequire(import.meta.url)("onnxruntime-node") as OnnxRuntime;
  } catch (cause) {
    throw new Error("onnxruntime-node is not installed: npm install --prefix tools/onnx", { cause });
  }
}

/** The file as ONNX Runtime writes it, simplified as far as it goes with ONNX's own operators: constants folded, idle nodes gone. */
export async function rewriteOnnx(file: Uint8Array): Promise<Uint8Array> {
  const { InferenceSession } = loadRuntime();
  const folder = await mkdtemp(join(tmpdir(), "fcn-onnx-"));
  try {
    const optimizedModelFilePath = join(folder, "rewritten.onnx");
    const options = { logSeverityLevel: 3, graphOptimizationLevel: "basic", optimizedModelFilePath };
    await (await InferenceSession.create(file, options)).release();
    return new Uint8Array(await readFile(optimizedModelFilePath));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const TYPES = new Map<string, string>([
  ["Float32Array", "float32"],
  ["Int32Array", "int32"],
  ["Uint32Array", "uint32"],
]);

/** Runs a file, given by its bytes or its path, once per set of inputs: one session for all of them. */
export async function runOnnx(
  file: Uint8Array | string,
  runs: readonly Readonly<Record<string, OnnxArray>>[],
): Promise<readonly Readonly<Record<string, OnnxArray>>[]> {
  const { InferenceSession, Tensor } = loadRuntime();
  // Errors only: it warns of every tensor that it moves.
  const session = await InferenceSession.create(file, { logSeverityLevel: 3, intraOpNumThreads: 2 });
  try {
    const results = [];
    for (const inputs of runs) {
      const feeds = Object.entries(inputs).map(([key, { shape, data }]) => [
        key,
        new Tensor(TYPES.get(data.constructor.name)!, data, shape),
      ]);
      const outputs = await session.run(Object.fromEntries(feeds) as Record<string, OnnxTensor>);
      results.push(Object.fromEntries(Object.entries(outputs).map(([key, { dims, data }]) => [key, { shape: dims, data }])));
    }
    return results;
  } finally {
    await session.release();
  }
}
