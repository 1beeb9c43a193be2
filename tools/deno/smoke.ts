/**
 * A smoke test of the compiled library in Deno, whose WebGPU is wgpu: one small graph with its gradients against the CPU reference, and a
 * few training steps. Run by `npm run test:deno`; prints the runner's events as JSON lines (scripts/tests/events.ts).
 */
import * as fcn from "../../dist/index.js";
import { runReference } from "../../dist/reference/index.js";

declare const Deno: { env: { get(name: string): string | undefined }; version: { deno: string }; exit(code: number): never };

const SIZE = 12;

async function test(name: string, run: () => Promise<void>): Promise<void> {
  const title = ["deno", name];
  const started = performance.now();
  report({ type: "start", title });
  try {
    await run();
    report({ type: "pass", title, ms: performance.now() - started });
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    report({ type: "fail", title, ms: performance.now() - started, error: text });
  }
}

function report(event: object): void {
  console.log(JSON.stringify(event));
}

function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** A net of the paper's parts: convolution, pooling, upsampling, a skip, a loss. */
function net() {
  return fcn.graph({ image: fcn.input([1, 3, SIZE, SIZE]), labels: fcn.input([1, SIZE, SIZE], "i32") }, ({ image, labels }) => {
    const first = fcn.param("first.weight", [8, 3, 3, 3], fcn.heNormal());
    const up = fcn.param("up.weight", [8, 8, 2, 2], fcn.heNormal());
    const score = fcn.param("score.weight", [4, 8, 1, 1], fcn.heNormal());
    const features = fcn.relu(fcn.conv2d(image, first, null, { padding: 1 }));
    const coarse = fcn.convTranspose2d(fcn.maxPool2d(features, { kernel: 2, stride: 2 }), up, null, { stride: 2 });
    const logits = fcn.conv2d(fcn.add(features, coarse), score, null);
    const loss = fcn.softmaxCrossEntropy(logits, labels);
    const [firstGrad, upGrad, scoreGrad] = fcn.gradients(loss, [first, up, score]);
    return { logits, loss, firstGrad, upGrad, scoreGrad };
  });
}

const image = Float32Array.from({ length: 3 * SIZE * SIZE }, (_, i) => ((i * 37) % 101) / 101 - 0.5);
const labels = Int32Array.from({ length: SIZE * SIZE }, (_, i) => (i * 7) % 4);
console.log(`Deno ${Deno.version.deno}`);

await test("runs on the adapter that the runner asked for", async () => {
  using gpu = await fcn.openGpu();
  const { vendor, architecture, description, software } = gpu.info;
  const adapter = await navigator.gpu.requestAdapter();
  const names = [vendor, architecture, description, adapter?.info.device].join(" ");
  const kind = /swiftshader/i.test(names)
    ? "swiftshader"
    : /llvmpipe/i.test(names)
      ? "lavapipe"
      : software
        ? "software"
        : "hardware";
  report({ type: "adapter", line: `${kind}: ${names}` });
  const expected = Deno.env.get("FCN_EXPECT_ADAPTER");
  assert(kind === expected, `expected ${expected}, got ${kind}: ${names}`);
});

await test("forward, loss and gradients equal the CPU reference", async () => {
  using gpu = await fcn.openGpu({ checked: true });
  const graph = net();
  using program = await gpu.compile(graph);
  const outputs = await program.run({ image, labels });
  const expected = runReference(graph, await program.save(), { image, labels });
  for (const name of ["logits", "loss", "firstGrad", "upGrad", "scoreGrad"] as const) {
    const worst = expected[name].reduce(
      (most: number, value: number, i: number) => Math.max(most, Math.abs(value - (outputs[name][i] ?? NaN))),
      0,
    );
    assert(worst < 1e-5, `${name}: largest difference to the reference ${worst}`);
  }
});

await test("ten training steps lower the loss", async () => {
  using gpu = await fcn.openGpu();
  using program = await gpu.compile(net());
  const losses: number[] = [];
  const batches = Array.from({ length: 10 }, () => ({ image, labels }));
  for await (const { loss } of program.train(batches, {
    loss: "loss",
    optimizer: fcn.sgd({ learningRate: 0.1, momentum: 0.9 }),
    lossEvery: 1,
  })) {
    if (loss !== null) losses.push(loss);
  }
  const [first = NaN, last = NaN] = [losses[0], losses.at(-1)];
  assert(last < first, `loss went from ${first} to ${last}`);
});

report({ type: "end" });
Deno.exit(0);
