/** Threads that decode: the thread that feeds the GPU never does. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { InputError } from "../tensor/errors.js";
import type { Sample } from "../training/sample.js";
import type { DecodeJob } from "./decode.js";

export type DecodeReply = { readonly id: number } & ({ readonly sample: Sample } | { readonly error: string });

/** A thread of the compiled module; uncompiled (tests, experiments) of its source, by tsx, which does not reach into threads by itself. */
function startThread(): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL("./decode-thread.js", import.meta.url));
  const source = new URL("./decode-thread.ts", import.meta.url).href;
  const boot = `import("tsx/esm/api").then((tsx) => { tsx.register(); return import(${JSON.stringify(source)}); })`;
  return new Worker(boot, { eval: true });
}

const MOST_THREADS = 4;

interface Waiting {
  readonly resolve: (sample: Sample) => void;
  readonly reject: (error: Error) => void;
}

export class Decoder implements Disposable {
  private readonly threads: { readonly worker: Worker; readonly waiting: Map<number, Waiting> }[] = [];
  private next = 0;

  /** Threads are started when first needed, and do not keep the process alive. */
  constructor(private readonly most = Math.max(1, Math.min(MOST_THREADS, availableParallelism() - 1))) {}

  decode(job: DecodeJob): Promise<Sample> {
    const id = this.next++;
    const { worker, waiting } = this.thread();
    return new Promise<Sample>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ id, job });
    });
  }

  [Symbol.dispose](): void {
    for (const { worker, waiting } of this.threads.splice(0)) {
      for (const { reject } of waiting.values()) reject(new InputError("the data set was closed while it was read"));
      void worker.terminate();
    }
  }

  /** The one with the least to do. */
  private thread(): (typeof this.threads)[number] {
    const idlest = this.threads.toSorted((a, b) => a.waiting.size - b.waiting.size)[0];
    if (idlest && (idlest.waiting.size === 0 || this.threads.length >= this.most)) return idlest;
    const worker = startThread();
    const waiting = new Map<number, Waiting>();
    const settle = (id: number): Waiting => {
      const one = waiting.get(id)!;
      waiting.delete(id);
      if (waiting.size === 0) worker.unref();
      return one;
    };
    worker.on("message", (reply: DecodeReply) => {
      const { resolve, reject } = settle(reply.id);
      if ("sample" in reply) resolve(reply.sample);
      else reject(new InputError(reply.error));
    });
    worker.on("error", (error) => {
      this.threads.splice(this.threads.indexOf(thread), 1);
      for (const id of [...waiting.keys()])
        settle(id).reject(
          new InputError(
            `images cannot be decoded: ${error.message}; in Node this takes the optional peers sharp and fast-png: npm install sharp fast-png`,
            { cause: error },
          ),
        );
    });
    const thread = { worker, waiting };
    this.threads.push(thread);
    return thread;
  }
}
