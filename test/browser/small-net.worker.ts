/** Runs the small net in a Web Worker: posts its scores, or what went wrong. */
import { openGpu } from "../../src/index.js";
import { IMAGE, smallNet } from "./small-net.js";

export type WorkerAnswer =
  { readonly scores: Float32Array; readonly error: null } | { readonly scores: null; readonly error: string };

async function scores(): Promise<Float32Array> {
  using gpu = await openGpu({ checked: true });
  using program = await gpu.compile(smallNet());
  return (await program.run({ image: IMAGE })).scores as Float32Array;
}

const answer = await scores().then(
  (values): WorkerAnswer => ({ scores: values, error: null }),
  (error: unknown): WorkerAnswer => ({ scores: null, error: String(error) }),
);
postMessage(answer);
