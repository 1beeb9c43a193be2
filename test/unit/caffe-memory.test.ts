/** A large layer goes from the stream into its own array: what a .caffemodel takes in memory is its weights. */
import { expect } from "chai";
import { readCaffemodel } from "../../src/caffe/index.js";
import { block, tag, text, varint } from "../harness/caffe-file.js";
import { settledArrayBuffers } from "../harness/memory.js";

/** InnerProduct [outputs, inputs] in the new form, as a stream of pieces of 64 KB in the same memory. */
async function* largeNet(outputs: number, inputs: number): AsyncGenerator<Uint8Array> {
  const bytes = 4 * outputs * inputs;
  const before = [...tag(5, 2), ...varint(bytes)];
  const behind = block(7, block(1, [outputs, inputs].flatMap(varint)));
  const blob = before.length + bytes + behind.length;
  const head = [...text(1, "fc6"), ...text(2, "InnerProduct"), ...tag(7, 2), ...varint(blob)];
  yield Uint8Array.from([...tag(100, 2), ...varint(head.length + blob), ...head, ...before]);
  const piece = new Uint8Array(65536).fill(1);
  for (let left = bytes; left > 0; left -= piece.length) yield await Promise.resolve(piece.subarray(0, left));
  yield Uint8Array.from(behind);
}

describe("caffemodel, in memory", () => {
  it("reads a layer of 100 MB into 100 MB", async () => {
    const MB = 2 ** 20;
    const held = (): number => process.memoryUsage().arrayBuffers;
    const before = await settledArrayBuffers();
    let peak = 0;
    const onProgress = (): void => void (peak = Math.max(peak, held() - before));
    const { weights } = await readCaffemodel(largeNet(1024, 25_600), { onProgress });
    onProgress();
    expect(weights.get("fc6.weight")!.shape).to.deep.equal([1024, 25_600]);
    expect(peak / MB).to.be.within(99, 103);
  });
});
