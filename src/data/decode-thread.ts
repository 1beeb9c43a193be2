/** A decoding thread: jobs in, samples out, their memory handed over. */
import { parentPort } from "node:worker_threads";
import { decodeSample, type DecodeJob } from "./decode.js";
import type { DecodeReply } from "./decoder.js";
import { reasonOf } from "./errors.js";

parentPort!.on("message", ({ id, job }: { id: number; job: DecodeJob }) => {
  decodeSample(job).then(
    (sample) =>
      parentPort!.postMessage({ id, sample } satisfies DecodeReply, [
        sample.pixels.buffer as ArrayBuffer,
        sample.labels.buffer as ArrayBuffer,
      ]),
    (error: unknown) => parentPort!.postMessage({ id, error: reasonOf(error) } satisfies DecodeReply),
  );
});
