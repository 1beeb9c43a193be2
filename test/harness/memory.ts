import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Bytes of all array buffers once what earlier tests have left is gone, which would otherwise go in the middle of a measurement. Node only. */
export async function settledArrayBuffers(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // Buffers are freed by another thread, some time after the collection.
  let [last, quiet] = [Infinity, 0];
  while (quiet < 5) {
    collect();
    await setTimeout(20);
    const now = process.memoryUsage().arrayBuffers;
    quiet = now < last ? 0 : quiet + 1;
    last = Math.min(last, now);
  }
  return last;
}
