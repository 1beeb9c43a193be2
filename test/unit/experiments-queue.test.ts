import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { inOrder, listRuns, msLeft, nextRun } from "../../experiments/queue.js";
import { readLog } from "../../experiments/run-log.js";
import { needs, runsOf, SCALES, stepsOf, type Run } from "../../experiments/runs.js";

const RUNS = runsOf(SCALES["160x120"]);
const named = (id: string): Run => RUNS.find((run) => run.id === id)!;

describe("queue of experiments", () => {
  it("begins with the cheapest, and with nothing before what it needs", () => {
    const order = inOrder(RUNS);
    expect(order).to.have.members(RUNS);
    const place = new Map(order.map((run, i) => [run.id, i]));
    for (const run of order)
      for (const id of needs(run)) expect(place.get(id), `${id} before ${run.id}`).to.be.below(place.get(run.id)!);
    expect(order[0]!.id).to.equal("search-squeezenet-16s-frozen");
    expect(order.at(-1)!.id).to.equal("googlenet-8s-at-once");
    const lost = RUNS.filter((run) => run.id !== "search-squeezenet-16s");
    expect(() => inOrder(lost)).to.throw(/^no run of .*squeezenet-16s-seed1.* can begin/);
  });

  it("hands out what can run now: not twice, and not before its predecessor is done", () => {
    const order = inOrder(
      ["search-squeezenet-16s", "squeezenet-16s-seed1", "squeezenet-8s-seed1", "squeezenet-8s-control-seed1"].map(named),
    );
    const [done, running] = [new Set<string>(), new Set<string>()];
    const next = (): string | null =>
      nextRun(
        order,
        (run) => done.has(run.id),
        (run) => running.has(run.id),
      )?.id ?? null;
    expect(next()).to.equal("search-squeezenet-16s");
    running.add("search-squeezenet-16s");
    expect(next()).to.equal(null);
    done.add("search-squeezenet-16s").add("squeezenet-16s-seed1");
    expect(next()).to.equal("squeezenet-8s-seed1");
    running.add("squeezenet-8s-seed1");
    expect(next()).to.equal("squeezenet-8s-control-seed1");
    expect(
      listRuns(order, (run) => done.has(run.id))
        .split("\n")
        .map((line) => line.slice(0, 4).trim()),
    ).to.deep.equal(["done", "done", "", ""]);
  });

  it("tells the time left by what runs took: of the same net, else of the same trunk, else by multiply-adds", () => {
    const [first, further] = [named("squeezenet-16s-seed1"), named("squeezenet-8s-seed1")];
    expect(msLeft([first], [])).to.equal(null);
    const paces = [
      { run: first, msPerStep: 100 },
      { run: named("squeezenet-16s-seed2"), msPerStep: 200 },
      { run: further, msPerStep: 180 },
    ];
    expect(msLeft([first, further], paces)).to.equal(first.steps * 150 + further.steps * 180);
    expect(msLeft([named("squeezenet-4s-seed1")], paces)).to.equal(1200 * 160);
    const search = named("search-googlenet-32s");
    expect(msLeft([search], paces)).to.equal(stepsOf(search) * 4.5 * 180);
    expect(stepsOf(search)).to.equal(search.steps * (search.rates as readonly number[]).length);
  });
});

describe("log of a training", () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), "fcn-log-"))));
  afterEach(() => rm(folder, { recursive: true }));

  const step = (n: number, lossPerPixel: number, ms = 100): string => JSON.stringify({ type: "step", step: n, lossPerPixel, ms });
  const validation = (n: number, meanIU: number): string =>
    JSON.stringify({ type: "validation", step: n, evaluation: { meanIU } });
  const logOf = async (...lines: readonly string[]): Promise<string> => {
    const file = join(folder, "log.jsonl");
    await writeFile(file, lines.join("\n"));
    return file;
  };

  it("of a run that was killed and went on: each step once, as it was done last", async () => {
    const file = await logOf(step(1, 8, 900), step(2, 4), step(3, 100), step(3, 2), step(4, 1), validation(4, 0.4), "");
    const { curve, val, msPerStep, seconds, validation: on } = await readLog(file, 2);
    expect(curve).to.deep.equal([
      { step: 2, loss: 6 },
      { step: 4, loss: 1.5 },
    ]);
    expect([val.meanIU, msPerStep, seconds]).to.deep.equal([0.4, 100, 1.2]);
    expect(on).to.deep.equal([{ step: 4, meanIU: 0.4 }]);
  });

  it("of a run that is not done is refused", async () => {
    const file = await logOf(step(1, 1), validation(1, 0.1), step(2, 1));
    const error = await readLog(file, 1).catch((e: Error) => e);
    expect((error as Error).message).to.match(/its last step, 2, has no validation/);
  });
});
