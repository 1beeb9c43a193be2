/** The command line of the package, run within the test's process. */
import { expect } from "chai";
import type { Io } from "../../src/cli/io.js";
import { runCli } from "../../src/cli/main.js";
import { openGpu, type Gpu, type Weights } from "../../src/index.js";
import { testGpu } from "./device.js";

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The tests' own GPU, which outlives the command. */
async function keptGpu({ f16 } = { f16: false }): Promise<Gpu> {
  // Its own where two-byte storage is asked for: the tests' may lack it.
  if (f16) return openGpu({ checked: true, f16 });
  const gpu = await testGpu();
  return Object.create(gpu, { [Symbol.dispose]: { value: () => undefined } }) as Gpu;
}

/** `onStatus` is told of each line of progress. */
export async function runFcn(
  args: readonly string[],
  onStatus: (text: string, stop: () => void) => void = () => undefined,
  openGpu: Io["openGpu"] = keptGpu,
): Promise<Ran> {
  const controller = new AbortController();
  const [out, err]: string[][] = [[], []];
  const io: Io = {
    out: (text) => out!.push(text),
    err: (text) => err!.push(text),
    status: (text) => onStatus(text, () => controller.abort(new Error("stopped"))),
    signal: controller.signal,
    openGpu,
  };
  const code = await runCli(args, io);
  return { code, out: out!.join("\n"), err: err!.join("\n") };
}

/** What it prints; fails where it fails. */
export async function succeed(args: readonly string[]): Promise<string> {
  const { code, out, err } = await runFcn(args);
  expect(err.split("\n").filter((line) => line.startsWith("fcn:"))).to.deep.equal([]);
  expect(code, args.join(" ")).to.equal(0);
  return out;
}

export const bits = ({ data }: { readonly data: Float32Array }): number[] => [...new Uint32Array(data.slice().buffer)];
export const bitsOf = (weights: Weights): Record<string, number[]> =>
  Object.fromEntries([...weights].map(([name, tensor]): [string, number[]] => [name, bits(tensor)]));
