/** The library in a Web Worker: a device of its own, the same bits as in the page. */
import { expect } from "chai";
import { openGpu } from "../../src/index.js";
import { IMAGE, smallNet } from "./small-net.js";
import type { WorkerAnswer } from "./small-net.worker.js";

describe("in a Web Worker", () => {
  it("a graph gives the page's bits", async () => {
    using gpu = await openGpu({ checked: true });
    using program = await gpu.compile(smallNet());
    const here = await program.run({ image: IMAGE });
    const answer = await answerOf("/small-net.worker.js");
    expect(answer.error).to.equal(null);
    expect(answer.scores).to.deep.equal(here.scores);
    expect(Math.max(...here.scores)).to.be.greaterThan(0);
  });
});

async function answerOf(script: string): Promise<WorkerAnswer> {
  const worker = new Worker(script, { type: "module" });
  try {
    return await new Promise<WorkerAnswer>((resolve, reject) => {
      worker.addEventListener("message", (event) => resolve(event.data as WorkerAnswer));
      worker.addEventListener("error", (event) => reject(new Error(`the worker failed: ${event.message}`)));
    });
  } finally {
    worker.terminate();
  }
}
