/** The autotuner: what it measures, refuses, remembers and survives. */
import { expect } from "chai";
import { createStopwatch, type Stopwatch } from "../../src/gpu/stopwatch.js";
import { ChoiceBook } from "../../src/graph/choice-book.js";
import { applicableVariants } from "../../src/graph/choose.js";
import { contest, type Lab } from "../../src/graph/contest.js";
import { lower } from "../../src/graph/lower.js";
import { choiceDeviceOf } from "../../src/graph/plan.js";
import { withPreparation } from "../../src/graph/planned-variant.js";
import { applicationOf, signatureOf } from "../../src/graph/signature.js";
import { createTuner, type TunerSettings } from "../../src/graph/tune.js";
import type { TuneStore } from "../../src/graph/tune-store.js";
import type { Variant } from "../../src/kernels/op.js";
import { opOf } from "../../src/kernels/ops.js";
import { conv2d, gemm, heNormal, input, param, relu, scale, type Tensor } from "../../src/index.js";
import { testContext } from "../harness/device.js";

function convolution(size = 20): Tensor {
  return conv2d(input([1, 8, size, size]), input([8, 8, 3, 3]), null, { padding: 1 });
}

/** A cache in memory that counts. */
function memoryStore(text?: string): TuneStore & { text: string | undefined; reads: number; writes: number } {
  return {
    where: "memory",
    text,
    reads: 0,
    writes: 0,
    read() {
      this.reads++;
      return Promise.resolve(this.text);
    },
    write(written) {
      this.writes++;
      this.text = written;
      return Promise.resolve();
    },
  };
}

async function tunerWith(settings: Partial<TunerSettings> = {}) {
  const { gpu, pipelines } = await testContext();
  const [progress, warnings]: [string[], string[]] = [[], []];
  const tuner = createTuner({
    gpu,
    pipelines,
    store: undefined,
    onProgress: ({ stage, done, total }) => progress.push(`${stage} ${done}/${total}`),
    onWarning: (warning) => warnings.push(warning),
    ...settings,
  });
  const tune = async (nodes: readonly Tensor[], signal?: AbortSignal): Promise<void> =>
    tuner.tune(nodes, choiceDeviceOf(gpu), { keepsPrepared: true }, new Map(), signal);
  /** What a plan would take. */
  const verdict = (node: Tensor) => {
    const { variant, why } = lower([node], choiceDeviceOf(gpu), new ChoiceBook(tuner)).choices[0]!;
    return { variant, why };
  };
  return { tuner, tune, verdict, progress, warnings, gpu };
}

describe("autotuner", () => {
  it("times the variants of each distinct node once, and chooses the fastest", async () => {
    const { tune, verdict, progress, gpu } = await tunerWith();
    const [first, second] = [convolution(), convolution()];
    const dense = gemm(input([8, 32]), input([16, 32]), null, { transB: true });
    await tune([first, second, dense, relu(input([1, 4, 2, 2]))]);
    expect(progress).to.deep.equal(["tune 0/2", "tune 1/2", "tune 2/2"]);
    for (const node of [first, dense]) {
      const { variant, why } = verdict(node);
      expect(applicableVariants(applicationOf(node), node, choiceDeviceOf(gpu)).map((v) => v.name)).to.include(variant);
      expect(why).to.match(/^tuned: [\d.]+ ms against \w+'s [\d.]+ ms/);
    }
  });

  it("measures nothing that it has measured, here or in an earlier run", async () => {
    const store = memoryStore();
    const first = await tunerWith({ store });
    await first.tune([convolution()]);
    expect([store.reads, store.writes]).to.deep.equal([2, 1]);
    const counted = await tunerWith({ store });
    const { queue } = counted.gpu.device;
    const submit = queue.submit.bind(queue);
    let submits = 0;
    queue.submit = (buffers) => (submits++, submit(buffers));
    try {
      await counted.tune([convolution()]);
      await counted.tune([convolution()]);
      expect(submits, "submits").to.equal(0);
      expect(counted.verdict(convolution())).to.deep.equal(first.verdict(convolution()));
      expect(counted.progress).to.deep.equal(["tune 1/1"]);
      expect(store.writes).to.equal(1);
      await counted.tune([convolution(21)]);
      expect(submits, "submits for another size").to.be.above(0);
    } finally {
      Reflect.deleteProperty(queue, "submit");
    }
  });

  it("measures anew where the kernels have changed", async () => {
    const store = memoryStore();
    await (await tunerWith({ store })).tune([convolution()]);
    store.text = store.text!.replace(/"kernels": "[0-9a-f]+"/, '"kernels": "0123"');
    await (await tunerWith({ store })).tune([convolution()]);
    expect(store.writes).to.equal(2);
    expect(store.text).not.to.include("0123");
  });

  for (const [name, text] of [
    ["is no JSON", '{"format": "fcn-web'],
    ["is of another format", '{"format": "other", "entries": {}}'],
    [
      "holds nonsense",
      '{"format": "fcn-webgpu-tuning/1", "entries": {"a": {"kernels": "k", "ms": {"direct": "fast"}, "rejected": {}}}}',
    ],
  ] as const) {
    it(`says so and goes on where the cache ${name}`, async () => {
      const store = memoryStore(text);
      const { tune, verdict, warnings } = await tunerWith({ store });
      await tune([convolution()]);
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.match(/^tune: the cache in memory cannot be read and is made anew \(/);
      expect(verdict(convolution()).why).to.match(/^tuned: /);
      const again = await tunerWith({ store });
      await again.tune([convolution()]);
      expect(again.warnings).to.deep.equal([]);
    });
  }

  it("says so and goes on where the cache can be neither read nor written", async () => {
    const refuse = () => Promise.reject(new Error("disk on fire"));
    const { tune, verdict, warnings } = await tunerWith({ store: { where: "nowhere", read: refuse, write: refuse } });
    await tune([convolution()]);
    expect(verdict(convolution()).why).to.match(/^tuned: /);
    expect(warnings).to.have.length(2);
    expect(warnings[1]).to.match(/^tune: the cache in nowhere cannot be written, .*\(disk on fire\)$/);
  });

  it("stays within its budget: nothing is begun that will not fit, and the rest goes by the rule", async () => {
    const { tune, verdict, progress, warnings } = await tunerWith({ budgetMs: 0 });
    await tune([convolution()]);
    expect(verdict(convolution()).why).to.equal("rule; the budget of 0 ms did not reach to measuring it");
    expect([progress, warnings]).to.deep.equal([["tune 0/1"], []]);
    // 19 GFLOP a run, several of them: nobody is asked to do that in 100 ms.
    const large = conv2d(input([1, 64, 512, 512]), input([64, 64, 3, 3]), null, { padding: 1 });
    const brief = await tunerWith({ budgetMs: 100 });
    await brief.tune([large]);
    expect(brief.verdict(large).why).to.equal("rule; the budget of 100 ms did not reach to measuring it");
  });

  it("ends when it is told to", async () => {
    const controller = new AbortController();
    const { tune, verdict } = await tunerWith({
      onProgress: ({ done }) => {
        if (done === 1) controller.abort();
      },
    });
    const nodes = [convolution(20), convolution(21), convolution(22)];
    await tune(nodes, controller.signal);
    expect(nodes.map((n) => verdict(n).why).filter((why) => why === "rule; measuring was aborted")).to.have.length(2);
    // What was aborted is not taken for measured.
    await tune(nodes);
    expect(nodes.every((n) => verdict(n).why.startsWith("tuned: "))).to.equal(true);
  });

  it("keeps its verdicts for the plans of a program, and a checkpoint goes before them", async () => {
    const { tuner, tune, gpu } = await tunerWith();
    const node = convolution();
    await tune([node]);
    const book = new ChoiceBook(tuner);
    expect(Object.keys(book.tuned.get(signatureOf(applicationOf(node)))!.ms)).to.include("direct");
    const text = JSON.stringify({ [signatureOf(applicationOf(node))]: { node: "conv1", variant: "direct" } });
    book.read(text, choiceDeviceOf(gpu), true)();
    expect([...book.saved.values()]).to.deep.equal(["direct"]);
    expect(book.write()).to.equal(text);
  });
});

describe("a contest of variants", () => {
  async function contestOf(
    node: Tensor,
    change: (direct: Variant, others: readonly Variant[]) => readonly Variant[],
    watch?: Stopwatch,
    over: Lab["over"] = () => false,
  ) {
    const { gpu, pipelines } = await testContext();
    const [direct, ...others] = applicableVariants(applicationOf(node), node, choiceDeviceOf(gpu)) as [Variant, ...Variant[]];
    using stopwatch = watch ?? (await createStopwatch(gpu));
    const flops = opOf(node.op).flops(node.inputs, node, node.attrs);
    const lab = { gpu, pipelines, stopwatch, over, until: Infinity };
    return await contest(lab, node, [direct, ...change(direct, others)], flops);
  }
  /** `direct` with a uniform replaced. */
  const altered = (direct: Variant, name: string, params: object): Variant => ({
    ...direct,
    name,
    dispatches: direct.dispatches.map((d) => ({ ...d, params: { ...d.params, ...params } })),
  });

  it("refuses a variant that is wrong, however fast, and says where", async () => {
    const { ms, rejected } = await contestOf(convolution(), (direct) => [
      { ...direct, name: "same" },
      altered(direct, "shifted", { pad: [1, 0] }),
      altered(direct, "lazy", { count: 0 }),
    ]);
    expect(ms).to.have.all.keys("direct", "same");
    expect(rejected).to.have.all.keys("shifted", "lazy");
    expect(rejected["shifted"]).to.match(
      /^wrong: element \d+ in memory is -?[\d.e-]+ where direct has -?[\d.e-]+, beyond its bound of \d/,
    );
  });

  it("begins with the last, which the rule prefers, and names those that the time did not reach to", async () => {
    let asked = 0;
    const outcome = await contestOf(
      convolution(),
      (direct) => ["first", "second", "third"].map((name) => ({ ...direct, name })),
      undefined,
      () => asked++ > 0,
    );
    expect(outcome.ms).to.have.all.keys("direct", "third");
    expect(outcome.unmeasured).to.deep.equal(["second", "first"]);
  });

  it("allows a variant the error that it states, and no more", async () => {
    // y = c x with c off by 2^-20, which is 16 u |x|, where one product may be off by 4 u |x|.
    const { ms, rejected } = await contestOf(scale(input([3, 8, 8]), 1), (direct) =>
      [1, 5].map((errorFactor) => ({
        ...altered(direct, `allowed ${errorFactor}`, { coefficients: [1 + 2 ** -20, 0, 0, 0] }),
        errorFactor,
      })),
    );
    expect(Object.keys(ms)).to.deep.equal(["direct", "allowed 5"]);
    expect(Object.keys(rejected)).to.deep.equal(["allowed 1"]);
  });

  it("times a run: weights are prepared before it where the plan keeps them, and in it where it does not", async () => {
    // In place of ms, dispatches.
    const counter: Stopwatch = {
      clock: "wall",
      quantumNs: 0,
      time(record) {
        let ms = 0;
        record({ setPipeline() {}, setBindGroup() {}, dispatchWorkgroups: () => void ms++ } as unknown as GPUComputePassEncoder);
        return Promise.resolve({ ms, leastMs: ms, repeats: 1 });
      },
      [Symbol.dispose]() {},
    };
    const node = conv2d(input([1, 16, 8, 8]), param("w", [16, 16, 3, 3], heNormal()), null, { padding: 1 });
    const outcome = await contestOf(
      node,
      (_, others) => {
        const kept = others.find((v) => v.name === "winograd")!;
        return [kept, { ...withPreparation(kept), name: "in every run" }];
      },
      counter,
    );
    expect(outcome.rejected).to.deep.equal({});
    expect(outcome.ms["in every run"]).to.equal(outcome.ms["winograd"]! + 1);
  });

  it("refuses a variant that does not compile here", async () => {
    const { ms, rejected } = await contestOf(convolution(), (direct) => [
      {
        ...direct,
        name: "broken",
        dispatches: direct.dispatches.map((d) => ({ ...d, constants: { ...d.constants, WG: 1 << 20 } })),
      },
    ]);
    expect(Object.keys(ms)).to.deep.equal(["direct"]);
    expect(rejected["broken"]).to.match(/^does not compile here: /);
  });
});
