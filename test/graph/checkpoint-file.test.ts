/** Resuming from where a checkpoint is kept, piece by piece: the same state as from its bytes, and what a file that is damaged leaves behind. */
import { expect } from "chai";
import { sgd, VariantError, WeightsError, type Program } from "../../src/index.js";
import { loadSafetensors, writeSafetensors } from "../../src/weights/index.js";
import { testGpu } from "../harness/device.js";
import { drain, rejects } from "../harness/rejects.js";
import { bitsOf } from "../harness/small-run.js";
import { toyFcn, toyInputs } from "../harness/toy-nets.js";

const net = toyFcn();
const inputs = toyInputs(net);
type ToyProgram = Program<(typeof net)["inputs"], (typeof net)["outputs"]>;
const train = (program: ToyProgram, steps: number): Promise<void> =>
  drain(
    program.train(Array<typeof inputs>(steps).fill(inputs), {
      loss: "loss",
      optimizer: sgd({ learningRate: 0.05, momentum: 0.9 }),
    }),
  );
const compile = async (): Promise<ToyProgram> => (await testGpu()).compile(net);

/** Pieces that fit nothing. */
async function* piecesOf(bytes: Uint8Array, then?: Error): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 999) yield await Promise.resolve(bytes.slice(at, at + 999));
  if (then) throw then;
}

describe("resuming from a file", () => {
  let bytes: Uint8Array<ArrayBuffer>;
  let want: Record<string, number[]>;
  before(async () => {
    using program = await compile();
    await train(program, 2);
    bytes = new Uint8Array((await program.checkpoint()).bytes);
    await train(program, 1);
    want = bitsOf(await program.save());
  });

  for (const [name, fileOf] of [
    ["pieces of it", () => piecesOf(bytes)],
    ["a Blob", () => new Blob([bytes])],
    ["a stream", () => new Blob([bytes]).stream()],
    ["its bytes", () => bytes],
  ] as const) {
    it(`${name}: goes on to the same bits`, async () => {
      using program = await compile();
      await train(program, 1); // velocities of its own
      await program.resume({ file: fileOf() });
      await train(program, 1);
      expect(bitsOf(await program.save())).to.deep.equal(want);
    });
  }

  it("changes nothing where the head says that it does not fit", async () => {
    using program = await compile();
    const before = bitsOf(await program.save());
    const { tensors, metadata } = await loadSafetensors(bytes);
    const short = new Map([...tensors].filter(([key]) => key !== "score.weight"));
    const resume = (file: Blob | AsyncIterable<Uint8Array>) => program.resume({ file });
    const written = (changed: Partial<{ tensors: typeof tensors; metadata: Record<string, string> }>) =>
      piecesOf(writeSafetensors({ tensors, metadata, ...changed }));
    await rejects(resume(new Blob([bytes.slice(0, -1)])), WeightsError, /does not fit/);
    await rejects(resume(written({ tensors: short })), WeightsError, /resume: the checkpoint has no score.weight/);
    await rejects(resume(written({ metadata: { ...metadata, seed: "7" } })), WeightsError, /was made with seed 7/);
    const variants = metadata["variants"]!.replace(/"variant":"\w+"/, '"variant":"unheard-of"');
    await rejects(resume(written({ metadata: { ...metadata, variants } })), VariantError, /unheard-of/);
    expect(bitsOf(await program.save())).to.deep.equal(before);
  });

  it("wants the weights again where it breaks off: damaged values, an end too soon, a failed read, a signal", async () => {
    using program = await compile();
    const { tensors, metadata } = await loadSafetensors(bytes);
    const last = [...tensors.keys()].filter((key) => !key.startsWith("velocity:")).at(-1)!;
    const { shape, data } = tensors.get(last)!;
    const damaged = new Map([...tensors, [last, { shape, data: data.map((v, i) => (i === 1 ? NaN : v)) }] as const]);
    const controller = new AbortController();
    const stop = new Error("stop");
    const onProgress = ({ done }: { done: number }): void => {
      if (done > bytes.length - 2000) controller.abort(stop);
    };
    const torn = /the weights are in part those of a resume\(\) that broke off/;
    for (const [file, type, message, options] of [
      [
        piecesOf(writeSafetensors({ tensors: damaged, metadata })),
        WeightsError,
        new RegExp(`resume: ${last} holds NaN at index 1`),
      ],
      [piecesOf(bytes.slice(0, -5)), WeightsError, /the file ends inside/],
      [piecesOf(bytes.slice(0, -5), new Error("the disk is gone")), Error, /the disk is gone/],
      [piecesOf(bytes), Error, /stop/, { signal: controller.signal, onProgress }],
    ] as const) {
      await rejects(program.resume({ file }, options), type, message);
      await rejects(program.run(inputs), WeightsError, torn);
      await rejects(train(program, 1), WeightsError, torn);
      await rejects(Promise.resolve(program.checkpoint()), WeightsError, torn);
      await program.resume({ bytes });
      await train(program, 1);
      expect(bitsOf(await program.save())).to.deep.equal(want);
    }
    // From bytes that are at hand nothing is replaced before all is looked at.
    await rejects(program.resume({ bytes: writeSafetensors({ tensors: damaged, metadata }) }), WeightsError, /holds NaN/);
    expect(bitsOf(await program.save())).to.deep.equal(want);
  });
});
